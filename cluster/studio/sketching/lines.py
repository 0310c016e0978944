"""A picture's edges as lines, each as long as it goes on.

Edges are Canny's (1986), one pixel wide. A line is followed from pixel to pixel; where edges meet, it goes on into the
one that turns the least. Then ends that point at each other across a small gap are joined.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from skimage.feature import canny
from skimage.morphology import skeletonize

Line = NDArray[np.float64]  # [points, 2], x and y in pixels from the upper left corner

SIGMA = 2.0  # pixels, by which the picture is smoothed
WEAK, STRONG = 0.04, 0.1  # of the picture's range of grey: edges begin where they are strong, and go on while weak
LEAST_CONTRAST = 0.25  # of black to white; a fainter picture is mostly noise
LOOK_BACK = 5  # points of a line that tell where it is going
FACING = math.cos(math.radians(50))  # of the angle that a line turns by at a meeting or a gap, at most
WIDEST_GAP = 6.0  # pixels between ends that are joined
SHORTEST = 6  # pixels; what is shorter is a speck


def edges(picture: Image.Image) -> NDArray[np.bool_]:
    """Where the picture, of mode L, has an edge, bool [height, width]."""
    grey = np.asarray(picture, np.float64) / 255
    contrast = max(float(np.ptp(gaussian_filter(grey, SIGMA))), LEAST_CONTRAST)
    found = canny(grey / contrast, SIGMA, WEAK, STRONG, mode="nearest")
    return np.asarray(skeletonize(found), np.bool_)


def traced(edge: NDArray[np.bool_]) -> list[Line]:
    """The lines that edges, bool [height, width], consist of; each pixel is in one of them."""
    left = {(int(x), int(y)) for y, x in np.argwhere(edge)}
    ends_first = sorted(left, key=lambda pixel: (len(_neighbours(pixel, left)) != 1, pixel[1], pixel[0]))
    lines = []
    for pixel in ends_first:
        if pixel in left:
            left.remove(pixel)
            there = _followed([pixel], left)
            lines.append(np.array(_followed(there[::-1], left), float))
    return [line for line in joined(lines) if len(line) >= SHORTEST]


def joined(lines: list[Line]) -> list[Line]:
    """The lines, those of them in one whose ends point at each other across a small gap, the nearest first."""
    ends = np.array([end for line in lines for end in (line[0], line[-1])]).reshape(-1, 2)
    ways = np.array([way for line in lines for way in (_way(line[::-1]), _way(line))]).reshape(-1, 2)
    near = cKDTree(ends).query_pairs(WIDEST_GAP, output_type="ndarray") if len(ends) else np.zeros((0, 2), int)
    gaps = ends[near[:, 1]] - ends[near[:, 0]]
    wide = np.linalg.norm(gaps, axis=1)
    heading = gaps / np.maximum(wide, 1e-9)[:, None]
    first = (ways[near[:, 0]] * heading).sum(axis=1)
    second = -(ways[near[:, 1]] * heading).sum(axis=1)
    opposite = -(ways[near[:, 0]] * ways[near[:, 1]]).sum(axis=1)
    touching = wide <= 1.5  # pixels side by side say nothing of the way
    good = (opposite >= FACING) & (touching | ((first >= FACING) & (second >= FACING)))
    partner: dict[int, int] = {}
    for place in np.argsort(wide, kind="stable"):
        a, b = (int(end) for end in near[place])
        if good[place] and a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    return _chained(lines, partner)


def _chained(lines: list[Line], partner: dict[int, int]) -> list[Line]:
    """The lines in chains; end 2k is the beginning of line k and end 2k + 1 its end, and `partner` tells which meet."""
    done: set[int] = set()
    chains = []
    loose = [end for end in range(2 * len(lines)) if end not in partner]
    for start in (*loose, *partner):  # what is left after the loose ends are rings
        parts, end = [], start
        while end // 2 not in done:
            done.add(end // 2)
            parts.append(lines[end // 2][:: -1 if end % 2 else 1])
            end = partner.get(end ^ 1, start)
        if parts:
            ring = end == start and start in partner and len(parts) > 1
            chains.append(np.concatenate([*parts, parts[0][:1]] if ring else parts))
    return chains


def _followed(line: list[tuple[int, int]], left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The line, gone on with from its last pixel as far as it goes; its pixels are no longer `left`."""
    line = list(line)
    while near := _neighbours(line[-1], left):
        back = line[max(0, len(line) - 1 - LOOK_BACK)]
        line.append(max(near, key=partial(_straightness, back, line[-1])))
        left.remove(line[-1])
    return line


def _straightness(back: tuple[int, int], here: tuple[int, int], ahead: tuple[int, int]) -> float:
    """How little a line from `back` turns at `here` to go to `ahead`: the more the straighter."""
    step = (ahead[0] - here[0], ahead[1] - here[1])
    return (step[0] * (here[0] - back[0]) + step[1] * (here[1] - back[1])) / math.hypot(*step)


def _neighbours(pixel: tuple[int, int], left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pixels beside this one that are left, those that share a side first."""
    x, y = pixel
    around = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1))
    return [(x + right, y + down) for right, down in around if (x + right, y + down) in left]


def _way(line: Line) -> NDArray[np.float64]:
    """The direction in which a line ends, [2]; zero of a single point."""
    step = line[-1] - line[max(0, len(line) - 1 - LOOK_BACK)]
    return np.asarray(step / max(float(np.linalg.norm(step)), 1e-9))
