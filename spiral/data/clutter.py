"""Backgrounds with clutter: four colours that run into each other, and shapes of other colours strewn over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

MOST_SHAPES = 6
SPREAD = 60  # how far the corners' colours lie from each other at most, of 255
FINER = 2  # pictures are drawn at so many times their size

Color = NDArray[np.float64]


def background(rng: np.random.Generator, size: int, color: Color) -> Image.Image:
    """A picture of mode RGB with about this colour, [3] from 0 to 255, and shapes of any."""
    corners = np.clip(color + rng.uniform(-SPREAD / 2, SPREAD / 2, (2, 2, 3)), 0, 255)
    picture = Image.fromarray(corners.astype(np.uint8)).resize((size, size), Image.Resampling.BILINEAR)
    paper = ImageDraw.Draw(picture)
    for _ in range(rng.integers(MOST_SHAPES + 1)):
        _add_shape(paper, rng, size)
    return picture


def photographed(picture: Image.Image, blur: float) -> NDArray[np.uint8]:
    """The picture at its size, uint8 [H, W, 3], out of focus by a standard deviation in pixels."""
    small = picture.reduce(FINER)
    return np.asarray(small.filter(ImageFilter.GaussianBlur(blur)))


def _add_shape(paper: ImageDraw.ImageDraw, rng: np.random.Generator, size: int) -> None:
    kind, width = rng.integers(3), int(rng.integers(1, size // 8))
    (left, right), (upper, lower) = np.sort(rng.uniform(-0.2, 1.2, (2, 2)) * size, axis=1)
    color = tuple(int(value) for value in rng.integers(256, size=3))
    if kind == 0:
        ends = (left, upper, right, lower) if rng.random() < 0.5 else (left, lower, right, upper)
        paper.line(ends, fill=color, width=width)
    elif kind == 1:
        paper.rectangle((left, upper, right, lower), outline=color, width=width)
    else:
        paper.ellipse((left, upper, right, lower), fill=color)
