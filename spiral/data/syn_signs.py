"""SYN SIGNS (thesis 5.4.4): drawn traffic signs of 43 kinds, seen from many sides, in any light, over clutter.

The labels are GTSRB's, so that what learns from the drawings can be tried on photographs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spiral.data.clutter import FINER, background, photographed
from spiral.data.drawn import SIZE, Drawn
from spiral.data.signs import SIGNS, sign

WIDTH = (0.6, 0.95)  # of a sign, in widths of the picture
STRETCH = (0.8, 1.1)  # width against height: seen from the side, a sign is narrower
TILT, SLANT = 0.2, 0.15  # radians, and the tangent of an angle, at most
DEPTH = 0.2  # how much larger the near side is, at most
OFF_CENTRE = 0.06  # in widths of the picture, at most
LIGHT, TINT = (0.35, 1.2), (0.85, 1.15)  # factors of all channels, and of each
SIDES = (0.75, 1.25)  # factors at the left and the right edge
MOST_HAZE = 0.4  # share of grey
MOST_BLUR = 1.2  # pixels
FINE = FINER * SIZE


def syn_signs(folder: Path) -> Drawn:
    """The data set."""
    return Drawn(folder, "drawn traffic signs of 43 kinds over clutter, with the labels of GTSRB", draw_sign)


def draw_sign(rng: np.random.Generator) -> tuple[NDArray[np.uint8], int]:
    """A picture, uint8 [32, 32, 3], and which sign it shows."""
    number = int(rng.integers(len(SIGNS)))
    plate = _posed(sign(number), rng)
    picture = background(rng, FINE, rng.uniform(0, 255, 3))
    picture.paste(plate, mask=plate)
    return _lit(photographed(picture, rng.uniform(0, MOST_BLUR)), rng), number


def _posed(plate: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The plate in perspective, FINE x FINE pixels.

    Seen at p, from -1 to 1 on both axes, is what lies at (A p + b) / (1 + d p) on the plate.
    """
    angle, slant, stretch = rng.uniform(-TILT, TILT), rng.uniform(-SLANT, SLANT), rng.uniform(*STRETCH)
    cos, sin = np.cos(angle), np.sin(angle)
    a = np.array([[1 / stretch, slant], [0, 1]]) @ np.array([[cos, sin], [-sin, cos]]) / rng.uniform(*WIDTH)
    b = a @ rng.uniform(-2 * OFF_CENTRE, 2 * OFF_CENTRE, 2)
    seen = np.block([[a, b[:, None]], [rng.uniform(-DEPTH, DEPTH, (1, 2)), np.ones((1, 1))]])
    from_pixels = np.array([[2 / FINE, 0, -1], [0, 2 / FINE, -1], [0, 0, 1]])
    to_pixels = np.array([[plate.width / 2, 0, plate.width / 2], [0, plate.height / 2, plate.height / 2], [0, 0, 1]])
    h = to_pixels @ seen @ from_pixels
    coefficients = tuple((h / h[2, 2]).ravel()[:8])
    return plate.transform((FINE, FINE), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)


def _lit(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture in another light: darker or brighter, tinted, hazy, and not the same from one side to the other."""
    haze, (left, right) = rng.uniform(0, MOST_HAZE), rng.uniform(*SIDES, 2)
    light = rng.uniform(*LIGHT) * rng.uniform(*TINT, 3) * np.linspace(left, right, SIZE)[:, None]
    lit: NDArray[np.float64] = (haze * 128 + (1 - haze) * picture) * light
    return np.clip(lit, 0, 255).astype(np.uint8)
