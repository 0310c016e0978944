"""A thread that owns a renderer.

An OpenGL context is of use only in the thread that made it, and must be given back there, or the process ends with
errors. The stage has such a thread of its own, so that an environment may be used, and forgotten, from any.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, TypeVar

from envs.opengl import StageError, no_opengl
from envs.renderer import Renderer

T = TypeVar("T")
Job = tuple[Callable[[Renderer], Any], Future[Any]]


class Stage:
    """Scenes that are drawn in a thread of their own; arguments as of `Renderer`.

    Raises:
        StageError: MuJoCo finds no OpenGL.
    """

    def __init__(self, size: int, count: int, slots: int, supersampling: int = 1) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        started: Future[None] = Future()
        make = partial(Renderer, size, count, slots, supersampling=supersampling)
        thread = threading.Thread(target=_serve, args=(self._jobs, started, make), daemon=True)
        thread.start()
        self._close = weakref.finalize(self, _stop, self._jobs, thread)
        try:
            started.result()
        except Exception as error:
            raise no_opengl(error) from error

    def submit(self, work: Callable[[Renderer], T]) -> Future[T]:
        """The result of `work(renderer)`, once the thread has done it.

        Raises:
            StageError: the stage was closed.
        """
        if not self._close.alive:
            raise StageError("the environment is closed, and its picture gone; make a new one")
        result: Future[T] = Future()
        self._jobs.put((work, result))
        return result

    def close(self) -> None:
        """Give back the context and end the thread; twice does no harm."""
        self._close()


@cache
def more_threads_pay() -> bool:
    """Whether several contexts draw faster than one.

    Mesa's software driver does in proportion to the cores. A GPU does not: on an H200, one thread drew 20,000 pictures
    a second, and four together 2,400.
    """
    probe = Stage(1, 1, 1)
    try:
        return probe.submit(lambda renderer: renderer.in_software).result()
    finally:
        probe.close()


def _serve(jobs: SimpleQueue[Job | None], started: Future[None], make: Callable[[], Renderer]) -> None:
    try:
        renderer = make()
    except Exception as error:
        started.set_exception(error)
        return
    started.set_result(None)
    while (job := jobs.get()) is not None:
        work, result = job
        try:
            result.set_result(work(renderer))
        except Exception as error:
            result.set_exception(error)
        del work, result, job  # what they hold is not kept until the next one comes
    renderer.close()


def _stop(jobs: SimpleQueue[Job | None], thread: threading.Thread) -> None:
    jobs.put(None)
    thread.join()
