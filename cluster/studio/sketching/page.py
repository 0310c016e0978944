"""Curves as a program of `spiral/Paint-v0`: in an order of little way between them, each with a pressure.

The canvas is square, and a picture that is wider or higher is its upper left part, the page of the program. Places are
half pixels, so that nothing of a curve is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cluster.studio.sketching.choice import Run
from envs import PAINT_ID
from envs.paint_settings import PaintSettings
from envs.program import Program

SIDE = 512  # pixels of the canvas
GRID = 1024  # rows of its grid
RADII = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # pixels, of which a pen has the finest that shows
STARTS = 16  # tries at an order
LIGHT, FIRM = 0.5, 1.0  # pressures at the weakest and at the strongest edge
MOVE, PAINT = 0, 1


def in_order(runs: list[Run], seed: int) -> list[Run]:
    """The runs, some of them backwards, in an order in which the pen goes a short way between them.

    From where the pen is it goes to the nearest end of a run. Several runs are tried as the first, as the seed decides,
    besides the one that is nearest to the upper left corner, and the shortest way counts.
    """
    if not runs:
        return []
    ends = np.array([(run[0].start, run[-1].end) for run in runs])  # [runs, 2, 2]
    tries = np.random.default_rng(seed).permutation(2 * len(runs))[:STARTS]
    corner = int(np.linalg.norm(ends, axis=2).argmin())
    tours = [_tour(ends, int(first)) for first in (corner, *tries)]
    _, order = min(tours, key=lambda tour: tour[0])
    return [backwards(runs[end // 2]) if end % 2 else runs[end // 2] for end in order]


def backwards(run: Run) -> Run:
    """The same run from its end to its beginning."""
    return [curve.reversed() for curve in reversed(run)]


def to_program(
    runs: list[Run], strength: NDArray[np.float64], brush: str, shape: tuple[int, int], radius: float = RADII[0]
) -> Program:
    """The program that draws the runs in their order.

    Args:
        runs: in pixels of a canvas of `SIDE`, the middle of the upper left one at (0, 0).
        strength: of the edge in each pixel, [height, width]; a stroke over strong ones is firm.
        brush: by name or file.
        shape: width and height of the picture, at most `SIDE`.
        radius: of the brush, in pixels.

    Raises:
        ProgramError: these are no settings of the environment.
    """
    actions: list[tuple[int, int, int, int]] = []
    top = max(float(strength.max(initial=0.0)), 1e-9)
    for run in runs:
        actions.append((0, cell(run[0].start), MOVE, 0))
        for curve in run:
            x, y = np.rint(curve.points(16)).astype(np.int64).T
            x, y = np.clip(x, 0, strength.shape[1] - 1), np.clip(y, 0, strength.shape[0] - 1)
            share = float(strength[y, x].mean()) / top
            pressure = round(10 * (LIGHT + (FIRM - LIGHT) * min(share * 2, 1))) - 1
            actions.append((cell(curve.control), cell(curve.end), PAINT, pressure))
    settings = PaintSettings(
        canvas_size=SIDE,
        episode_length=max(1, len(actions)),
        grid_size=GRID,
        brush=brush,
        brush_sizes=(radius,),
        color=False,
    )
    places = np.array(actions, np.int64).reshape(-1, len(settings.action_spec.heads))
    return Program(PAINT_ID, settings.to_json(), places, page=None if shape == (SIDE, SIDE) else shape)


def cell(point: NDArray[np.float64]) -> int:
    """The cell of the grid whose corner is nearest to a point."""
    column, row = np.clip(np.rint((point + 0.5) * (GRID / SIDE)), 0, GRID - 1).astype(int)
    return int(row * GRID + column)


def _tour(ends: NDArray[np.float64], first: int) -> tuple[float, list[int]]:
    """How far the pen goes in the air, and where it begins each run: 2k at the start of run k, 2k + 1 at its end."""
    flat = ends.reshape(-1, 2)
    left = np.ones(len(flat), bool)
    order = [first]
    way = float(np.linalg.norm(flat[first]))
    while True:
        left[[order[-1], order[-1] ^ 1]] = False
        if not left.any():
            return way, order
        distances = np.where(left, np.linalg.norm(flat - flat[order[-1] ^ 1], axis=1), np.inf)
        order.append(int(distances.argmin()))
        way += float(distances[order[-1]])
