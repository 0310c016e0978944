"""Digits of two domains, and the small encoders in whose features they are aligned.

In pixels a flow spends its capacity on what nobody looks for: the authors found LRMF not to align digits there, and to
align them in the features of a VAE. There are two encoders here: a classifier's last layer but one, which knows the
labels of B, and the means of a VAE of both domains, which knows none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.data import load_digits
from spiral.data.pictures import Split
from spiral.methods.lrmf.aligning import Descending

SIDE = 16
CLASSES = 10
BATCH_SIZE = 128
FAINT = 0.1  # of the most ink that the mean of a domain has anywhere


@dataclass(frozen=True)
class Digits:
    """Some digits.

    Attributes:
        ink: float32 [N, 1, SIDE, SIDE], from 0 for paper to 1 for ink.
        labels: int64 [N].
    """

    ink: Tensor
    labels: Tensor

    def some(self, chosen: Tensor | slice) -> Digits:
        """Those of these places."""
        return Digits(self.ink[chosen], self.labels[chosen])


def read_digits(name: str, split: Split, most: int) -> Digits:
    """The digits of one split of a data set, at most so many.

    Raises:
        DatasetError: it is not there, or not of digits.
    """
    images, labels = load_digits(name, split, 2 * SIDE)
    ink = 1 - torch.from_numpy(images[:most, ..., 0].astype(np.float32) / 255).unsqueeze(1)
    return Digits(filled(ink), torch.from_numpy(labels[:most]))


def filled(ink: Tensor) -> Tensor:
    """The part of pictures [N, 1, H, W] where the domain has ink, at SIDE×SIDE: some sets come with wide margins."""
    mean = ink.mean((0, 1))
    inked = mean > FAINT * mean.max()
    rows, columns = (inked.any(axis).nonzero().squeeze(1) for axis in (1, 0))
    box = ink[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return functional.interpolate(box, (SIDE, SIDE), mode="bilinear", antialias=True)


class Encoder(nn.Module, ABC):
    """Makes features of pictures."""

    @abstractmethod
    def forward(self, ink: Tensor) -> Tensor:
        """Features, [N, 1, SIDE, SIDE] → [N, F]."""

    @abstractmethod
    def loss(self, a: Digits, b: Digits, generator: torch.Generator) -> Tensor:
        """What it learns by, from some digits of both domains; it looks at the labels of B at most."""


class Classifier(Encoder):
    """Two convolutions and a layer of features, from which another tells the ten digits of B."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * (SIDE // 4) ** 2, features),
        )
        self.head = nn.Linear(features, CLASSES)

    def forward(self, ink: Tensor) -> Tensor:
        """The layer before the last."""
        features: Tensor = self.body(ink)
        return features

    def loss(self, a: Digits, b: Digits, generator: torch.Generator) -> Tensor:
        """Cross-entropy on B."""
        del a, generator
        return functional.cross_entropy(self.head(self(b.ink)), b.labels)


class Vae(Encoder):
    """A variational autoencoder (Kingma & Welling, 2014) of both domains, for ink between 0 and 1 (Bernoulli)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        size, hidden = SIDE**2, 256
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, 2 * features))
        self.decoder = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, size))

    def forward(self, ink: Tensor) -> Tensor:
        """The means of the posteriors."""
        means: Tensor = self.encoder(ink).chunk(2, dim=-1)[0]
        return means

    def loss(self, a: Digits, b: Digits, generator: torch.Generator) -> Tensor:
        """The negative evidence lower bound of a picture, in nats."""
        ink = torch.cat((a.ink, b.ink))
        means, log_variances = self.encoder(ink).chunk(2, dim=-1)
        noise = torch.randn(means.shape, generator=generator).to(means)
        seen = self.decoder(means + noise * (log_variances / 2).exp())
        rebuilt = functional.binary_cross_entropy_with_logits(seen, ink.flatten(1), reduction="none").sum(-1)
        prior = (means.square() + log_variances.exp() - log_variances - 1).sum(-1) / 2
        bound: Tensor = (rebuilt + prior).mean()
        return bound


ENCODERS: dict[str, type[Encoder]] = {"classifier": Classifier, "vae": Vae}


class Encoding(Descending):
    """The training of an encoder."""

    def __init__(self, steps: int, seed: int, encoder: Encoder, a: Digits, b: Digits, rate: float) -> None:
        super().__init__(steps, seed, encoder, rate)
        self.encoder, self.a, self.b = encoder, a, b

    def step(self, progress: float) -> dict[str, float]:
        """One step on some digits of each domain."""
        a, b = (
            digits.some(torch.randint(len(digits.ink), (BATCH_SIZE,), generator=self.generator))
            for digits in (self.a, self.b)
        )
        loss = self.encoder.loss(a, b, self.generator)
        self.descend(loss, progress)
        return {"loss": float(loss.detach())}
