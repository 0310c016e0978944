"""LPIPS: how different two pictures look (Zhang et al., "The unreasonable effectiveness of deep features", 2018).

What VGG-16 sees in both, at every place of five layers, as directions; their squared differences are weighed by what
people said about pairs of pictures.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from spiral.data import DatasetCorrupt, DatasetMissing, data_root
from spiral.methods.vgg import Vgg, read_vgg, vgg_file

LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
SMALL = 1e-10


class Lpips:
    """The distance, by weights from two files.

    Raises:
        DatasetMissing: one of them is not there.
        DatasetCorrupt: one is damaged.
    """

    def __init__(self, device: torch.device) -> None:
        self.vgg: Vgg = read_vgg(vgg_file(), LAYERS, whole=False).to(device)
        self.heads = [head.to(device) for head in _read_heads(data_root() / "weights" / "lpips_vgg.safetensors")]

    @torch.no_grad()
    def __call__(self, ones: Tensor, others: Tensor) -> Tensor:
        """Distances [N] of pictures [N, 3, H, W] in [0, 1]; 0 for the same."""
        total = torch.zeros(len(ones), device=ones.device)
        seen = [self.vgg(pictures, LAYERS) for pictures in (ones, others)]
        for name, head in zip(LAYERS, self.heads, strict=True):
            one, other = (_directions(each[name]) for each in seen)
            total += ((one - other).square() * head).sum(1).mean((1, 2))
        return total


def lpips_at_hand() -> Lpips | None:
    """LPIPS on the processor, or None where its weights are not at hand."""
    try:
        return Lpips(torch.device("cpu"))
    except DatasetMissing:
        return None


def _directions(seen: Tensor) -> Tensor:
    return seen / (seen.square().sum(1, keepdim=True).sqrt() + SMALL)


def _read_heads(path: Path) -> list[Tensor]:
    if not path.is_file():
        raise DatasetMissing(f"LPIPS needs its weights in {path}: put lpips_vgg.safetensors there")
    try:
        weights = load_file(path)
        return [weights[f"lin{i}.model.1.weight"] for i in range(len(LAYERS))]
    except (SafetensorError, KeyError, OSError) as error:
        raise DatasetCorrupt(f"{path} is damaged ({error}): fetch it anew") from error
