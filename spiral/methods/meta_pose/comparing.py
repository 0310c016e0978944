"""The methods side by side on the same held-out things: errors with all views and with two, and the time that each takes.

The rows of the paper are of people in a studio (Human3.6M), measured in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.data.views import Truth
from spiral.methods.experiment import Table
from spiral.methods.meta_pose.baselines import adjusted, triangulated, triangulated_with_truth
from spiral.methods.meta_pose.geometry import turned
from spiral.methods.meta_pose.measures import aligned_error, scaled_error
from spiral.methods.meta_pose.model import Estimate, Refiner, Sights, cameras_at

Row = tuple[str | float | None, ...]
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
    """A method's errors in millimetres, all views and then two, and its time for a thing in milliseconds of a core.

    Attributes:
        aligned, scaled: PMPJPE and NMPJPE.
        alone: of things one by one.
        together: of all of them at once, or None where that is no faster.
    """

    aligned: list[float]
    scaled: list[float]
    alone: float | None
    together: float | None

    def row(self, name: str) -> Row:
        """The row of a table."""
        return (name, *self.aligned, *self.scaled, self.alone, self.together)


def compared(sights: Sights, truth: Truth, refiners: dict[str, Refiner]) -> dict[str, Measured]:
    """All methods by name; S1 is that of the first refiner.

    Args:
        sights: of held-out things.
        truth: of the same ones, and maybe of more after them.
        refiners: S1 and S2 by the names of their rows.
    """
    truth = truth.first(len(sights))
    first = next(iter(refiners.values()))

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
        "triangulation, S1's cameras": by_initial,
        ADJUSTED: by_adjusting,
        FIRST: lambda sights: _found(initial(sights)),
    }
    for name, refiner in refiners.items():
        methods[name] = lambda sights, refiner=refiner: _found(refiner(sights))  # type: ignore[misc]
    by_truth = _with_truth(sights, truth)
    return {"triangulation, true cameras": by_truth} | {
        name: _measured(method, sights, truth, one_by_one=name == ADJUSTED) for name, method in methods.items()
    }


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
    assert best.alone and best.together and adjustment.alone, "these are timed"
    gains: list[Row] = [
        ("PMPJPE of S1's, all views", best.aligned[0] / first.aligned[0]),
        ("PMPJPE of S1's, 2 views", best.aligned[1] / first.aligned[1]),
        ("PMPJPE of bundle adjustment's, 2 views", best.aligned[1] / adjustment.aligned[1]),
        ("times as fast as bundle adjustment, together", adjustment.alone / best.together),
        ("times as fast as bundle adjustment, one by one", adjustment.alone / best.alone),
    ]
    return [
        Table(f"Held-out {what}: errors and time", columns, rows, note),
        Table("What S1 + S2 gain", ("of S1 + S2", "share"), gains),
    ]


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
def _measured(method: Callable[[Sights], Found], sights: Sights, truth: Truth, one_by_one: bool) -> Measured:
    device = sights.means.device
    method(sights[slice(0, 1)])  # so that nobody is timed while it warms up
    began = time.process_time()
    found = [method(sights.of_views(slice(views))) for views in VIEWS[:1]]
    together = MILLI * (time.process_time() - began) / len(sights)
    found += [method(sights.of_views(slice(views))) for views in VIEWS[1:]]
    errors = [_errors(each, truth, device) for each in found]
    alone = together if one_by_one else _one_by_one(method, sights)
    return Measured([e[0] for e in errors], [e[1] for e in errors], alone, None if one_by_one else together)


def _one_by_one(method: Callable[[Sights], Found], sights: Sights) -> float:
    count = min(ALONE, len(sights))
    began = time.process_time()
    for number in range(count):
        method(sights[slice(number, number + 1)])
    return MILLI * (time.process_time() - began) / count


def _with_truth(sights: Sights, truth: Truth) -> Measured:
    device = sights.means.device
    rotations, positions, focals = (
        torch.from_numpy(part).to(device) for part in (truth.rotations, truth.positions, truth.focals)
    )
    errors = []
    for views in VIEWS:
        own = slice(views)
        points = triangulated_with_truth(
            sights.places[:, own], rotations[:, own], positions[:, own], focals[:, own]
        )
        errors.append(_errors((points, rotations), truth, device))
    return Measured([e[0] for e in errors], [e[1] for e in errors], None, None)
