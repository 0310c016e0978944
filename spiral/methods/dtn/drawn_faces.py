"""A domain of drawn faces, each of random features: the target of the faces, in place of the paper's emoji.

Features are drawn one by one, at the places where an aligned photo has them: eyes a little above the middle, a mouth at
three quarters. Who is drawn is decided by the seed alone, and nothing is taken from any photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FINER = 4  # drawn at so many times the size and then reduced, for smooth edges
LINE = 0.012
EYES, MOUTH = 0.47, 0.75  # heights, from the top
SKINS = ((255, 224, 196), (241, 194, 150), (224, 172, 120), (198, 134, 86), (141, 85, 52), (92, 58, 40))
HAIRS = ((25, 20, 20), (70, 45, 30), (125, 80, 45), (190, 140, 70), (235, 205, 130), (160, 60, 30), (190, 190, 195))
IRISES = ((80, 50, 30), (60, 110, 160), (70, 120, 70), (40, 35, 35))
Color = tuple[int, int, int]


@dataclass(frozen=True)
class Face:
    """Who is drawn: colours, and lengths in widths of the picture.

    Attributes:
        style: of the hair: 0 none, 1 short, 2 to the chin, 3 to the shoulders.
        smile: how far the corners of the mouth are above its middle.
        open_mouth: how far the lips are apart.
        brow: how far the brows' inner ends are below the outer ones.
    """

    background: Color
    skin: Color
    hair: Color
    iris: Color
    lips: Color
    style: int
    width: float
    height: float
    eyes_apart: float
    eye_size: float
    nose: float
    mouth_width: float
    smile: float
    open_mouth: float
    brow: float
    fringe: float
    beard: bool
    glasses: bool


def random_face(rng: np.random.Generator) -> Face:
    """Someone."""

    def one_of(colors: tuple[Color, ...], spread: float = 6) -> Color:
        return _color(np.array(colors[rng.integers(len(colors))]) + rng.normal(0, spread, 3))

    skin = one_of(SKINS)
    style = int(rng.choice(4, p=(0.08, 0.4, 0.22, 0.3)))
    return Face(
        background=_color(rng.uniform(40, 255, 3)),
        skin=skin,
        hair=one_of(HAIRS),
        iris=one_of(IRISES),
        lips=_color(0.6 * np.array(skin) + 0.4 * np.array((200, 60, 70)) + rng.normal(0, 8, 3)),
        style=style,
        width=rng.uniform(0.27, 0.34),
        height=rng.uniform(0.36, 0.43),
        eyes_apart=rng.uniform(0.11, 0.14),
        eye_size=rng.uniform(0.04, 0.055),
        nose=rng.uniform(0.02, 0.045),
        mouth_width=rng.uniform(0.08, 0.13),
        smile=rng.uniform(-0.015, 0.05),
        open_mouth=max(0.0, rng.uniform(-0.04, 0.05)),
        brow=rng.uniform(-0.015, 0.02),
        fringe=rng.uniform(0.02, 0.14),
        beard=bool(style < 2 and rng.random() < 0.3),
        glasses=bool(rng.random() < 0.15),
    )


def draw_face(face: Face, size: int) -> NDArray[np.uint8]:
    """The face, uint8 [size, size, 3]."""
    paper = _Paper(size * FINER, face.background)
    _draw_hair_behind(paper, face)
    paper.ellipse(0.5, 0.92 + 0.2, 0.4, 0.28, _darker(face.lips, 0.8))  # shoulders
    paper.box(0.5 - 0.11, 0.8, 0.5 + 0.11, 0.97, _darker(face.skin, 0.85))  # neck
    paper.ellipse(0.5, 0.53, face.width, face.height, face.skin, outline=True)
    if face.beard:
        paper.arc(0.5, 0.53, face.width, face.height, (30, 150), _darker(face.hair, 0.95), 0.09)
    _draw_features(paper, face)
    _draw_fringe(paper, face)
    return np.asarray(paper.picture.reduce(FINER))


def draw_faces(count: int, size: int, seed: int) -> NDArray[np.uint8]:
    """So many faces, uint8 [count, size, size, 3]."""
    rng = np.random.default_rng(seed)
    return np.stack([draw_face(random_face(rng), size) for _ in range(count)])


class _Paper:
    """Drawing with lengths in widths of the picture."""

    def __init__(self, side: int, color: Color) -> None:
        self.side = side
        self.picture = Image.new("RGB", (side, side), color)
        self._draw = ImageDraw.Draw(self.picture)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Color | None, outline: bool = False) -> None:
        line = {"outline": (40, 30, 30), "width": max(1, round(LINE * self.side))} if outline else {}
        self._draw.ellipse(self._box(x - rx, y - ry, x + rx, y + ry), fill=fill, **line)  # type: ignore[arg-type]

    def box(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        self._draw.rectangle(self._box(left, top, right, bottom), fill=fill)

    def arc(
        self, x: float, y: float, rx: float, ry: float, between: tuple[float, float], color: Color, width: float
    ) -> None:
        box = self._box(x - rx, y - ry, x + rx, y + ry)
        self._draw.arc(box, *between, fill=color, width=max(1, round(width * self.side)))

    def chord(self, x: float, y: float, rx: float, ry: float, between: tuple[float, float], fill: Color) -> None:
        self._draw.chord(self._box(x - rx, y - ry, x + rx, y + ry), *between, fill=fill)

    def line(self, points: list[tuple[float, float]], color: Color, width: float) -> None:
        scaled = [(x * self.side, y * self.side) for x, y in points]
        self._draw.line(scaled, fill=color, width=max(1, round(width * self.side)), joint="curve")

    def _box(self, *lengths: float) -> tuple[float, float, float, float]:
        left, top, right, bottom = (length * self.side for length in lengths)
        return left, top, right, bottom


def _draw_hair_behind(paper: _Paper, face: Face) -> None:
    if face.style == 0:
        return
    paper.ellipse(0.5, 0.42, face.width + 0.06, 0.38, face.hair, outline=True)
    if face.style > 1:
        down = 0.78 if face.style == 2 else 1.0
        paper.box(0.5 - face.width - 0.06, 0.42, 0.5 + face.width + 0.06, down, face.hair)


def _draw_fringe(paper: _Paper, face: Face) -> None:
    if face.style:
        paper.chord(0.5, 0.53, face.width, face.height, (205, 335), face.hair)
        paper.chord(0.5, 0.3, face.width * 0.95, face.fringe, (0, 180), face.hair)


def _draw_features(paper: _Paper, face: Face) -> None:
    dark = _darker(face.hair, 0.7)
    for side in (-1, 1):
        x = 0.5 + side * face.eyes_apart
        paper.ellipse(x, EYES, face.eye_size * 1.25, face.eye_size * 0.8, (250, 250, 250), outline=True)
        paper.ellipse(x, EYES, face.eye_size * 0.6, face.eye_size * 0.6, face.iris)
        paper.ellipse(x, EYES, face.eye_size * 0.3, face.eye_size * 0.3, (10, 10, 10))
        inner, outer = (0.5 + side * (face.eyes_apart - 0.06), 0.5 + side * (face.eyes_apart + 0.06))
        height = EYES - 0.085
        paper.line([(inner, height + face.brow), (outer, height - face.brow / 2)], dark, 0.022)
        if face.glasses:
            paper.ellipse(x, EYES, 0.085, 0.07, None, outline=True)
    if face.glasses:
        paper.line([(0.5 - face.eyes_apart + 0.085, EYES), (0.5 + face.eyes_apart - 0.085, EYES)], (40, 30, 30), LINE)
    shade = _darker(face.skin, 0.75)
    paper.arc(0.5, 0.62, face.nose, 0.03, (0, 180), shade, 0.014)
    _draw_mouth(paper, face)


def _draw_mouth(paper: _Paper, face: Face) -> None:
    bend, width = abs(face.smile) + 0.01, face.mouth_width
    if face.open_mouth > 0 and face.smile > 0:
        paper.chord(0.5, MOUTH - bend / 2, width, bend + face.open_mouth, (0, 180), face.lips)
        paper.chord(0.5, MOUTH - bend / 2, width * 0.85, (bend + face.open_mouth) * 0.6, (0, 180), (250, 250, 250))
    elif face.smile > 0:
        paper.arc(0.5, MOUTH - bend, width, bend, (0, 180), face.lips, 0.025)
    else:
        paper.arc(0.5, MOUTH + bend, width, bend, (180, 360), face.lips, 0.025)


def _darker(color: Color, share: float) -> Color:
    return _color(share * np.array(color))


def _color(values: NDArray[np.float64]) -> Color:
    red, green, blue = (int(value) for value in np.clip(values, 0, 255))
    return red, green, blue
