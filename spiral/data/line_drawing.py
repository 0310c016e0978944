"""Line drawings from strokes: one pen, moved by a hand that is never twice the same.

A round pen leaves a line of one width. A broad nib is an edge that is held at one angle, so that its lines are thick
across the edge and thin along it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FINER = 4  # drawn at so many times the size and then reduced, for smooth edges
UNEVEN = 0.06  # how far a hand shears and stretches, standard deviation
OFF_CENTRE = 0.02  # and how far it shifts, in widths of the picture

Stroke = NDArray[np.float64]


@dataclass(frozen=True)
class Pen:
    """A pen of some `width`, in widths of the picture; with an `edge`, the angle in radians of its broad nib."""

    width: float
    edge: float | None = None


def round_pen(rng: np.random.Generator) -> Pen:
    """A round pen, from fine to bold."""
    return Pen(rng.uniform(0.02, 0.06))


def broad_nib(rng: np.random.Generator) -> Pen:
    """A broad nib, held at about 45 degrees as by a right-handed writer."""
    return Pen(rng.uniform(0.06, 0.12), edge=-np.pi / 4 + rng.normal(0, 0.15))


def by_hand(strokes: Sequence[Stroke], rng: np.random.Generator) -> list[Stroke]:
    """The strokes, each float [n, 2] with x and y in widths of the picture, a little sheared, stretched and shifted."""
    uneven = np.eye(2) + rng.normal(0, UNEVEN, (2, 2))
    centre = 0.5 + rng.normal(0, OFF_CENTRE, 2)
    return [(stroke - 0.5) @ uneven + centre for stroke in strokes]


def draw(strokes: Sequence[Stroke], pen: Pen, size: int) -> NDArray[np.uint8]:
    """The strokes in black on white, uint8 [size, size]."""
    fine = FINER * size
    picture = Image.new("L", (fine, fine), 255)
    paper = ImageDraw.Draw(picture)
    for stroke in strokes:
        if pen.edge is None:
            _trace_round(paper, fine * stroke, fine * pen.width)
        else:
            _trace_broad(paper, fine * stroke, fine * pen.width, pen.edge)
    return np.asarray(picture.reduce(FINER))


def _trace_round(paper: ImageDraw.ImageDraw, points: Stroke, width: float) -> None:
    paper.line([tuple(point) for point in points], fill=0, width=max(round(width), 1), joint="curve")
    for point in (points[0], points[-1]):
        paper.circle(tuple(point), width / 2, fill=0)


def _trace_broad(paper: ImageDraw.ImageDraw, points: Stroke, width: float, edge: float) -> None:
    half = np.maximum(width / 2 * np.abs([np.cos(edge), np.sin(edge)]), 0.5) * np.sign([np.cos(edge), np.sin(edge)])
    for start, end in zip(points[:-1], points[1:], strict=True):
        corners = (start - half, start + half, end + half, end - half)
        paper.polygon([tuple(corner) for corner in corners], fill=0, outline=0, width=FINER // 2)
