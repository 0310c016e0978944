"""The two stages of MetaPose (CVPR 2022): an initial estimate, and a network that learns to refine it.

S1 turns what each view takes the points for in three dimensions onto each other and takes their mean; each camera is
the one that sees this mean nearest to its own detections.

S2 repeats: cameras step towards the detections; each point gets the displacement that a regularised bundle adjustment
would give it with these cameras; and a network, which sees these displacements and what each view thinks of them, says
how far to follow them and what to add. What it is trained for is the likelihood of the detections where the points are
seen, and no position in three dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spiral.methods.meta_pose.geometry import Cameras, placed, resected, standard, turned, turning
from spiral.methods.meta_pose.sights import Estimate, Sights, pulls

SOFT = (0.1, 0.04, 0.02)  # by which mixtures are widened at first, in spreads of the points: they are far from there
STIFF = 30.0  # of a displacement, in inverse squares of the points' spread


def initial(sights: Sights, rounds: int = 2) -> Tensor:
    """S1's points: the mean of what each view takes them for, turned onto each other, [B, K, 3] in the first's axes."""
    mean = sights.monocular[:, 0]
    for _ in range(rounds):
        back = turning(sights.monocular, mean.unsqueeze(1))
        mean = standard(turned(back, sights.monocular).mean(1))
    return turned(turning(mean, sights.monocular[:, 0]), mean)


def cameras_at(points: Tensor, sights: Sights) -> Cameras:
    """S1's cameras: turned as each view alone takes the points to be, scaled and shifted to its detections."""
    rotations = turning(points.unsqueeze(1), sights.monocular)
    return placed(points, rotations, sights.places, sights.shown)


@dataclass(frozen=True)
class Pull:
    """Where detections pull points to, in the world's axes and in spreads of the points.

    Attributes:
        off: to where each view pulls, across its picture, [B, V, K, 3].
        strengths: of each view, in inverse squares, [B, V, K].
        first: to where its likeliest Gaussian lies, [B, V, K, 3].
        planes: of `Cameras.planes`.
    """

    off: Tensor
    strengths: Tensor
    first: Tensor
    planes: Tensor


def pull_of(points: Tensor, cameras: Cameras, sights: Sights, soft: Tensor | float) -> Pull:
    """How the detections pull the points."""
    seen, scales = cameras.sees(points), cameras.scales[..., None, None]
    to, strengths = pulls(seen, sights, soft)
    planes = cameras.planes(points)
    off, first = (torch.einsum("bvki,bvkij->bvkj", (there - seen) / scales, planes) for there in (to, sights.places))
    return Pull(off, strengths * scales[..., 0].square(), first, planes)


def displacements(pull: Pull) -> tuple[Tensor, Tensor]:
    """Where a bundle adjustment moves each point, held back by `STIFF`, and how sure it is of each axis, [B, K, 3]."""
    weighted = pull.strengths[..., None, None] * pull.planes
    precision = torch.einsum("bvkij,bvkil->bkjl", weighted, pull.planes)
    force = (pull.strengths.unsqueeze(-1) * pull.off).sum(1)
    held = precision + STIFF * torch.eye(3, device=force.device)
    return torch.linalg.solve(held, force), precision.diagonal(dim1=-2, dim2=-1)


class Step(nn.Module):
    """One refinement: what the network makes of the displacements.

    Args:
        count: K, of the points.
        width: of the hidden layers.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.view = nn.Sequential(nn.Linear(9 * count + 9, width), nn.ReLU(), nn.Linear(width, width // 2), nn.ReLU())
        self.head = nn.Sequential(
            nn.Linear(9 * count + width // 2, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 6 * count),
        )
        last = self.head[-1]
        assert isinstance(last, nn.Linear), "the last layer says where to go"
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, points: Tensor, cameras: Cameras, sights: Sights, soft: Tensor) -> Tensor:
        """Points [B, K, 3] where they are better."""
        with torch.no_grad():
            pull = pull_of(points, cameras, sights, soft)
            moved, precision = displacements(pull)
            whole = torch.cat((points, 5 * moved, precision / (precision + STIFF)), -1).flatten(1)
            alone = turned(cameras.rotations.mT, sights.monocular) - points.unsqueeze(1)
            shown = sights.shown.unsqueeze(-1)
            parts = 5 * pull.off * shown, pull.first.clamp(-1, 1) * shown, alone, cameras.rotations
            each = torch.cat([part.flatten(2) for part in parts], -1)
        pooled = self.view(each).mean(1)
        follow, more = self.head(torch.cat((whole, pooled), -1)).unflatten(-1, (-1, 6)).split(3, -1)
        better: Tensor = points + (1 + follow).clamp(0, 2) * moved + 0.3 * more
        return better


class Refiner(nn.Module):
    """S1 and S2 for things of one kind.

    Args:
        count: K, of the points.
        steps: how often S2 refines; each time by a network of its own.
        width: of these networks.
    """

    mean: Tensor

    def __init__(self, count: int, steps: int, width: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Step(count, width) for _ in range(steps))
        self.register_buffer("mean", torch.zeros(count, 3))

    def begin(self, sights: Sights) -> Tensor:
        """S1's points, turned onto the mean of the kind, [B, K, 3]."""
        points = initial(sights)
        return turned(turning(points, self.mean.expand_as(points)), points)

    def refinements(self, sights: Sights, views: int | None = None) -> Iterator[Estimate]:
        """S1's estimate, and then that of each refinement; gradients go into the newest refinement alone.

        `views` is how many of the first views are used; the other ones have their cameras found, and nothing else.
        """
        used = sights.of_views(slice(views))
        with torch.no_grad():
            points = self.begin(used)
            cameras = cameras_at(points, sights)
        yield Estimate(points, cameras)
        for number, step in enumerate(self.steps):
            soft = SOFT[min(number, len(SOFT) - 1)] * cameras.scales[..., None, None]
            cameras = _follow(points, cameras, sights, soft, 1 if number else 2)
            own = cameras.of(slice(None), slice(views))
            points = standard(step(points, own, used, soft[:, :views]))
            cameras = _follow(points.detach(), cameras, sights, soft, 1)
            yield Estimate(points, cameras)
            points = points.detach()

    @torch.no_grad()
    def forward(self, sights: Sights) -> Estimate:
        """The last estimate."""
        *_, last = self.refinements(sights)
        return last


@torch.no_grad()
def _follow(points: Tensor, cameras: Cameras, sights: Sights, soft: Tensor, steps: int) -> Cameras:
    """Cameras some steps nearer to what they see."""
    for _ in range(steps):
        to, strengths = pulls(cameras.sees(points), sights, soft)
        cameras = resected(points, cameras, to, strengths)
    return cameras


def mean_shape(sights: Sights, rounds: int = 3) -> Tensor:
    """The mean of S1's points, turned onto each other, [K, 3]."""
    points = initial(sights)
    mean = points[0]
    for _ in range(rounds):
        mean = standard(turned(turning(points, mean.expand_as(points)), points).mean(0))
    return mean
