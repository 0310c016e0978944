"""Greedy search: each stroke is the best of random ones on what is painted, after some steps of climbing from there.

Sizes follow those that were best before, so that they go from coarse to fine by themselves, however many strokes there
are. Half of a stroke's time is for random ones, half for those near the best. All are tried with the real brush, in a
smaller draft of the painting, in less time; what the draft calls best must do in the painting too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.greedy.easel import Easel
from benchmarks.greedy.strokes import SIZE, SIZES, Proposals, settings_for
from envs import PAINT_ID
from envs.paint_settings import PaintSettings
from envs.program import Program

TRIALS = 8  # strokes that are tried at once
DRAFT = 256  # pixels of its longer side, at most
CHECKS = 2  # times that a stroke of a brush with luck must do in the painting before it is painted
FOLLOW = 0.1  # how fast sizes follow the best
FINER = 0.25  # by how much smaller sizes are after a stroke that was not kept, as an index; after 0 come the largest
SPARE = 0.1  # of the time, for strokes that are not kept
PATIENCE = round(2 * (SIZES - 1) / FINER)  # strokes in a row that are not kept, twice through all sizes: then it ends


class Pace(Protocol):
    """How much is tried for a stroke."""

    def rounds(self, left: int) -> Iterator[bool]:
        """Once for each round of trials of the first of `left` strokes: whether they are random, or near the best."""

    def over(self) -> bool:
        """Whether there is no time for another stroke."""


class Clock:
    """So many seconds from now on, in equal parts for the strokes that are left."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def rounds(self, left: int) -> Iterator[bool]:
        """At least one of each."""
        start = time.perf_counter()
        share = (self._end - start) / (left * (1 + SPARE))
        for random, end in ((True, start + share / 2), (False, start + share)):
            yield random
            while time.perf_counter() < end:
                yield random

    def over(self) -> bool:
        """Whether the seconds are over."""
        return time.perf_counter() >= self._end


@dataclass(frozen=True)
class Count:
    """So many rounds of each kind for each stroke, so that the seed decides the painting."""

    each: int

    def rounds(self, left: int) -> Iterator[bool]:
        """All of them."""
        yield from [True] * self.each + [False] * self.each

    def over(self) -> bool:
        """Never."""
        return False


@dataclass
class Painting:
    """What the search made.

    Attributes:
        program: of the painting.
        errors: mean squared error of pixels in [0, 1], of the bare canvas and after each stroke that was kept.
        pictures: the painting at the strokes that were asked for and at the end, by their number, uint8 [H, W, 3].
        seconds: by then, likewise.
        tried: strokes that were rendered.
    """

    program: Program
    errors: list[float]
    pictures: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    tried: int = 0


def paint(
    target: NDArray[np.uint8],
    brush: str,
    strokes: int,
    make_pace: Callable[[], Pace],
    seed: int = 0,
    threads: int = 1,
    marks: Collection[int] = (),
) -> Painting:
    """A painting of a picture.

    Args:
        target: the picture, uint8 [H, W, 3]; the canvas is as large as its longer side.
        brush: by name or file.
        strokes: how many at most.
        make_pace: begins to count the time.
        seed: decides what is tried.
        threads: that paint.
        marks: strokes after which the painting is looked at.

    Raises:
        PaintError: there is no such brush.
        SettingsError: a number is out of range.
    """
    height, width, _ = target.shape
    easel = Easel(target, settings_for(max(height, width), brush, strokes), CHECKS, threads)
    draft = _draft(target, easel.settings, threads)
    proposals = Proposals(draft.target, draft.settings, np.random.default_rng(seed))
    scale = 255**2 * target.size
    result = Painting(_program(easel, width, height), [easel.total / scale])
    start, pace = time.perf_counter(), make_pace()
    level, failures = float(SIZES - 1), 0
    while len(easel.strokes) < strokes and failures < PATIENCE and not pace.over():
        stroke, gain, tried = _best(draft, proposals, level, pace.rounds(strokes - len(easel.strokes)))
        result.tried += tried
        if gain <= 0 or not easel.keep(stroke):
            level, failures = (level - FINER) % (SIZES - 1), failures + 1
            continue
        draft.put(stroke)
        level, failures = level + FOLLOW * (stroke[SIZE] - level), 0
        result.errors.append(easel.total / scale)
        if len(easel.strokes) in marks:
            _look(result, easel, start)
    _look(result, easel, start)
    result.program = _program(easel, width, height)
    return result


def _draft(target: NDArray[np.uint8], settings: PaintSettings, threads: int) -> Easel:
    """The same painting, but smaller if it is large."""
    size = min(DRAFT, settings.canvas_size)
    height, width, _ = target.shape
    shape = [max(1, round(side * size / settings.canvas_size)) for side in (width, height)]
    small = np.asarray(Image.fromarray(target).resize((shape[0], shape[1]), Image.Resampling.BOX))
    return Easel(small, settings.at_size(size), TRIALS, threads)


def _best(
    draft: Easel, proposals: Proposals, level: float, rounds: Iterator[bool]
) -> tuple[NDArray[np.int64], int, int]:
    """The best stroke that was found, by how much the error falls with it, and how many were tried."""
    best, most, better = None, 0, None
    tried = 0
    for random in rounds:
        if random or best is None:
            strokes = proposals.anywhere(draft.error, level, draft.trials)
        else:
            strokes = proposals.near(best, draft.trials)
        if better is not None:
            strokes[0] = better
        gains = draft.gains(strokes)
        tried += len(strokes)
        first, better = int(gains.argmax()), None
        if best is None or gains[first] > most:
            best, most = strokes[first], int(gains[first])
            better = draft.recolored(first, best)
    assert best is not None, "there is one round at least"
    return best, most, tried


def _look(result: Painting, easel: Easel, start: float) -> None:
    result.pictures[len(easel.strokes)] = easel.picture
    result.seconds.setdefault(len(easel.strokes), time.perf_counter() - start)


def _program(easel: Easel, width: int, height: int) -> Program:
    page = None if width == height else (width, height)
    return Program(PAINT_ID, easel.settings.to_json(), easel.actions, easel.brush_fingerprint, page)
