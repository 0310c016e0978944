"""Which curves to draw where there are more than strokes: those that together show most of the edges.

An edge is shown where a curve passes within two pixels. The next curve is always the one that shows most of what none
before it shows, which is within 1 − 1/e of the best choice there is (Nemhauser et al., 1978); as long lines are better
than short ones, a curve that goes on with a line is preferred somewhat. Of several tolerances for the curves that one
is taken with which the strokes show most; a narrow one, if it shows nearly everything.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from cluster.studio.sketching.curves import Curve, fitted
from cluster.studio.sketching.lines import Line

NEAR = 2  # pixels
TOLERANCES = (1.5, 2.5, 3.0)  # pixels between a line and its curves
NEARLY_ALL = 0.95  # of the edges
LEAST = 3  # pixels of edges that a curve must add

GOES_ON = 1.5  # times as much is a curve worth that goes on where another one ends

Place = tuple[int, int]  # of a curve: the number of its line, and its own on that line
Run = list[Curve]  # each begins where the one before ends, so that the pen stays down


def chosen(lines: list[Line], edge: NDArray[np.bool_], strokes: int) -> list[Run]:
    """At most this many curves, those in one run that follow each other on a line.

    Args:
        lines: that the edges consist of.
        edge: bool [height, width].
        strokes: 1 or more.
    """
    best: list[Run] = []
    most = -1
    for tolerance in TOLERANCES:
        by_line = [fitted(line, tolerance) for line in lines]
        places = [(line, number) for line, curves in enumerate(by_line) for number in range(len(curves))]
        shown_by = [pixels_near(by_line[line][number], edge) for line, number in places]
        taken, shown = _covering(shown_by, places, edge.size, strokes)
        if shown > most:
            best, most = _runs(by_line, taken), shown
        if most >= NEARLY_ALL * edge.sum():
            break
    return best


def pixels_near(curve: Curve, edge: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The numbers of the pixels of edges that a curve passes near, row by row."""
    height, width = edge.shape
    length = np.linalg.norm(curve.control - curve.start) + np.linalg.norm(curve.end - curve.control)
    on_it = np.rint(curve.points(int(length) + 2)).astype(np.int64)
    around = np.mgrid[-NEAR : NEAR + 1, -NEAR : NEAR + 1].reshape(2, -1).T
    around = around[(around**2).sum(axis=1) <= NEAR**2]
    x, y = (on_it[:, None] + around).reshape(-1, 2).T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    numbers = np.unique(y[inside] * width + x[inside]).astype(np.int64)
    on_edges: NDArray[np.int64] = numbers[edge.reshape(-1)[numbers]]
    return on_edges


def _covering(shown_by: list[NDArray[np.int64]], places: list[Place], pixels: int, most: int) -> tuple[set[Place], int]:
    """Which of the sets of pixels to take, `most` of them, and how many pixels they have together."""
    left = np.ones(pixels, bool)
    shown = dict(zip(places, shown_by, strict=True))
    queue = [(-float(len(near)), place) for place, near in shown.items()]
    heapq.heapify(queue)
    taken: set[Place] = set()
    while queue and len(taken) < most:
        _, place = heapq.heappop(queue)
        if place in taken:
            continue
        line, number = place
        beside = {(line, number - 1), (line, number + 1)}
        adds = int(left[shown[place]].sum())
        value = adds * (GOES_ON if beside & taken else 1)
        if queue and (-value, place) > queue[0]:  # what it adds has shrunk, and another may add more now
            heapq.heappush(queue, (-value, place))
        elif adds >= LEAST:
            taken.add(place)
            left[shown[place]] = False
            for other in (beside & shown.keys()) - taken:  # it is worth more from now on
                heapq.heappush(queue, (-GOES_ON * len(shown[other]), other))
    return taken, int((~left).sum())


def _runs(by_line: list[list[Curve]], taken: set[Place]) -> list[Run]:
    runs: list[Run] = []
    for line, number in sorted(taken):
        curve = by_line[line][number]
        if (line, number - 1) in taken:
            runs[-1].append(curve)
        else:
            runs.append([curve])
    return runs
