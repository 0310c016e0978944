"""Pictures: strips of turned eyes, an animation, where the lightness is corrected, and the curves of the thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spiral.files import written_whole
from spiral.methods.deepwarp.eyes import Looks
from spiral.methods.deepwarp.model import Warper
from spiral.methods.deepwarp.pairs import Pairs, drawn_pairs
from spiral.methods.deepwarp.training import turned

ENLARGED, GAP = 2, 2
FRAME_MS = 60


def as_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """Uint8 [N, H, W, C] of pictures [N, C, H, W] in [0, 1]."""
    pixels: NDArray[np.uint8] = (255 * pictures).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def sheet(rows: Sequence[Tensor]) -> NDArray[np.uint8]:
    """Rows of as many pictures each, [N, 1 or 3, H, W], as one picture uint8."""
    colored = torch.stack([row.expand(-1, 3, -1, -1) for row in rows])
    framed = torch.nn.functional.pad(colored, (0, GAP, 0, GAP), value=1.0)
    count, across, channels, height, width = framed.shape
    flat = framed.permute(0, 3, 1, 4, 2).reshape(count * height, across * width, channels)
    pixels: NDArray[np.uint8] = as_pixels(flat.permute(2, 0, 1).unsqueeze(0))[0]
    return pixels


def save_sheet(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of pictures below each other, enlarged."""
    picture = Image.fromarray(sheet(rows))
    with written_whole(path) as unfinished:
        picture.resize((ENLARGED * picture.width, ENLARGED * picture.height), Image.Resampling.NEAREST).save(
            unfinished, format="PNG"
        )


def save_animation(frames: Sequence[NDArray[np.uint8]], path: Path) -> None:
    """Write frames uint8 [H, W, 3], there and back, as an endless GIF."""
    pictures = [Image.fromarray(frame) for frame in [*frames, *frames[-2:0:-1]]]
    pictures = [picture.resize((ENLARGED * picture.width, ENLARGED * picture.height)) for picture in pictures]
    with written_whole(path) as unfinished:
        pictures[0].save(unfinished, format="GIF", save_all=True, append_images=pictures[1:], duration=FRAME_MS, loop=0)


def facing(looks: Looks, angle: Tensor) -> Pairs:
    """The eyes of all looks, that look ahead and are turned by one angle [2], and what they look like after that."""
    count = len(looks["tilt"])
    return drawn_pairs(looks, torch.zeros(count, 2), angle.expand(count, 2))


def strip(network: Warper, looks: Looks, direction: Tensor, degrees: Sequence[float]) -> list[Tensor]:
    """A row for each of the looks with its eye turned along a direction [2] by so many degrees."""
    columns = []
    for angle in degrees:
        pairs = facing(looks, angle * direction)
        columns.append(turned(network, pairs.eyes, pairs.anchors, pairs.angles).output)
    return list(torch.stack(columns, 1))


def true_strip(looks: Looks, direction: Tensor, degrees: Sequence[float]) -> list[Tensor]:
    """The same of the eyes as they really look."""
    return list(torch.stack([facing(looks, angle * direction).truth for angle in degrees], 1))


def save_curves(curves: Mapping[str, Sequence[float]], x: Sequence[float], labels: tuple[str, str], path: Path) -> None:
    """Write curves over the same x."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for name, curve in curves.items():
        axes.plot(x, curve, label=name, linewidth=1.4)
    axes.set(xlabel=labels[0], ylabel=labels[1], ylim=(0, None))
    axes.legend(fontsize=8)
    figure.tight_layout()
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, dpi=100, format="png")
    pyplot.close(figure)
