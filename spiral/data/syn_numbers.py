"""SYN NUMBERS (thesis 5.4.4): numbers of one to three digits in many fonts over clutter, like numbers of houses.

The picture is centred on one of the digits, which is the label; the others stand beside it and lead astray. Text,
position, pose, colours and blur differ from picture to picture. On houses, as in what people write, many a 1 is a bare
stroke; few fonts have such a one, but those without serifs can write it as their I, and do in half of the pictures.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from spiral.data.clutter import FINER, background, photographed
from spiral.data.drawn import SIZE, Drawn
from spiral.data.fonts import Font, font_of, typefaces, writes_bare

MOST_DIGITS = 3
HEIGHT = (0.45, 0.8)  # of a digit, in heights of the picture
STRETCH = (0.8, 1.4)  # width against height
OFF_CENTRE = 0.08  # in widths of the picture, at most
TILT = 0.35  # radians, at most
SLANT = 0.25
MOST_BLUR = 1.2  # pixels
CONTRAST = 60  # between ink and paper in the mean of the channels, at least
BARE = 0.5  # of the pictures in fonts that can write a bare 1
LEGIBLE = 45  # what the ink changes at least, in the mean of its pixels, whatever lies behind it and however blurred
FINE = FINER * SIZE
SIGNS, BARE_SIGNS = "0123456789", "0I23456789"


def syn_numbers(folder: Path, more_fonts: Path | None = None) -> Drawn:
    """The data set, with the fonts that a package carries and those below another folder."""
    return Drawn(
        folder,
        "numbers in many fonts over clutter, labelled by the digit in the middle",
        partial(draw_number, more_fonts=more_fonts),
    )


def draw_number(rng: np.random.Generator, more_fonts: Path | None = None) -> tuple[NDArray[np.uint8], int]:
    """A picture, uint8 [32, 32, 3], and the digit in its middle, which can be read."""
    designs = typefaces(more_fonts)
    while True:
        digits = rng.integers(10, size=rng.integers(1, MOST_DIGITS + 1))
        middle = int(rng.integers(len(digits)))
        height = rng.uniform(*HEIGHT) * FINE
        # A design first, since some come in many weights and slopes, and then look most alike.
        files = designs[rng.integers(len(designs))]
        file = files[rng.integers(len(files))]
        signs = BARE_SIGNS if writes_bare(file) and rng.random() < BARE else SIGNS
        text = "".join(signs[digit] for digit in digits)
        mask = _posed(_written(text, middle, font_of(file, round(height / 0.72))), rng)
        paper, ink = _colors(rng)
        ground = background(rng, FINE, paper)
        blur = rng.uniform(0, MOST_BLUR)
        picture = ground.copy()
        picture.paste(tuple(int(value) for value in ink), mask=mask)
        seen = photographed(picture, blur)
        if _contrast(seen, photographed(ground, blur), mask) >= LEGIBLE:
            return seen, int(digits[middle])


def _contrast(seen: NDArray[np.uint8], ground: NDArray[np.uint8], mask: Image.Image) -> float:
    """How much the ink changes its places, in the mean of pixels and channels: little on clutter of its colour."""
    weights = np.asarray(mask.reduce(FINER), float)
    changed = abs(seen.astype(float) - ground).mean(2)
    return float((weights * changed).sum() / max(weights.sum(), 1.0))


def _written(text: str, middle: int, font: Font) -> Image.Image:
    """The text in white on black, the character in the middle centred, of mode L."""
    mask = Image.new("L", (FINE, FINE))
    left, upper, right, lower = font.getbbox(text[middle], anchor="ls")
    before = font.getlength(text[:middle])
    place = (FINE / 2 - before - (left + right) / 2, FINE / 2 - (upper + lower) / 2)
    ImageDraw.Draw(mask).text(place, text, fill=255, font=font, anchor="ls")
    return mask


def _posed(mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The mask turned, slanted, stretched and shifted."""
    angle, slant, stretch = rng.uniform(-TILT, TILT), rng.uniform(-SLANT, SLANT), rng.uniform(*STRETCH)
    cos, sin = np.cos(angle), np.sin(angle)
    source = np.array([[1 / stretch, slant], [0, 1]]) @ np.array([[cos, sin], [-sin, cos]])
    centre = np.full(2, FINE / 2)
    shift = centre - source @ (centre + rng.uniform(-OFF_CENTRE, OFF_CENTRE, 2) * FINE)
    rows = np.column_stack([source, shift])
    return mask.transform(mask.size, Image.Transform.AFFINE, tuple(rows.ravel()), Image.Resampling.BILINEAR)


def _colors(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Colours of the paper and the ink, each [3] from 0 to 255, that can be told apart."""
    while True:
        paper, ink = rng.uniform(0, 255, (2, 3))
        if abs(paper.mean() - ink.mean()) >= CONTRAST:
            return paper, ink
