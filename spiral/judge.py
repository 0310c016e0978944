"""Two small classifiers of digit pictures, by which finished agents are measured; they take no part in training.

The *reader* knows ten classes: does a copy read as the digit it was copied from? The *judge* knows an eleventh, "not a
digit" (blank canvases, random programs, torn digits): is an invented picture a digit at all? Ten classes alone mislead,
since every scribble is nearest to some digit. Both are one network in the manner of LeNet-5 (LeCun et al., 1998) on
32x32 grey, fitted with re-inked pictures (`spiral.reink`), so that they see shapes and not the ink of scanned paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from spiral.reink import reink

NOT_A_DIGIT = 10
SIDE = 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
BATCH = 128


class DigitNet(nn.Module):
    """A classifier of ink pictures, [N, 1, 32, 32] in [0, 1] (1 is full ink), with logits [N, classes]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(64 * 4 * 4, 128),
            nn.ReLU(),
            nn.Linear(128, classes),
        )

    def forward(self, ink: Tensor) -> Tensor:
        """The logits, [N, classes]."""
        logits: Tensor = self.layers(ink)
        return logits


def fit(images: NDArray[np.uint8], labels: NDArray[np.int64], classes: int, seed: int, epochs: int) -> DigitNet:
    """A classifier fitted to the pictures: AdamW on one-cycle rates, every batch re-inked anew.

    Args:
        images: uint8 [N, H, W, C], dark ink on white; counter-examples among them have the label `NOT_A_DIGIT`.
        labels: int64 [N], each below `classes`.
        classes: 10 for a reader, 11 for a judge.
        seed: decides the first weights, the order and the re-inking.
        epochs: passes over the pictures.

    Raises:
        ValueError: a label is none of the classes, or there is not one label for each picture.
    """
    if len(images) != len(labels) or not len(labels) or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{len(images)} pictures with {len(labels)} labels from {min(labels, default=None)} to "
            f"{max(labels, default=None)}: give one label for each picture, from 0 to {classes - 1}"
        )
    ink, targets = torch.cat([_ink(chunk).half() for chunk in _chunks(images)]), torch.from_numpy(labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = DigitNet(classes).train()
        optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        steps = epochs * -(-len(ink) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps)
        for _ in range(epochs):
            for chosen in torch.randperm(len(ink)).split(BATCH):
                loss = functional.cross_entropy(net(reink(ink[chosen].float())), targets[chosen])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    return net.eval()


@torch.inference_mode()
def tighten(net: DigitNet, counter_examples: NDArray[np.uint8], share: float) -> None:
    """Makes the judge accept at most `share` of the counter-examples, by the bias of "not a digit" alone.

    The pictures must be others than those it was fitted to; it never becomes more lenient.
    """
    logits = torch.cat([net(_ink(chunk)) for chunk in _chunks(counter_examples)])
    margin = logits[:, :NOT_A_DIGIT].amax(1) - logits[:, NOT_A_DIGIT]
    last = net.layers[-1]
    assert isinstance(last, nn.Linear), "the last layer makes the logits"
    last.bias[NOT_A_DIGIT] += margin.quantile(1 - share).clamp(min=0)


@torch.inference_mode()
def classify(net: DigitNet, images: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The most probable class of each picture, int64 [N], and its probability, float32 [N].

    `images` are uint8 [N, H, W, C], dark ink on white, and brought to 32x32 grey (by area mean where that is exact).
    """
    confidence, label = torch.cat([net(_ink(chunk)).softmax(1) for chunk in _chunks(images)]).max(1)
    return label.numpy(), confidence.numpy()


def read_as(images: NDArray[np.uint8], digits: NDArray[np.int64]) -> float:
    """The share of pictures, uint8 [N, H, W, C], that the shipped reader reads as these digits, int64 [N]."""
    return float(np.mean(classify(shipped("reader"), images)[0] == digits))


@torch.inference_mode()
def frechet_distance(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> float:
    """How far two sets of pictures are apart in what the shipped reader sees of them: 0 where they are alike.

    ‖μ − μ'‖² + tr(Σ + Σ' − 2 (ΣΣ')^½) of the 128 activations before the reader's last layer (Heusel et al., "GANs
    trained by a two time-scale update rule converge to a local Nash equilibrium", 2017, with another network). Small
    sets look farther apart than they are: compare distances of equally many pictures, a thousand or more.

    Args:
        images: uint8 [N, H, W, C], two or more.
        others: the same, [M, H, W, C].
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    seen = _Seen(shipped("reader"))
    distance = FrechetInceptionDistance(seen, normalize=True, input_img_size=(1, SIDE, SIDE))
    for pictures, real in ((images, False), (others, True)):
        for chunk in _chunks(pictures):
            distance.update(_ink(chunk), real=real)
    return float(distance.compute())


class _Seen(nn.Module):
    """The activations of a classifier before its last layer, as many as `num_features`."""

    def __init__(self, net: DigitNet) -> None:
        super().__init__()
        last = net.layers[-1]
        assert isinstance(last, nn.Linear)
        self.num_features = last.in_features
        self.layers = net.layers[:-1]

    def forward(self, ink: Tensor) -> Tensor:
        seen: Tensor = self.layers(ink)
        return seen


def save(net: DigitNet, path: Path, metadata: Mapping[str, str]) -> None:
    """Writes weights and metadata (strings: how it was made, what it reached) as one safetensors file."""
    temporary = path.with_name(f".{path.name}.tmp")
    save_file(net.state_dict(), temporary, {**metadata, "classes": str(net.classes)})
    temporary.replace(path)


def load(path: Path) -> tuple[DigitNet, dict[str, str]]:
    """The classifier that `save` wrote, ready to classify, and its metadata."""
    with safe_open(path, "pt") as file:
        metadata = dict(file.metadata())
        weights: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    net = DigitNet(int(metadata["classes"]))
    net.load_state_dict(weights)
    return net.eval(), metadata


def shipped(name: Literal["reader", "judge"]) -> DigitNet:
    """The classifier that comes with this package; `python -m actors.judge_training` made it."""
    with resources.as_file(resources.files("spiral") / "weights" / f"{name}.safetensors") as path:
        return load(path)[0]


def _chunks(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The pictures in parts of at most 1,000, to need little memory at a time; at least one part."""
    return [images[i : i + 1000] for i in range(0, max(len(images), 1), 1000)]


def _ink(images: NDArray[np.uint8]) -> Tensor:
    """How much ink there is, [N, 1, 32, 32] in [0, 1], in pictures uint8 [N, H, W, C], dark on white."""
    ink = 1 - torch.tensor(images).movedim(-1, 1).float().mean(1, keepdim=True) / 255
    if ink.shape[-1] % SIDE == 0:
        return functional.interpolate(ink, (SIDE, SIDE), mode="area")
    return functional.interpolate(ink, (SIDE, SIDE), mode="bilinear", antialias=True)
