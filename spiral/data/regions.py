"""Drawn pictures of textured regions with exact boundaries, retraced by annotators who are not exact.

Shapes lie over each other, each with a texture of its own: part of a photograph, stripes, checks, grain, or a colour
that runs into another. Shadows fall across them. Edges within a texture and those of shadows are often stronger than
the boundary of two things, which is what makes this hard to find. A picture is decided by the seed, the split and its
number alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spiral.data.annotated import Annotated, retraced
from spiral.data.arrays import SPLITS
from spiral.data.photos import Photos, patches
from spiral.data.pictures import Split

SIZE = 192
SHAPES = (4, 9)
ANNOTATORS = 4  # of whom the first is exact
OFF, SMOOTH = (0.5, 2.0), 8.0  # pixels by which the others are off, and over which they are off alike
OVERLOOKED = 0.15  # how often they leave a shape out
UNLIKE = 40  # how far the colours of textures are from each other, of 255: a standard deviation
SHADOWS, DARK = (1, 4), (0.35, 0.7)  # how many fall across all, and what they leave of the light
LIGHT = 0.8, 1.1  # of a texture
BLUR, NOISE = (0.3, 0.8), (1.0, 8.0)

Texture = Callable[[np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True)
class Regions:
    """The data set, with the photographs whose parts are textures."""

    photos: Photos
    seed: int = 0
    size = "as many as asked"
    what = "drawn regions of photographs and textures, with the boundaries of four annotators"
    thin = False

    @property
    def where(self) -> str:
        """Where the photographs are."""
        return self.photos.where

    def missing(self) -> str:
        """What to do where there are no photographs."""
        return self.photos.missing()

    def read(self, split: Split, most: int) -> list[Annotated]:
        """So many pictures, uint8 [192, 192, 3]."""
        photos = self.photos.read(split)
        return [draw(np.random.default_rng((self.seed, SPLITS.index(split), n)), photos) for n in range(most)]


def draw(rng: np.random.Generator, photos: list[NDArray[np.uint8]]) -> Annotated:
    """A picture with its boundaries."""
    shapes = sorted((_shape(rng) for _ in range(rng.integers(*SHAPES))), key=np.sum, reverse=True)
    exact = _layered(shapes)
    image, color = np.zeros((SIZE, SIZE, 3)), rng.uniform(60, 200, 3)
    for number in range(len(shapes) + 1):
        image[exact == number] = _texture(rng, photos, color)[exact == number]
    for _ in range(rng.integers(*SHADOWS)):
        image[_shape(rng)] *= rng.uniform(*DARK)
    image = gaussian_filter(image, (*2 * (rng.uniform(*BLUR),), 0)) + rng.normal(0, rng.uniform(*NOISE), image.shape)
    retold = [_retold(shapes, rng) for _ in range(ANNOTATORS - 1)]
    inside = np.ones(exact.shape, bool)
    return Annotated(image.clip(0, 255).astype(np.uint8), np.stack([exact, *retold]), inside)


def _layered(shapes: list[NDArray[np.bool_]]) -> NDArray[np.int32]:
    """The number of the uppermost shape at each pixel, 0 where there is none."""
    layers = np.zeros((SIZE, SIZE), np.int32)
    for number, shape in enumerate(shapes, start=1):
        layers[shape] = number
    return layers


def _retold(shapes: list[NDArray[np.bool_]], rng: np.random.Generator) -> NDArray[np.int32]:
    """The segments of an annotator, who overlooks some shapes and is a little off."""
    seen = [shape & (rng.random() > OVERLOOKED) for shape in shapes]
    return retraced(_layered(seen), rng.uniform(*OFF), SMOOTH, rng)


def _shape(rng: np.random.Generator) -> NDArray[np.bool_]:
    """A half-plane, a polygon or a rounded blob."""
    y, x = np.indices((SIZE, SIZE)) - rng.uniform(0, SIZE, 2)[:, None, None]
    kind = rng.integers(4)
    if kind == 0:
        angle = rng.uniform(0, 2 * np.pi)
        return np.asarray(np.cos(angle) * x + np.sin(angle) * y > 0)
    angles, radius = np.arctan2(y, x), rng.uniform(0.14, 0.4) * SIZE
    if kind == 1:
        corners = np.linspace(-np.pi, np.pi, rng.integers(4, 8), endpoint=False) + rng.uniform(-0.3, 0.3)
        sector = np.pi / len(corners)
        across = np.abs((angles[..., None] - corners + np.pi) % (2 * np.pi) - np.pi).min(-1)
        return np.asarray(np.hypot(y, x) * np.cos(across) < radius * np.cos(sector))
    waves = np.arange(1, 5)
    strengths, phases = rng.normal(0, 0.25, 4) / waves, rng.uniform(0, 2 * np.pi, 4)
    edge = 1 + (strengths * np.cos(waves * angles[..., None] + phases)).sum(-1)
    return np.asarray(np.hypot(y, x) < radius * edge)


def _texture(
    rng: np.random.Generator, photos: list[NDArray[np.uint8]], color: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A texture of about this colour unless it is of a photograph, [SIZE, SIZE, 3] from 0 to 255."""
    light = rng.uniform(*LIGHT)
    kind = rng.integers(6)
    if kind < 2:
        side = min(SIZE, *(min(photo.shape[:2]) for photo in photos))
        more = 0, SIZE - side  # a photograph that is smaller goes on as in a mirror
        return np.asarray(np.pad(patches(photos, 1, side, rng)[0], (more, more, (0, 0)), mode="symmetric") * light)
    first = color + rng.normal(0, UNLIKE, 3)
    second = first + rng.normal(0, UNLIKE, 3)
    share = (_stripes, _checks, _grain, _gradient)[kind - 2](rng)[..., None]
    return np.asarray(((1 - share) * first + share * second) * light)


def _turned(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates in pixels, turned by any angle."""
    angle = rng.uniform(0, np.pi)
    y, x = np.indices((SIZE, SIZE))
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def _stripes(rng: np.random.Generator) -> NDArray[np.float64]:
    along, _ = _turned(rng)
    wave = np.sin(2 * np.pi * along / rng.uniform(4, 16) + rng.uniform(0, 2 * np.pi))
    return np.asarray(0.5 + 0.5 * np.clip(3 * wave, -1, 1))


def _checks(rng: np.random.Generator) -> NDArray[np.float64]:
    along, across = _turned(rng)
    size = rng.uniform(4, 10)
    return np.asarray((np.floor(along / size) + np.floor(across / size)) % 2)


def _grain(rng: np.random.Generator) -> NDArray[np.float64]:
    noise = gaussian_filter(rng.normal(size=(SIZE, SIZE)), rng.uniform(0.7, 3))
    return np.asarray((0.5 + 0.35 * noise / noise.std()).clip(0, 1))


def _gradient(rng: np.random.Generator) -> NDArray[np.float64]:
    along, _ = _turned(rng)
    return np.asarray((along - along.min()) / np.ptp(along))
