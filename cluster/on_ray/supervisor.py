"""A learner's process that is started again when it dies, from the last checkpoint.

Whatever the process was asked for is kept until it has answered, so that what was under way is asked for again. Its
heir goes on above every version that was ever published: nothing that actors or the other learner hold seems newer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ObjectLostError

from cluster.on_ray.calls import ProcessDied, result_of, wait_for
from cluster.on_ray.start import EngineError
from spiral.contracts import Arrays
from spiral.state import version_of

DEATHS_IN_A_ROW = 5
WAY_OUT = "is there enough memory? Go on with --resume from the last checkpoint"


@dataclass
class Request:
    """What the process was asked for.

    Attributes:
        method, arguments: as in a call.
        steps: by how much it may raise the version.
        note: whatever whoever asks wants to have back with the answer.
        call: Ray's reference to the answer.
    """

    method: str
    arguments: tuple[Any, ...]
    steps: int
    note: Any
    call: Any


class Supervised:
    """A learner's process, which is asked in order and answers in order.

    Args:
        who: its name in messages.
        start: starts the process from a state (None: anew) with versions from a number on; gives its Ray handle.
        recover: its state in the last checkpoint, or None when there is none yet. Without this it has no heir, and its
            death ends the run, as that of one of several policy learners must.

    Attributes:
        newest: no version above this was ever published.
        restarts: how often it was started again.
    """

    def __init__(
        self, who: str, start: Callable[[Arrays | None, int], Any], recover: Callable[[], Arrays | None] | None
    ) -> None:
        self._who = who
        self._start = start
        self._recover = recover
        self._requests: deque[Request] = deque()
        self._deaths = 0  # since the last answer
        self.newest = 0
        self.restarts = 0
        self._handle = start(None, 0)

    def __len__(self) -> int:
        """How many requests were not taken back yet."""
        return len(self._requests)

    def wait(self) -> None:
        """Returns when the process is ready.

        Raises:
            EngineError: it does not get ready.
            ProcessDied: it died.
        """
        wait_for(self._handle, self._who)

    def ask(self, method: str, *arguments: Any, steps: int = 0, note: Any = None) -> None:
        """Ask for a method, which raises the version by at most `steps`."""
        self.newest += steps
        self._requests.append(Request(method, arguments, steps, note, self._call(method, arguments)))

    def pending(self) -> list[Any]:
        """References that become ready with the answers, for `ray.wait`."""
        return [request.call for request in self._requests]

    def take(self, timeout: float | None) -> tuple[Any, Any] | None:
        """The oldest request's note and answer, or None when there is no answer within so many seconds.

        Raises:
            EngineError: the process dies again and again, may not die at all, or cannot be started.
            ObjectLostError: an argument died with the process that made it.
            Exception: what the method raised.
        """
        while self._requests and ray.wait([self._requests[0].call], timeout=timeout)[0]:
            request = self._requests.popleft()
            try:
                answer = result_of(request.call)
            except ProcessDied as death:
                self._requests.appendleft(request)
                self._replace(death)
                continue
            self._deaths = 0
            return request.note, answer
        return None

    def call(self, method: str, *arguments: Any) -> Any:
        """The answer to this one request, while nothing else is asked for."""
        assert not self._requests, "other requests would be answered first"
        while True:
            self.ask(method, *arguments)
            with suppress(ObjectLostError):
                answered = self.take(timeout=None)
                assert answered is not None, "without a time limit there is an answer"
                return answered[1]

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what the learner's `state` gave."""
        self.newest = max(self.newest, version_of(arrays))
        self.call("load_state", arrays)

    def close(self) -> None:
        """End the process."""
        ray.kill(self._handle)

    def _call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        return getattr(self._handle, method).remote(*arguments)

    def _replace(self, death: ProcessDied) -> None:
        while True:
            if self._recover is None:
                raise EngineError(f"a process of the run died ({death}); {WAY_OUT}") from None
            self._deaths += 1
            if self._deaths > DEATHS_IN_A_ROW:
                raise EngineError(f"{self._who} died {self._deaths} times in a row ({death}); {WAY_OUT}")
            ray.kill(self._handle)  # it may be cut off only, and must not go on by itself
            self.restarts += 1
            self.newest += 1
            self._handle = self._start(self._recover(), self.newest)
            try:
                self.wait()
            except ProcessDied as again:
                death = again
                continue
            break
        for request in self._requests:
            self.newest += request.steps
            request.call = self._call(request.method, request.arguments)


def take_from_all(processes: list[Supervised], timeout: float | None) -> list[tuple[Any, Any]]:
    """The oldest request's note and answer of each process; none before all of them have answered.

    Raises:
        EngineError: one of them died; the errors of the others, who waited for it, say less.
        Exception: otherwise, the first that one of them raised.
    """
    calls = [process.pending()[0] for process in processes if len(process)]
    if len(calls) < len(processes) or ray.wait(calls, num_returns=len(calls), timeout=timeout)[1]:
        return []
    answers, errors = [], []
    for process in processes:
        try:
            answers.append(process.take(timeout))
        except Exception as error:
            errors.append(error)
    if errors:
        raise next((error for error in errors if isinstance(error, EngineError)), errors[0])
    return [answer for answer in answers if answer is not None]
