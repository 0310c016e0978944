"""Pictures of an experiment: what was given, what guided, and what came of it; and the bits of a guide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

ENLARGED, GAP = 2, 2
CURVES = ("read in the translation", "MI(s; s + noise)", "Gaussian bound", "theorem 1")


def save_rows(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of pictures, each float [N, 3, H, W] in [−1, 1], below each other."""
    framed = functional.pad(torch.stack([row.cpu() for row in rows]), (0, GAP, 0, GAP), value=1.0)
    sheet = framed.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    pixels = ((sheet + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    picture = Image.fromarray(pixels)
    picture.resize((ENLARGED * picture.width, ENLARGED * picture.height), Image.Resampling.NEAREST).save(path)


def save_bits(noises: Sequence[float], bits: dict[str, list[tuple[float, ...]]], path: Path) -> None:
    """Draw the counts of `CURVES` over the noise with which guides were heard, for each task by its name."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(bits), figsize=(4.5 * len(bits), 3.5), squeeze=False)
    for panel, (name, rows) in zip(axes[0], bits.items(), strict=True):
        for label, values in zip(CURVES, zip(*rows, strict=True), strict=True):
            panel.plot(noises, values, marker=".", label=label)
        panel.set(xscale="log", yscale="symlog", xlabel="noise", title=name)
    axes[0, 0].set_ylabel("bits")
    axes[0, 0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
