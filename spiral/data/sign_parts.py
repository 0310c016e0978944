"""What a drawn sign is made of: lines, polygons, discs and words, one on another.

Everything is in widths of the sign, from 0 to 1, x to the right and y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from spiral.data.fonts import MATPLOTLIB, font_of

FINER = 2  # drawn at so many times the width and then reduced, for smooth edges
LETTERS = "DejaVuSans-Bold.ttf"
BLACK = (25, 25, 25)

Color = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """A line if it has a width, words if it has a text, a disc if it has a radius, and else a polygon.

    Attributes:
        points: along the line or around the polygon; the centre of a disc or of words.
        color: of the part.
        width: of a line.
        radius: of a disc; of words, half their height.
        text: the words.
    """

    points: tuple[Point, ...]
    color: Color = BLACK
    width: float = 0.0
    radius: float = 0.0
    text: str = ""


Parts = tuple[Part, ...]


def line(*points: Point, width: float = 0.08, color: Color = BLACK) -> Part:
    """A line through the points."""
    return Part(points, color, width=width)


def area(*points: Point, color: Color = BLACK) -> Part:
    """A polygon."""
    return Part(points, color)


def disc(x: float, y: float, radius: float, color: Color = BLACK) -> Part:
    """A disc."""
    return Part(((x, y),), color, radius=radius)


def words(text: str, height: float, y: float = 0.5, color: Color = BLACK) -> Part:
    """Words or a number, in the middle from left to right."""
    return Part(((0.5, y),), color, radius=height / 2, text=text)


def regular(corners: int, radius: float, turns: float, color: Color, y: float = 0.5) -> Part:
    """A regular polygon around (0.5, y), whose first corner lies so many turns from the top."""
    angles = 2 * np.pi * (turns + np.arange(corners) / corners)
    points = np.column_stack([0.5 + radius * np.sin(angles), y - radius * np.cos(angles)])
    return area(*_as_points(points), color=color)


def turned(parts: Sequence[Part], turns: float) -> Parts:
    """The parts turned clockwise around the centre."""
    cos, sin = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
    rotation = np.array([[cos, sin], [-sin, cos]])
    return tuple(replace(part, points=_as_points((np.array(part.points) - 0.5) @ rotation + 0.5)) for part in parts)


def mirrored(parts: Sequence[Part]) -> Parts:
    """The parts with left and right exchanged."""
    return tuple(replace(part, points=tuple((1 - x, y) for x, y in part.points)) for part in parts)


def colored(parts: Sequence[Part], color: Color) -> Parts:
    """The parts, all in one colour."""
    return tuple(replace(part, color=color) for part in parts)


def shrunk(parts: Sequence[Part], width: float, x: float = 0.5, y: float = 0.5) -> Parts:
    """The parts shrunk to a width around (x, y)."""
    return tuple(
        replace(
            part,
            points=tuple((x + (p - 0.5) * width, y + (q - 0.5) * width) for p, q in part.points),
            width=part.width * width,
            radius=part.radius * width,
        )
        for part in parts
    )


def drawn(parts: Sequence[Part], size: int) -> Image.Image:
    """The parts on nothing, of mode RGBA, size x size pixels."""
    fine = FINER * size
    picture = Image.new("RGBA", (fine, fine), (128, 128, 128, 0))
    paper = ImageDraw.Draw(picture)
    for part in parts:
        points = [(fine * x, fine * y) for x, y in part.points]
        if part.text:
            font = font_of(MATPLOTLIB.path() / LETTERS, round(fine * part.radius * 2 / 0.72))
            paper.text(points[0], part.text, fill=part.color, font=font, anchor="mm")
        elif part.width:
            paper.line(points, fill=part.color, width=max(round(fine * part.width), 1), joint="curve")
        elif part.radius:
            paper.circle(points[0], fine * part.radius, fill=part.color)
        else:
            paper.polygon(points, fill=part.color)
    return picture.reduce(FINER)


def _as_points(array: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in array)
