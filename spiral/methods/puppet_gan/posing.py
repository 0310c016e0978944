"""Digits at a size and an angle that are known: written ones, and ones that are typeset.

MNIST's digits all have the same size; they, and digits of the fonts that matplotlib carries, are drawn anew at any. A
size of 1 is that of MNIST, 20 of 28 pixels on the longer side. An angle is in radians, and leans to the right above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional

from spiral.data.fonts import font_files, font_of
from spiral.methods.dtn.pixels import CHUNK, Pixels
from spiral.methods.puppet_gan.demonstrations import Demonstrations

FINER = 2  # drawn at so many times the side and then reduced, for smooth edges
GLYPH = 64  # pixels, of the frame of a typeset digit before it is posed
LONGER = 20 / 28  # of a digit, in widths of its frame
Range = tuple[float, float]
Attribute = Literal["size", "rotation"]


@dataclass(frozen=True)
class Poses:
    """Between what the sizes and the angles of digits lie."""

    sizes: Range
    angles: Range


@dataclass(frozen=True)
class Written:
    """Written digits in poses.

    Attributes:
        pixels: the posed pictures with their labels.
        ink: as they were written, float [N, 1, H, W] in [0, 1].
        sizes, angles: float [N].
    """

    pixels: Pixels
    ink: Tensor
    sizes: Tensor
    angles: Tensor


def posed(ink: Tensor, sizes: Tensor, angles: Tensor, side: int) -> Tensor:
    """Digits of ink [N, 1, H, W] in [0, 1] at sizes and angles [N], uint8 [N, side, side, 1], dark on white."""
    parts = zip(ink.split(CHUNK), sizes.split(CHUNK), angles.split(CHUNK), strict=True)
    return torch.cat([_posed(*part, side) for part in parts])


def write(pixels: Pixels, poses: Poses, side: int, seed: int) -> Written:
    """Written digits at random in the ranges of the poses."""
    generator = torch.Generator().manual_seed(seed)
    ink = 1 - pixels.images.permute(0, 3, 1, 2).float() / 255
    sizes, angles = (_between(*each, len(ink), generator).to(ink) for each in (poses.sizes, poses.angles))
    return Written(Pixels(posed(ink, sizes, angles, side), pixels.labels), ink, sizes, angles)


def typeset(attribute: Attribute, poses: Poses, rests: int, levels: int, side: int, seed: int) -> Demonstrations:
    """Demonstrations of `size` or `rotation` at so many levels; a rest is a digit, a font, and the other of the two."""
    generator = torch.Generator().manual_seed(seed)
    glyphs = typeset_digits()
    chosen = glyphs[torch.randint(len(glyphs), (rests,), generator=generator)]
    known, other = (poses.sizes, poses.angles) if attribute == "size" else (poses.angles, poses.sizes)
    values, rest = torch.linspace(*known, levels), _between(*other, rests, generator)
    all_values, all_rests = values.repeat(rests), rest.repeat_interleave(levels)
    sizes, angles = (all_values, all_rests) if attribute == "size" else (all_rests, all_values)
    images = posed(chosen.repeat_interleave(levels, 0), sizes, angles, side)
    return Demonstrations(images.unflatten(0, (rests, levels)), values, rest)


@cache
def typeset_digits() -> Tensor:
    """The ten digits in each font, float [10 · fonts, 1, GLYPH, GLYPH] in [0, 1], at the size of MNIST's.

    Raises:
        DatasetMissing: the package that carries the fonts is not installed.
    """
    digits = [_glyph(str(digit), file) for file in font_files() for digit in range(10)]
    return torch.from_numpy(np.stack(digits)).unsqueeze(1).float() / 255


def _glyph(text: str, file: Path) -> NDArray[np.uint8]:
    """The text in white on black, its longer side as long as that of a digit of MNIST, in the middle."""
    written = Image.new("L", (4 * GLYPH, 4 * GLYPH))
    ImageDraw.Draw(written).text((GLYPH, GLYPH), text, fill=255, font=font_of(file, 2 * GLYPH))
    cut = written.crop(written.getbbox())
    scale = LONGER * GLYPH / max(cut.size)
    cut = cut.resize((max(1, round(scale * cut.width)), max(1, round(scale * cut.height))), Image.Resampling.LANCZOS)
    frame = Image.new("L", (GLYPH, GLYPH))
    frame.paste(cut, ((GLYPH - cut.width) // 2, (GLYPH - cut.height) // 2))
    return np.asarray(frame)


def _posed(ink: Tensor, sizes: Tensor, angles: Tensor, side: int) -> Tensor:
    cos, sin, none = angles.cos() / sizes, angles.sin() / sizes, torch.zeros_like(sizes)
    where = torch.stack((torch.stack((cos, sin, none), 1), torch.stack((-sin, cos, none), 1)), 1)
    finer = FINER * side
    grid = functional.affine_grid(where, [len(ink), 1, finer, finer], align_corners=False)
    fine = functional.grid_sample(ink, grid, align_corners=False)
    reduced = functional.avg_pool2d(fine, FINER)
    return (255 * (1 - reduced)).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


def _between(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)
