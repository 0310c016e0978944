"""Pictures of an experiment: what is translated, read back, and read back once it was quantised; the curve of SN(σ)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from spiral.files import written_whole

ENLARGED = 2
GAP = 2


def save_rows(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of pictures, each float [N, 3, H, W] in [−1, 1], below each other."""
    framed = functional.pad(torch.stack([row.detach().cpu() for row in rows]), (0, GAP, 0, GAP), value=1.0)
    count, across, channels, height, width = framed.shape
    sheet = framed.permute(0, 3, 1, 4, 2).reshape(count * height, across * width, channels)
    picture = Image.fromarray(((sheet + 1) * 127.5).round().clamp(0, 255).byte().numpy())
    with written_whole(path) as unfinished:
        picture.resize((ENLARGED * picture.width, ENLARGED * picture.height), Image.Resampling.NEAREST).save(
            unfinished, format="PNG"
        )


def save_curves(curves: Mapping[str, Sequence[float]], sigmas: Sequence[float], path: Path) -> None:
    """Write a line for each method: SN over σ."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.5))
    for name, values in curves.items():
        axes.plot(sigmas, values, marker="o", label=name)
    axes.set_xlabel("σ of the noise, of pictures in [−1, 1]")
    axes.set_ylabel("SN(σ), grey levels")
    axes.legend(fontsize=8)
    figure.tight_layout()
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=100)
    pyplot.close(figure)
