"""The methods side by side on the same held-out things: errors with all views and with two, and the time of each.

The rows of the paper are of people in a studio (Human3.6M), measured in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.data.views import Truth
from spiral.methods.experiment import Row, Table
from spiral.methods.meta_pose.baselines import adjusted, triangulated, triangulated_with_truth
from spiral.methods.meta_pose.geometry import turned
from spiral.methods.meta_pose.measures import aligned_error, scaled_error
from spiral.methods.meta_pose.model import Refiner, cameras_at
from spiral.methods.meta_pose.sights import Estimate, Sights

Found = tuple[Tensor, Tensor]  # points [B, K, 3], and the rotations of the cameras in the same world
VIEWS = (None, 2)  # of how many views: all, and two
ALONE = 20  # things that are timed one by one
MILLI = 1000
PAPER: list[Row] = [
    ("paper: AniPose, true cameras", 75.0, 167.0, 103.0, 230.0, 7000.0, None),
    ("paper: S1", 74.0, 87.0, 83.0, 95.0, 200.0, None),
    ("paper: S1 + S2", 32.0, 44.0, 49.0, 55.0, 300.0, None),
]
ADJUSTED, FIRST, BOTH = "bundle adjustment from S1 (SciPy)", "S1", "S1 + S2"


@dataclass(frozen=True)
class Measured:
    """A method's errors, in millimetres, and its time for a thing, in milliseconds of a core; with all views, with two.

    Attributes:
        aligned, scaled: PMPJPE and NMPJPE.
        together: time, of all things at once.
        alone: time, of things one by one.
    """

    aligned: list[float]
    scaled: list[float]
    together: list[float]
    alone: list[float]

    def row(self, name: str) -> Row:
        """The row of a table; times are with all views."""
        return (name, *self.aligned, *self.scaled, self.alone[0], self.together[0])


def compared(sights: Sights, truth: Truth, refiners: dict[str, Refiner]) -> dict[str, Measured]:
    """All methods by name; S1 is that of the first refiner.

    Args:
        sights: of held-out things.
        truth: of the same ones, and maybe of more after them.
        refiners: S1 and S2 by the names of their rows.
    """
    truth = truth.first(len(sights))
    first = next(iter(refiners.values()))

    device = sights.means.device
    turns, positions, focals = (
        torch.from_numpy(part).to(device) for part in (truth.rotations, truth.positions, truth.focals)
    )

    def by_truth(sights: Sights) -> Found:
        things, views = slice(len(sights)), slice(sights.means.shape[1])
        known = (part[things, views] for part in (turns, positions, focals))
        return triangulated_with_truth(sights.places, *known), turns[things, views]

    def initial(sights: Sights) -> Estimate:
        points = first.begin(sights)
        return Estimate(points, cameras_at(points, sights))

    def by_initial(sights: Sights) -> Found:
        estimate = initial(sights)
        return triangulated(sights.places, estimate.cameras), estimate.cameras.rotations

    def by_adjusting(sights: Sights) -> Found:
        each = [adjusted(initial(one), one) for one in (sights[slice(i, i + 1)] for i in range(len(sights)))]
        return torch.cat([one.points for one in each]), torch.cat([one.cameras.rotations for one in each])

    methods: dict[str, Callable[[Sights], Found]] = {
        "triangulation, true cameras": by_truth,
        "triangulation, S1's cameras": by_initial,
        ADJUSTED: by_adjusting,
        FIRST: lambda sights: _found(initial(sights)),
    }
    for name, refiner in refiners.items():
        methods[name] = lambda sights, refiner=refiner: _found(refiner(sights))  # type: ignore[misc]
    return {name: _measured(method, sights, truth) for name, method in methods.items()}


def tables(measured: dict[str, Measured], what: str) -> list[Table]:
    """The methods beside the paper's, and what S2 gains."""
    columns = (
        "method",
        "PMPJPE, all views",
        "PMPJPE, 2 views",
        "NMPJPE, all views",
        "NMPJPE, 2 views",
        "ms, one by one",
        "ms, together",
    )
    rows = [each.row(name) for name, each in measured.items()] + PAPER
    note = "mm; times are of one core, for all views; the paper's are of people and a GPU"
    best, first, adjustment = measured[BOTH], measured[FIRST], measured[ADJUSTED]
    gains: list[Row] = [
        ("PMPJPE, share of S1's", *_ratio(best.aligned, first.aligned)),
        ("PMPJPE, share of bundle adjustment's", *_ratio(best.aligned, adjustment.aligned)),
        ("times as fast as bundle adjustment, all at once", *_ratio(adjustment.alone, best.together)),
        ("times as fast as bundle adjustment, one by one", *_ratio(adjustment.alone, best.alone)),
    ]
    return [
        Table(f"Held-out {what}: errors and time", columns, rows, note),
        Table("What S1 + S2 gain", ("of S1 + S2", "all views", "2 views"), gains),
    ]


def _ratio(values: list[float], of: list[float]) -> list[float]:
    return [value / other for value, other in zip(values, of, strict=True)]


def _found(estimate: Estimate) -> Found:
    return estimate.points, estimate.cameras.rotations


def _errors(found: Found, truth: Truth, device: torch.device) -> tuple[float, float]:
    """PMPJPE and NMPJPE, in millimetres."""
    points, rotations = found
    true, turns = torch.from_numpy(truth.points).to(device), torch.from_numpy(truth.rotations).to(device)
    there = turned(rotations[:, 0], points)
    return (
        MILLI * float(aligned_error(points, true).mean()),
        MILLI * float(scaled_error(there, turned(turns[:, 0], true)).mean()),
    )


@torch.no_grad()
def _measured(method: Callable[[Sights], Found], sights: Sights, truth: Truth) -> Measured:
    errors, together, alone = [], [], []
    for views in VIEWS:
        used = sights.of_views(slice(views))
        method(used[slice(0, 1)])  # so that nobody is timed while it warms up
        began = time.process_time()
        errors.append(_errors(method(used), truth, sights.means.device))
        together.append(MILLI * (time.process_time() - began) / len(used))
        some = [used[slice(number, number + 1)] for number in range(min(ALONE, len(used)))]
        began = time.process_time()
        for one in some:
            method(one)
        alone.append(MILLI * (time.process_time() - began) / len(some))
    return Measured([aligned for aligned, _ in errors], [scaled for _, scaled in errors], together, alone)
