"""Drawn pictures like micrographs of a retina: a bright disc from which vessels grow, with their exact mask.

As in DRIVE there is a round field of view, one exact annotator, and a second who is a little off. A picture is decided
by the seed, the split and its number alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from spiral.data.annotated import Annotated, retraced
from spiral.data.arrays import SPLITS
from spiral.data.pictures import Split

SIZE, FINER = 128, 4
FIELD = 0.48  # the radius of the field of view, in widths of the picture
TRUNKS = (5, 8)
WIDEST, THINNEST = 4.0, 0.9  # pixels
STRIDE = 3.0  # pixels that a vessel grows before it may turn
TURN, FORK, FORKED = 0.18, 0.09, (0.4, 0.9)  # radians, how often it forks, and by how many radians


@dataclass(frozen=True)
class Vessels:
    """The data set."""

    seed: int = 0
    size = "as many as asked"
    where = "nowhere: they are drawn when they are read"
    what = "drawn retinas with the mask of their vessels"
    thin = True

    def missing(self) -> str:
        """Nothing ever is."""
        return ""

    def read(self, split: Split, most: int) -> list[Annotated]:
        """So many pictures, uint8 [128, 128, 3]."""
        return [draw(np.random.default_rng((self.seed, SPLITS.index(split), number))) for number in range(most)]


def draw(rng: np.random.Generator) -> Annotated:
    """A picture with the mask of its vessels by two annotators."""
    y, x = np.indices((SIZE, SIZE)) / SIZE - 0.5
    inside = np.hypot(y, x) < FIELD
    disc = np.array((rng.uniform(-0.06, 0.06), rng.choice((-1, 1)) * rng.uniform(0.2, 0.3)))
    cover = _grown(rng, disc)
    light = 1 - rng.uniform(0.3, 0.8) * np.hypot(y - rng.uniform(-0.2, 0.2), x - rng.uniform(-0.2, 0.2)) ** 2 * 2
    glow = rng.uniform(40, 80) * np.exp(-(((y - disc[0]) ** 2 + (x - disc[1]) ** 2) / 0.06**2))
    color = np.array((rng.uniform(150, 220), rng.uniform(70, 120), rng.uniform(30, 70)))
    mottled = 1 + 0.05 * gaussian_filter(rng.normal(size=(SIZE, SIZE)), 3) * 10
    dark = rng.uniform(0.25, 0.5) * gaussian_filter(cover, 0.7)[..., None] * np.array((0.5, 1.0, 0.8))
    image = ((light * mottled)[..., None] * color + glow[..., None]) * (1 - dark)
    image = image + rng.normal(0, rng.uniform(2, 9), image.shape)
    image[~inside] = rng.uniform(0, 8)
    exact = ((cover > 0.5) & inside).astype(np.int32)
    second = retraced(exact, 0.6, 4.0, rng)
    return Annotated(image.clip(0, 255).astype(np.uint8), np.stack([exact, second * inside]), inside)


def _grown(rng: np.random.Generator, disc: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each pixel vessels cover, [SIZE, SIZE] from 0 to 1."""
    paper = Image.new("L", (SIZE * FINER, SIZE * FINER))
    pen = ImageDraw.Draw(paper)
    start = (disc[::-1] + 0.5) * SIZE
    trunks = rng.integers(*TRUNKS)
    angles = 2 * np.pi * (np.arange(trunks) + rng.uniform(-0.3, 0.3, trunks)) / trunks
    growing = [(start, angle, rng.uniform(0.6, 1) * WIDEST) for angle in angles]
    while growing:
        place, angle, width = growing.pop()
        bend = rng.normal(0, TURN / 3)
        while width > THINNEST and ((place - SIZE / 2) ** 2).sum() < (FIELD * SIZE) ** 2:
            ahead = place + STRIDE * np.array((np.cos(angle), np.sin(angle)))
            pen.line((*(place * FINER), *(ahead * FINER)), fill=255, width=round(width * FINER))
            radius = width * FINER / 2
            pen.ellipse((*(ahead * FINER - radius), *(ahead * FINER + radius)), fill=255)
            place, width = ahead, width * 0.985
            angle += bend + rng.normal(0, TURN)
            if rng.random() < FORK:
                by = rng.choice((-1, 1)) * rng.uniform(*FORKED)
                growing.append((place, angle + by, 0.75 * width))
                angle, width = angle - by / 3, 0.88 * width
    return np.asarray(paper.reduce(FINER)) / 255
