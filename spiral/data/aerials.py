"""Drawn views of a town from the air, with its map: roads, houses, parks and water.

The map says nothing of the colours of roofs and fields, the trees, and where the sun stands, so that there are many
views of one map. A picture is decided by the seed, the split and its number alone, at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from spiral.data.arrays import SPLITS
from spiral.data.pictures import Pictures, Split, fitted
from spiral.data.segmented import Color, Segmented

COUNTS: dict[Split, int] = {"train": 4_000, "test": 500}
FINER = 4  # drawn at so many times the size and then reduced
LAND, ROAD, HOUSE, PARK, WATER = range(5)
BLOCK, STREET = (0.26, 0.42), (0.035, 0.065)  # lengths in widths of the picture
PARKS, TREES = 0.22, 40  # how often a block is a park, and how many trees stand elsewhere at most
ROOFS = ((165, 85, 65), (120, 120, 125), (190, 180, 165), (95, 70, 60), (205, 205, 210), (150, 110, 80))
SOILS = ((125, 130, 85), (160, 145, 110), (105, 120, 80), (175, 165, 140))
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Aerials:
    """The data set; in its folder is nothing."""

    folder: Path
    seed: int = 0
    size = "4,000 + 500"
    where = "drawn when read"
    what = "towns seen from the air, with their maps"
    classes: ClassVar[dict[str, Color]] = {
        "land": (240, 236, 225),
        "road": (255, 190, 60),
        "house": (150, 110, 140),
        "park": (120, 200, 120),
        "water": (110, 160, 230),
    }

    def missing(self) -> str:
        """Nothing ever is."""
        return ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The views of a split, without labels."""
        return Pictures(fitted(self.read_segmented(split, COUNTS[split], canvas_size).images, canvas_size, color))

    def read_segmented(self, split: Split, most: int, side: int) -> Segmented:
        """The first views of a split with their maps; there is no end to them."""
        towns = [draw(np.random.default_rng((self.seed, SPLITS.index(split), n)), side) for n in range(most)]
        images, classes = zip(*towns, strict=True)
        return Segmented(np.stack(images), np.stack(classes))

    def prepare(self, source: Path | None) -> Path:
        """The folder; nothing has to be done."""
        return self.folder


class _Town:
    """A town while it is drawn, with its middle at 0 and the picture from −½ to ½."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng, self.size = rng, size
        self.map = Image.new("L", (size, size), LAND)
        self.view = Image.new("RGB", (size, size), _one_of(rng, SOILS, 14))
        self.dark = Image.new("L", (size, size))  # where shadows fall
        self.angle, sun = rng.uniform(0, np.pi / 2), rng.uniform(0, 2 * np.pi)
        self.sun = np.array((np.cos(sun), np.sin(sun)))
        self.street = rng.uniform(*STREET)

    def area(self, points: Points, kind: int, color: Color) -> None:
        """A polygon, on the map and in the view."""
        for paper, fill in ((self.map, kind), (self.view, color)):
            ImageDraw.Draw(paper).polygon(self._pixels(points), fill=fill)

    def house(self, center: Points, half: Points, color: Color) -> None:
        """A house with a gable roof, whose lower half is darker or lighter as the sun stands, and its shadow."""
        corners = self.across(center, half)
        self.area(corners, HOUSE, color)
        slope = self._turned(np.array((0.0, 1.0))) @ self.sun
        far = self._turned(center + half * np.array(((-1, 0), (1, 0), (1, 1), (-1, 1))))
        ImageDraw.Draw(self.view).polygon(self._pixels(far), fill=_shaded(color, 1 - 0.3 * slope))
        ImageDraw.Draw(self.dark).polygon(self._pixels(corners - 0.03 * self.sun), fill=255)

    def line(self, points: Points, width: float, kind: int, color: Color) -> None:
        """A band of so many widths of the picture."""
        for paper, fill in ((self.map, kind), (self.view, color)):
            ImageDraw.Draw(paper).line(self._pixels(points), fill=fill, width=max(1, round(width * self.size)))

    def tree(self, center: Points, radius: float) -> None:
        """A tree, which no map shows."""
        green = _shaded((55, 85, 45), self.rng.uniform(0.7, 1.3))
        for paper, fill, shift in ((self.dark, 255, 0.5), (self.view, green, 0.0)):
            low, high = (center - shift * radius * self.sun + sign * radius for sign in (-1, 1))
            ImageDraw.Draw(paper).ellipse(self._pixels(np.stack((low, high))), fill=fill)

    def blocks(self) -> list[tuple[Points, Points]]:
        """Middle and half sides of what lies between the streets."""
        rows, columns = self._streets(), self._streets()
        return [
            (np.array((left + right, upper + lower)) / 2, (np.array((right - left, lower - upper)) - self.street) / 2)
            for left, right in zip(columns, columns[1:], strict=False)
            for upper, lower in zip(rows, rows[1:], strict=False)
        ]

    def across(self, center: Points, half: Points) -> Points:
        """The corners of a rectangle along the streets."""
        return self._turned(center + half * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))))

    def _streets(self) -> list[float]:
        """Where streets of one direction are."""
        places = [-0.8 - self.rng.uniform(0, BLOCK[0])]
        while places[-1] < 0.8:
            places.append(places[-1] + self.rng.uniform(*BLOCK))
        return places

    def _turned(self, points: Points) -> Points:
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.asarray(points @ np.array(((cos, sin), (-sin, cos))))

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in (points + 0.5) * self.size]


def draw(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A view, uint8 [size, size, 3], and which of the classes each pixel shows, uint8 [size, size]."""
    town = _Town(rng, FINER * size)
    blocks = town.blocks()
    for center, half in blocks:
        if rng.random() < PARKS:
            _lay_out_park(town, center, half)
        else:
            _build_houses(town, center, half)
    for _ in range(rng.integers(TREES)):
        town.tree(rng.uniform(-0.5, 0.5, 2), rng.uniform(0.01, 0.025))
    if rng.random() < 0.6:
        _let_flow(town)
    grey = _shaded((125, 125, 128), rng.uniform(0.75, 1.2))
    for center, half in blocks:
        corners = town.across(center, half + town.street / 2)
        town.line(np.concatenate((corners, corners[:1])), town.street, ROAD, grey)
    return _photographed(town, size), np.asarray(town.map)[FINER // 2 :: FINER, FINER // 2 :: FINER].copy()


def _lay_out_park(town: _Town, center: Points, half: Points) -> None:
    town.area(town.across(center, half), PARK, _shaded((90, 130, 65), town.rng.uniform(0.8, 1.2)))
    for _ in range(town.rng.integers(3, 10)):
        place = town.across(center + half * town.rng.uniform(-0.9, 0.9, 2), np.zeros(2))[0]
        town.tree(place, town.rng.uniform(0.012, 0.03))


def _build_houses(town: _Town, center: Points, half: Points) -> None:
    """One to four houses in a block, each in a part of it."""
    across, down = town.rng.integers(1, 3, 2)
    for column in range(across):
        for row in range(down):
            share = half / (across, down)
            middle = center - half + share * (2 * np.array((column, row)) + 1)
            town.house(middle, share * town.rng.uniform(0.45, 0.8, 2), _one_of(town.rng, ROOFS, 12))


def _let_flow(town: _Town) -> None:
    """A river from one side to the other."""
    rng = town.rng
    along = np.linspace(-0.8, 0.8, 25)
    bend = rng.uniform(-0.35, 0.35) + rng.uniform(0.02, 0.15) * np.sin(rng.uniform(2, 6) * along + rng.uniform(0, 6))
    course = np.stack((along, bend), 1)
    if rng.random() < 0.5:
        course = course[:, ::-1]
    town.line(course, rng.uniform(0.1, 0.22), WATER, _shaded((50, 75, 95), rng.uniform(0.7, 1.3)))


def _photographed(town: _Town, size: int) -> NDArray[np.uint8]:
    """The view in its light, with shadows and grain, at its size."""
    from scipy.ndimage import gaussian_filter  # here, since who reads other sets must not wait for it

    rng = town.rng
    image = np.asarray(town.view, np.float64)
    shadow = (np.asarray(town.dark) > 0) & ~np.isin(np.asarray(town.map), (HOUSE, WATER))
    image = image * (1 - rng.uniform(0.3, 0.55) * shadow)[..., None]
    small = image.reshape(size, FINER, size, FINER, 3).mean((1, 3))
    wide = gaussian_filter(rng.normal(size=(size, size)), size / 10)
    mottled = 1 + 0.06 * (wide / max(wide.std(), 1e-9))[..., None]
    small = small * mottled * rng.uniform(0.75, 1.15) * (1 + rng.uniform(-0.08, 0.08, 3))
    return np.asarray((small + rng.normal(0, 4, small.shape)).clip(0, 255).astype(np.uint8))


def _one_of(rng: np.random.Generator, colors: tuple[Color, ...], spread: float) -> Color:
    return _color(np.array(colors[rng.integers(len(colors))]) + rng.normal(0, spread, 3))


def _shaded(color: Color, light: float) -> Color:
    return _color(np.array(color) * light)


def _color(values: NDArray[np.float64]) -> Color:
    red, green, blue = (int(value) for value in values.clip(0, 255))
    return red, green, blue
