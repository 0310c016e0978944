"""Factors are read from pictures by a classifier that has learned from held-out truth, and knows nothing of domains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.descent import descend
from spiral.methods.experiment import Part
from spiral.methods.rift.model import CHANNELS, heard
from spiral.methods.rift.networks import begin_even
from spiral.methods.rift.pictures import Domain, in_chunks
from spiral.methods.rift.training import with_seed

REAL = 0  # what stands for the number of classes where a factor is a number
WIDTH, BATCH, RATE = 24, 64, 3e-3
NOISE = 0.05  # of the pictures that it learns from, since drawn ones are not quite clean
WARM_UP = 0.1


class Reader(nn.Module):
    """Pictures [N, 3, side, side] → for each factor logits [N, classes], or a number [N, 1] where it is real."""

    def __init__(self, classes: Mapping[str, int], side: int) -> None:
        super().__init__()
        self.classes = dict(classes)
        widths = (CHANNELS, WIDTH, 2 * WIDTH, 3 * WIDTH, 4 * WIDTH)
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            stride = 2 if place else 1
            layers += [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        pooled = min(4, side // 8)
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(pooled), nn.Flatten())
        self.head = nn.Linear(widths[-1] * pooled**2, sum(self._sizes()))
        self.apply(begin_even)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """By the factor's name."""
        features = self.layers(pictures.contiguous(memory_format=torch.channels_last))
        return dict(zip(self.classes, self.head(features).split(self._sizes(), 1), strict=True))

    def _sizes(self) -> list[int]:
        return [max(1, count) for count in self.classes.values()]


class Reading(Part):
    """The training of a reader.

    Args:
        steps: how many.
        domain: pictures in which all factors vary, whose truth is known.
        classes: of each factor, `REAL` where it is a number.
        seed: decides everything.
    """

    def __init__(self, steps: int, domain: Domain, classes: Mapping[str, int], seed: int) -> None:
        super().__init__(steps, seed)
        self.domain = domain
        side = domain.images.shape[-1]
        self.reader = with_seed(seed, lambda: Reader(classes, side)).to(domain.images.device).eval()
        self.networks = {"reader": self.reader}
        self.optimizers = {"reader": torch.optim.AdamW(self.reader.parameters(), RATE)}

    def step(self, progress: float) -> dict[str, float]:
        """One step down the sum of the factors' losses, at a rate that rises and then falls."""
        optimizer = self.optimizers["reader"]
        optimizer.param_groups[0]["lr"] = RATE * min((progress + 0.01) / WARM_UP, (1 - progress) / (1 - WARM_UP))
        chosen = torch.randint(len(self.domain), (BATCH,), generator=self.generator).to(self.domain.images.device)
        self.reader.train()
        answers = self.reader(heard(self.domain.inputs(chosen), NOISE, self.generator))
        truth = {name: self.domain.known[name][chosen] for name in answers}
        loss = torch.stack([reading_loss(answers[name], truth[name]) for name in answers]).sum()
        descend(loss, self.reader, optimizer, math.inf, "the reader of RIFT")
        self.reader.eval()
        return {"loss": float(loss.detach())}

    def read(self, pictures: Tensor) -> dict[str, Tensor]:
        """What it reads in many pictures, each [N]: a class, or a number."""
        names = list(self.reader.classes)

        def read_some(some: Tensor) -> Tensor:
            answers = self.reader(some)
            return torch.stack([_decided(answers[name]) for name in names], 1)

        return dict(zip(names, in_chunks(read_some, pictures).unbind(1), strict=True))

    def accuracy(self, domain: Domain) -> dict[str, float]:
        """How well it reads pictures whose truth is known: the share that is right, or the correlation of numbers."""
        read = self.read(domain.inputs())
        found = {}
        for name, count in self.reader.classes.items():
            truth = domain.known[name]
            if count == REAL:
                found[name] = float(torch.corrcoef(torch.stack((read[name], truth)))[0, 1].nan_to_num())
            else:
                found[name] = float((read[name] == truth).float().mean())
        return found


def reading_loss(answer: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of logits, or the squared error of a number, [N, 1]."""
    if answer.shape[1] == 1:
        return functional.mse_loss(answer[:, 0], truth)
    return functional.cross_entropy(answer, truth.long())


def _decided(answer: Tensor) -> Tensor:
    return answer[:, 0] if answer.shape[1] == 1 else answer.argmax(1).float()
