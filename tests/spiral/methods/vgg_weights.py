"""A small VGG network in files, as a person's data folder holds the large one, and LPIPS for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

VGG_16 = (2, 2, 3, 3, 3)  # convolutions of each block
VGG_19 = (2, 2, 4, 4, 4)
WIDTHS = (4, 4, 6, 6, 6)


def save_vgg(path: Path, counts: Sequence[int] = VGG_16, widths: Sequence[int] = WIDTHS, seed: int = 0) -> Path:
    """Weights that have learned nothing, numbered as torchvision does: two layers a convolution, one a pooling."""
    generator = torch.Generator().manual_seed(seed)
    weights, number, channels = {}, 0, 3
    for count, width in zip(counts, widths, strict=True):
        for _ in range(count):
            spread = (2 / (9 * channels)) ** 0.5
            weights[f"features.{number}.weight"] = spread * torch.randn(width, channels, 3, 3, generator=generator)
            weights[f"features.{number}.bias"] = 0.1 * torch.randn(width, generator=generator)
            number, channels = number + 2, width
        number += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half() for name, value in weights.items()}, path)
    return path


def save_weights(root: Path) -> None:
    """A data folder's VGG-16 and LPIPS, both small."""
    save_vgg(root / "weights" / "vgg16_features.safetensors")
    heads = {f"lin{i}.model.1.weight": torch.full((1, width, 1, 1), 0.5) for i, width in enumerate(WIDTHS)}
    save_file(heads, root / "weights" / "lpips_vgg.safetensors")
