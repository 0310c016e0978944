"""Pictures of an experiment: rows of small ones, enlarged so that they can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from spiral.methods.dtn.model import in_color

ENLARGED = 2
GAP = 2


def as_pixels(pictures: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Uint8 [N, H, W, C] of pictures float [N, C, H, W] in [−1, 1]."""
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = (
        ((pictures + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    )
    return pixels


def save_rows(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of pictures, each float [N, 1 or 3, H, W] in [−1, 1], below each other."""
    colored = torch.stack([in_color(row).cpu() for row in rows])
    framed = torch.nn.functional.pad(colored, (0, GAP, 0, GAP), value=1.0)
    count, across, channels, height, width = framed.shape
    sheet = framed.permute(0, 3, 1, 4, 2).reshape(1, count * height, across * width, channels).permute(0, 3, 1, 2)
    picture = Image.fromarray(as_pixels(sheet)[0])
    picture.resize((ENLARGED * picture.width, ENLARGED * picture.height), Image.Resampling.NEAREST).save(path)
