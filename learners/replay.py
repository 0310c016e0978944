"""The replay buffer between actors and reward learner, in memory (Ganin et al. 2018, section 3.4; thesis 6.3.4).

The actors put the final renders of their episodes in, the reward learner draws from it uniformly, so that it can
take more steps than the policy learner. This form serves a run in one process; the form in Redis is tested against it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.contracts import Arrays, EmptyReplayError, Renders
from spiral.program_space import ProgramSpace

Sample = Callable[[int, np.random.Generator], Renders]  # of a replay


class ReplayError(ValueError):
    """Pictures that do not belong into this replay: another shape, another type, or a damaged record."""


def check_batch(
    batch: Renders, canvas_shape: tuple[int, int, int], with_targets: bool, programs: ProgramSpace | None
) -> None:
    """Refuses a batch that is not uint8 [B, *canvas_shape], with targets of that shape if and only if `with_targets`.

    Of `programs` that are kept, it must have one with each render.

    Raises:
        ReplayError: naming what was given and what is expected.
    """
    if (batch.targets is not None) != with_targets:
        given, wanted = ("with", "without") if batch.targets is not None else ("without", "with")
        raise ReplayError(f"renders {given} targets were given to a replay of renders {wanted} targets")
    for name, pictures in (("renders", batch.renders), ("targets", batch.targets)):
        if pictures is None:
            continue
        if pictures.dtype != np.uint8 or pictures.shape != (len(batch.renders), *canvas_shape):
            raise ReplayError(
                f"{name} are {pictures.dtype} {pictures.shape}; this replay takes uint8 "
                f"{(len(batch.renders), *canvas_shape)}"
            )
    if programs is None:
        return
    if batch.actions is None:
        raise ReplayError("renders without programs were given to a replay of renders with programs")
    try:
        programs.check(batch.actions, len(batch))
    except ValueError as error:
        raise ReplayError(f"this replay takes renders with their programs, but {error}") from None


def draw_slots(size: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` slots drawn uniformly from `size`, with replacement.

    The Redis form applies the same formula to the same random numbers, so both draw the same pictures.
    """
    return np.floor(rng.random(count) * size).astype(np.int64)


class MemoryReplay:
    """A ring of the newest `capacity` pictures, uint8 of `canvas_shape` (H, W, C), with targets if `with_targets`.

    It keeps their programs if it is told which there are, and otherwise leaves them out.
    """

    def __init__(
        self,
        capacity: int,
        canvas_shape: tuple[int, int, int],
        with_targets: bool,
        programs: ProgramSpace | None = None,
    ) -> None:
        if capacity < 1:
            raise ReplayError(f"a replay of {capacity} pictures was asked for; it holds 1 or more")
        self.capacity = capacity
        self.refused = 0
        self.canvas_shape = canvas_shape
        self.with_targets = with_targets
        self.programs = programs
        self._kept: Arrays = {"renders": np.zeros((capacity, *canvas_shape), np.uint8)}
        if with_targets:
            self._kept["targets"] = np.zeros((capacity, *canvas_shape), np.uint8)
        if programs is not None:
            self._kept["actions"] = np.zeros((capacity, *programs.shape), np.int64)
        self._added = 0

    @property
    def size(self) -> int:
        """How many pictures are there now, at most `capacity`."""
        return min(self._added, self.capacity)

    def add(self, batch: Renders) -> None:
        """Put a batch in, in place of the oldest pictures when it is full.

        Raises:
            ReplayError: the batch has another shape or type.
        """
        check_batch(batch, self.canvas_shape, self.with_targets, self.programs)
        # Of a batch above the capacity the last pictures stay: writing a slot twice at once has no defined order.
        kept = np.arange(max(0, len(batch) - self.capacity), len(batch))
        self._put((self._added + kept) % self.capacity, batch, kept)
        self._added += len(batch)

    def sample(self, count: int, rng: np.random.Generator) -> Renders:
        """`count` pictures drawn uniformly, with replacement.

        Raises:
            EmptyReplayError: when nothing was added yet.
        """
        if not self._added:
            raise EmptyReplayError("the replay is empty: add renders before the reward learner samples")
        return _of_slots(self._kept, draw_slots(self.size, count, rng))

    def state(self) -> Arrays:
        """All pictures in the order of their slots, and how many were ever added; `load_state` takes it back."""
        kept = {name: array[: self.size].copy() for name, array in self._kept.items()}
        return {"added": np.array([self._added])} | kept

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what `state` gave.

        Raises:
            ReplayError: the pictures have another shape, or their number does not fit.
        """
        added, batch = unpack_state(arrays, self.capacity)
        check_batch(batch, self.canvas_shape, self.with_targets, self.programs)
        self._added = added
        self._put(np.arange(len(batch)), batch, np.arange(len(batch)))

    def _put(self, slots: NDArray[np.int64], batch: Renders, rows: NDArray[np.int64]) -> None:
        """Some rows of a batch that was checked, one in each slot."""
        for name, array in self._kept.items():
            array[slots] = getattr(batch, name)[rows]


def sample_evenly(samples: Sequence[Sample], count: int, rng: np.random.Generator) -> Renders:
    """`count` pictures, for each of which first a replay, by its `sample`, and then one of its pictures is drawn.

    Raises:
        EmptyReplayError: when one of the replays is empty.
    """
    counts = np.bincount(rng.integers(len(samples), size=count), minlength=len(samples)).tolist()
    drawn = [sample(share, rng) for sample, share in zip(samples, counts, strict=True) if share]
    kept = [field.name for field in fields(Renders) if getattr(drawn[0], field.name) is not None]
    return _of_slots({name: np.concatenate([getattr(batch, name) for batch in drawn]) for name in kept}, slice(None))


def unpack_state(arrays: Arrays, capacity: int) -> tuple[int, Renders]:
    """How many pictures were ever added, and those that are left in the order of their slots.

    Raises:
        ReplayError: an array is missing, or there are not as many pictures as the count says.
    """
    missing = {"added", "renders"} - set(arrays)
    if missing:
        raise ReplayError(f"a saved replay lacks {sorted(missing)}; it has {sorted(arrays)}")
    added, batch = int(arrays["added"][0]), _of_slots(arrays, slice(None))
    if added < 0 or len(batch) != min(added, capacity):
        raise ReplayError(
            f"a saved replay has {len(batch)} pictures of {added} ever added; a replay of {capacity} has "
            f"{min(max(added, 0), capacity)}: resume with the settings that it was saved with"
        )
    return added, batch


def newest(arrays: Arrays, count: int) -> Renders:
    """The last `count` pictures, or as many as there are, that were added to a replay which gave this `state`."""
    size, added = len(arrays["renders"]), int(arrays["added"][0])
    slots = np.arange(added - min(count, size), added) % max(size, 1)
    return _of_slots(arrays, slots)


def _of_slots(arrays: Arrays, slots: NDArray[np.int64] | slice) -> Renders:
    """What there is of these slots; `arrays` are by the names of `Renders`."""
    taken: dict[str, Any] = {field.name: arrays[field.name][slots] for field in fields(Renders) if field.name in arrays}
    return Renders(**{"targets": None} | taken)
