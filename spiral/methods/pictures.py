"""What an experiment shows: rows of small pictures as one, animations and figures, each there whole or as it was.

Pictures are float tensors from `black` to 1: 0 where they are in [0, 1], −1 where they are in [−1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spiral.files import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 2  # pixels right of each picture and below it
LEAST = 64  # pixels that a picture is wide at least; a smaller one is enlarged
FRAME_MS = 60


def as_pixels(pictures: Tensor, black: float = 0.0) -> NDArray[np.uint8]:
    """Uint8 [N, H, W, C] of pictures [N, C, H, W]; what is no level is rounded, and what is out of range cut off."""
    levels = ((pictures.detach() - black) * (255 / (1 - black))).round().clamp(0, 255).byte()
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


def sheet(rows: Sequence[Tensor], black: float = 0.0) -> NDArray[np.uint8]:
    """Rows of as many pictures each, [N, 1 or 3, H, W], below each other, uint8 [height, width, 1 or 3]."""
    channels = max(row.shape[1] for row in rows)
    pixels = np.stack([as_pixels(row.expand(-1, channels, -1, -1), black) for row in rows])
    framed = np.pad(pixels, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    count, across, height, width, _ = framed.shape
    return framed.transpose(0, 2, 1, 3, 4).reshape(count * height, across * width, channels)


def save_rows(rows: Sequence[Tensor], path: Path, black: float = 0.0) -> None:
    """Write the `sheet` of these rows as PNG, enlarged where the pictures are small."""
    with written_whole(path) as unfinished:
        _enlarged(rows, black).save(unfinished, format="PNG")


def save_animation(frames: Sequence[Sequence[Tensor]], path: Path, frame_ms: int = FRAME_MS, rest_ms: int = 0) -> None:
    """Write the sheets of these frames, there and back, as an endless GIF that rests at both ends so much longer."""
    ends = (0, len(frames) - 1)
    pictures = [_enlarged(rows, 0.0) for rows in frames]
    times = [frame_ms + rest_ms * (i in ends) for i in range(len(frames))]
    way = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    first, *others = [pictures[i] for i in way]
    duration = [times[i] for i in way]
    with written_whole(path) as unfinished:
        first.save(unfinished, format="GIF", save_all=True, append_images=others, duration=duration, loop=0)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure of pyplot as PNG, and close it."""
    from matplotlib import pyplot

    figure.tight_layout()
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, dpi=100, format="png")
    pyplot.close(figure)


def _enlarged(rows: Sequence[Tensor], black: float) -> Image.Image:
    pixels = sheet(rows, black)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    times = -(-LEAST // rows[0].shape[-1])
    return picture.resize((times * picture.width, times * picture.height), Image.Resampling.NEAREST)
