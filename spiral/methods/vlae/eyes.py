"""Independent networks, in whose features sets of pictures are compared: a reader of digits, and VGG-16 for photos."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from spiral.data import DatasetMissing
from spiral.judge import shipped

CHUNK = 100  # pictures at a time
VGG_LAYERS = (64, 64, "M", 128, 128, "M", 256, 256, 256)  # to conv3_3
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@torch.no_grad()
def as_reader(pictures: Tensor) -> Tensor:
    """What the reader's last layer but one sees in pictures [N, C, 32, 32] in [0, 1] of dark ink, [N, 128]."""
    layers = shipped("reader").layers[:-1]
    ink = 1 - pictures.mean(1, keepdim=True).cpu()
    return torch.cat([layers(some) for some in ink.split(CHUNK)])


class Vgg:
    """What conv3_3 of VGG-16 (Simonyan & Zisserman, 2014) sees in photos, its mean over the picture, [N, 256].

    Raises:
        DatasetMissing: the weights are not there.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        if not path.is_file():
            raise DatasetMissing(
                f"photos are compared by VGG-16, whose weights are not in {path}: put vgg16_features.safetensors "
                "there, with features.N.weight and features.N.bias as torchvision numbers them"
            )
        layers: list[nn.Module] = []
        channels = 3
        for width in VGG_LAYERS:
            if isinstance(width, int):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            else:
                layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)
        stored = load_file(path)
        self.layers.load_state_dict({name: stored[f"features.{name}"].float() for name in self.layers.state_dict()})
        self.layers.to(device).requires_grad_(False)
        self.mean, self.spread = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in IMAGENET)

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> Tensor:
        """The features of pictures [N, 1 or 3, H, W] in [0, 1]."""
        colored = ((some.expand(-1, 3, -1, -1) - self.mean) / self.spread for some in pictures.split(CHUNK))
        return torch.cat([self.layers(some).mean((2, 3)) for some in colored])
