"""The convolutions of a VGG network (Simonyan & Zisserman, 2014), with weights from a file.

Any of the family will do: how many convolutions lie between two poolings is read from the numbers that torchvision
gives to the layers. A layer is called as in the papers, `conv3_1`, and is what its ReLU lets through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from spiral.data import DatasetCorrupt, DatasetMissing, data_root

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PREFIX = "features."
CHANNELS = 3  # of a picture


class Vgg(nn.Module):
    """Convolutions of 3x3 with ReLUs, in blocks between poolings, numbered as torchvision does.

    Args:
        blocks: the widths of the convolutions of each block.
        whole: pooling keeps what is left over at the edge of an odd side, as in the network's first home; else it is
            left out, as torchvision does.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, blocks: Sequence[Sequence[int]], whole: bool = True) -> None:
        super().__init__()
        self.whole = whole
        self.blocks = [list(block) for block in blocks]
        layers: list[nn.Module] = []
        self.places: dict[str, int] = {}
        channels = CHANNELS
        for b, block in enumerate(self.blocks, 1):
            for c, width in enumerate(block, 1):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                self.places[f"conv{b}_{c}"] = len(layers) - 1
                channels = width
            layers.append(nn.MaxPool2d(2, ceil_mode=whole))
        self.features = nn.Sequential(*layers)
        for name, values in zip(("mean", "spread"), IMAGENET, strict=True):
            self.register_buffer(name, torch.tensor(values).view(1, CHANNELS, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """What the layers of these names see in pictures [N, 3, H, W] in [0, 1], each [N, C, h, w]."""
        wanted = {self.places[name]: name for name in names}
        seen, found = (pictures - self.mean) / self.spread, {}
        for place, layer in enumerate(list(self.features)[: max(wanted) + 1]):
            seen = layer(seen)
            if place in wanted:
                found[wanted[place]] = seen
        return found


def until(vgg: Vgg, name: str) -> Vgg:
    """The network as far as a layer, with the same weights."""
    block, convolution = (int(number) for number in name.removeprefix("conv").split("_"))
    shorter = Vgg([*vgg.blocks[: block - 1], vgg.blocks[block - 1][:convolution]], vgg.whole)
    shorter.load_state_dict({key: value for key, value in vgg.state_dict().items() if key in shorter.state_dict()})
    return shorter


def vgg_file() -> Path:
    """Where the weights of VGG-16 belong."""
    return data_root() / "weights" / "vgg16_features.safetensors"


def read_vgg(path: Path, needed: Iterable[str], whole: bool = True) -> Vgg:
    """The network in a file of weights that has the layers `needed`, with pooling as `Vgg` has it.

    Raises:
        DatasetMissing: there is no such file.
        DatasetCorrupt: it is damaged, or no VGG with these layers.
    """
    if not path.is_file():
        raise DatasetMissing(
            f"this needs the weights of a VGG network in {path}: put {path.name} there, with features.N.weight and "
            "features.N.bias as torchvision numbers them, or name another file or experiment"
        )
    try:
        weights = {name: value.float() for name, value in load_file(path).items() if name.startswith(PREFIX)}
        network = Vgg(_blocks(weights), whole)
        network.load_state_dict(weights)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetCorrupt(
            f"{path} is damaged or of no VGG network ({reason}): give weights as torchvision's"
        ) from error
    lacking = [name for name in needed if name not in network.places]
    if lacking:
        raise DatasetCorrupt(f"{path} holds a network without {', '.join(lacking)}: give VGG-16 or VGG-19")
    return network


def _blocks(weights: dict[str, Tensor]) -> list[list[int]]:
    """The widths by block: a convolution is two layers after the one before it, and three where a pooling is between.

    Raises:
        ValueError: the numbers are of another network.
    """
    numbers = sorted(int(name.split(".")[1]) for name in weights if name.endswith(".weight"))
    steps = [after - before for before, after in pairwise(numbers)]
    if not numbers or numbers[0] != 0 or not set(steps) <= {2, 3}:
        raise ValueError(f"its convolutions are numbered {numbers}")
    blocks: list[list[int]] = [[]]
    for number, step in zip(numbers, [2, *steps], strict=True):
        if step == 3:
            blocks.append([])
        blocks[-1].append(len(weights[f"{PREFIX}{number}.weight"]))
    return blocks
