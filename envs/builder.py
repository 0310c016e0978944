"""N platforms with objects on them: each action adds one, changes the last one, or does nothing.

Drawing is what costs, so that the picture of each scene is kept, and drawn again only when the scene has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionError
from envs.area_means import area_means
from envs.episodes import Counts, Episodes, Images
from envs.renderer import Renderer
from envs.scene_objects import ADD, SceneObject, apply_action
from envs.scene_settings import SceneSettings
from envs.settings import whole
from envs.stage import Stage, more_threads_pay

MOST_THREADS = 256


class Builder(Episodes):
    """N scenes. Counts `objects`, how many are there, and `changes`, how many actions changed one."""

    def __init__(self, settings: SceneSettings, count: int, num_threads: int = 1) -> None:
        self._settings = settings
        count = whole("num_envs", count, 1, None)
        threads = min(whole("num_threads", num_threads, 1, MOST_THREADS), count)
        threads = threads if threads > 1 and more_threads_pay() else 1
        self._columns = {head.name: place for place, head in enumerate(settings.action_spec.heads)}
        self._shares = np.array_split(np.arange(count), threads)
        size, slots = settings.drawn_size, settings.episode_length
        self._stages = [Stage(size, len(share), slots, settings.supersampling) for share in self._shares]
        self._objects: list[list[SceneObject]] = [[] for _ in range(count)]
        self._pictures = np.empty((count, size, size, 3), np.uint8)
        self._bare = np.empty((size, size, 3), np.uint8)
        self._stages[0].submit(lambda renderer: renderer.draw(0, self._bare)).result()
        self._pictures[:] = self._bare
        super().__init__(settings, count)

    def draw(self, programs: NDArray[np.integer[Any]]) -> Images:
        """The scenes after whole programs [count, steps, heads], each drawn once; `reset` comes before the next step.

        Raises:
            ActionError: the programs are of another shape or type, or an index is out of range.
        """
        self._spec.check(programs)
        if programs.ndim != 3 or len(programs) != self._count or programs.shape[1] > self._settings.episode_length:
            raise ActionError(
                f"programs have shape {programs.shape}; give [{self._count}, steps, heads] with at most "
                f"{self._settings.episode_length} steps"
            )
        self._begin()
        self._objects = [[] for _ in range(self._count)]
        for actions in programs.swapaxes(0, 1):
            self._note(actions.copy())
            for index, action in enumerate(actions):
                self._do(index, action)

        def build_and_draw(renderer: Renderer, place: int, index: int) -> None:
            self._build(renderer, place, index)
            renderer.draw(place, self._pictures[index])

        self._on_all(build_and_draw)
        return self._shown()

    def objects(self, index: int) -> list[SceneObject]:
        """What stands on one platform, in the order in which it was added."""
        return list(self._objects[index])

    def segmentation(self, index: int) -> NDArray[np.int32]:
        """What each pixel shows, int32 [size, size]: −1 nothing, 0 the platform, k the k-th of `objects`."""
        share = next(number for number, share in enumerate(self._shares) if index in share)
        place = index - int(self._shares[share][0])
        return self._stages[share].submit(lambda renderer: renderer.segment(place)).result()

    def drawn(self) -> Images:
        """The scenes at the size at which they are drawn, a fresh array [count, size, size, 3]."""
        return self._pictures.copy()

    def close(self) -> None:
        """Give back the renderers."""
        for stage in self._stages:
            stage.close()

    def _no_counts(self) -> Counts:
        return {name: np.zeros(self._count, np.int64) for name in ("objects", "changes")}

    def _clear(self) -> Images:
        self._objects = [[] for _ in range(self._count)]
        self._on_all(lambda renderer, place, index: renderer.clear(place))
        self._pictures[:] = self._bare
        return self._shown()

    def _act(self, actions: NDArray[np.integer[Any]]) -> Images:
        puts = [self._do(index, action) for index, action in enumerate(actions)]

        def put(renderer: Renderer, place: int, index: int) -> None:
            slot = puts[index]
            if slot is not None:
                renderer.put(place, slot, self._objects[index][slot])
                renderer.draw(place, self._pictures[index])

        self._on_all(put)
        return self._shown()

    def _take(self, sources: NDArray[np.integer[Any]], other: Self) -> Images:
        self._objects = [list(other._objects[source]) for source in sources]
        self._pictures = other._pictures[sources]
        self._on_all(self._build)
        return self._shown()

    def _build(self, renderer: Renderer, place: int, index: int) -> None:
        """Puts the objects of a scene where they are, without drawing them."""
        renderer.clear(place)
        for slot, thing in enumerate(self._objects[index]):
            renderer.put(place, slot, thing)

    def _do(self, index: int, action: NDArray[np.integer[Any]]) -> int | None:
        """The slot of the object that an action adds or changes, or None when nothing comes of it."""
        attributes = {name: int(action[column]) for name, column in self._columns.items()}
        slot = apply_action(self._objects[index], attributes, self._settings.grid_size)
        if slot is not None:
            self.counts["objects" if attributes["kind"] == ADD else "changes"][index] += 1
        return slot

    def _shown(self) -> Images:
        """The scenes at the size at which they are shown: area means of those drawn."""
        factor = self._settings.drawn_size // self._settings.canvas_size
        return self.drawn() if factor == 1 else area_means(self._pictures, factor)

    def _on_all(self, work: Callable[[Renderer, int, int], None]) -> None:
        """`work(renderer, place, index)` for every scene, each in the thread of its renderer."""
        waiting: list[Future[None]] = []
        for stage, share in zip(self._stages, self._shares, strict=True):

            def work_on(renderer: Renderer, share: NDArray[np.intp] = share) -> None:
                for place, index in enumerate(share):
                    work(renderer, place, int(index))

            waiting.append(stage.submit(work_on))
        for result in waiting:
            result.result()
