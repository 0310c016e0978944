"""What several views know of things, and how likely it is: detections as mixtures of Gaussians, and an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.data.views import Seen
from spiral.methods.meta_pose.geometry import Cameras, standard

FLOOR = 0.01  # of the probability of a detection is spread over the whole picture: a detector may be quite wrong
AREA = 4.0  # of a picture


@dataclass(frozen=True)
class Sights:
    """What is known of B things with K points from V views, as of `spiral.data.views.Seen`.

    Attributes:
        means, deviations, weights: of the mixtures, [B, V, K, M, 2], [B, V, K, M] and [B, V, K, M].
        monocular: positions by each view alone, of spread 1, [B, V, K, 3].
        shown: whether a detection may be used, 1 or 0, [B, V, K].
    """

    means: Tensor
    deviations: Tensor
    weights: Tensor
    monocular: Tensor
    shown: Tensor

    def __len__(self) -> int:
        return len(self.means)

    def __getitem__(self, chosen: Tensor | slice) -> Sights:
        """Of some things."""
        return Sights(*(part[chosen] for part in self._parts()))

    def of_views(self, views: Tensor | slice) -> Sights:
        """Of some views, in this order."""
        return Sights(*(part[:, views] for part in self._parts()))

    def showing(self, shown: Tensor) -> Sights:
        """With other detections to be used."""
        return Sights(self.means, self.deviations, self.weights, self.monocular, shown)

    @property
    def places(self) -> Tensor:
        """Where each detector takes its points to be, most of all, [B, V, K, 2]."""
        return self.means[..., 0, :]

    def _parts(self) -> tuple[Tensor, ...]:
        return self.means, self.deviations, self.weights, self.monocular, self.shown


@dataclass(frozen=True)
class Estimate:
    """Points of spread 1 about the origin, [B, K, 3], and the cameras that see them."""

    points: Tensor
    cameras: Cameras


def sights_of(seen: Seen, device: torch.device) -> Sights:
    """What is known, as tensors; every detection may be used."""
    means, deviations, weights, monocular = (
        torch.from_numpy(array).to(device) for array in (seen.means, seen.deviations, seen.weights, seen.monocular)
    )
    return Sights(means, deviations, weights, standard(monocular), torch.ones_like(deviations[..., 0]))


def log_likelihood(places: Tensor, sights: Sights, soft: Tensor | float = 0.0) -> Tensor:
    """log p of each place [B, V, K, 2] under its mixture, each Gaussian and the floor apart, [B, V, K, M + 1].

    `soft` is added to the deviations, [B, V, 1, 1] or a number.
    """
    variances = sights.deviations.square() + torch.as_tensor(soft).square()
    squares = (places.unsqueeze(-2) - sights.means).square().sum(-1)
    gaussians = sights.weights.log() - squares / (2 * variances) - (2 * torch.pi * variances).log()
    floor = torch.full_like(gaussians[..., :1], FLOOR / AREA).log()
    return torch.cat((gaussians + torch.log1p(torch.tensor(-FLOOR)), floor), -1)


def pulls(places: Tensor, sights: Sights, soft: Tensor | float) -> tuple[Tensor, Tensor]:
    """Where the mixtures pull places [B, V, K, 2] to, [B, V, K, 2], and how strongly, in inverse squares, [B, V, K].

    This is the step of expectation: each Gaussian pulls as far as the place is likely to be its own.
    """
    shares = log_likelihood(places, sights, soft).softmax(-1)[..., :-1]
    strengths = shares / (sights.deviations.square() + torch.as_tensor(soft).square())
    total = strengths.sum(-1)
    to = (strengths.unsqueeze(-1) * sights.means).sum(-2) / total.unsqueeze(-1).clamp(min=1e-8)
    return to, total * sights.shown


def unlikeliness(estimate: Estimate, sights: Sights, counted: Tensor) -> Tensor:
    """The mean of −log p over the detections that count, 1 or 0, [B, V, K]; what S2 is trained to lower."""
    values = -log_likelihood(estimate.cameras.sees(estimate.points), sights).logsumexp(-1)
    return (values * counted).sum() / counted.sum().clamp(min=1)
