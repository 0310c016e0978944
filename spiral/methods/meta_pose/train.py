"""What the method does by itself: `spiral fit meta_pose --experiment NAME`.

`scenes`: the platform and objects of `spiral/Scenes-v0` from four sides; at the end a finder of objects learns from the
positions that were found, for the reward. `figure`: an articulated figure. Both measure the refinement that is paid for
what it is not shown, and the one that is paid for what it is, beside triangulation and bundle adjustment.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from spiral.data import DatasetError, data_root
from spiral.data.views import ViewSet, read
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.meta_pose.comparing import BOTH, compared, tables
from spiral.methods.meta_pose.detecting import CORNERS, Finding, Found, as_seen
from spiral.methods.meta_pose.figures import SHOWN, nearest, save_objects, save_poses, some
from spiral.methods.meta_pose.model import Refiner
from spiral.methods.meta_pose.reward import MetaPoseOptions, cost, judgement_of
from spiral.methods.meta_pose.sights import sights_of
from spiral.methods.meta_pose.training import Refining, RefiningOptions
from spiral.section import Size

SEEN_ALL = "S1 + S2, nothing hidden"
NEAR = 0.2  # metres, within which an object counts as found


class PosingOptions(RefiningOptions):
    """How many things to learn from, at most, and how many held-out ones to measure on."""

    things: Size = 5000
    measured: Size = 200


class Figure(Experiment):
    """A figure with limbs."""

    Options: ClassVar[type[PosingOptions]] = PosingOptions
    options: PosingOptions
    data: ClassVar[str] = "views-figure"
    what: ClassVar[str] = "figures"

    def __init__(self, options: PosingOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        folder = data_root() / self.data
        self.train, self.held = read(folder, "train"), read(folder, "test")
        _require_views(self.train, self.data)
        self.sights = sights_of(self.train.seen, device)[slice(0, options.things)]
        self.held_sights = sights_of(self.held.seen, device)[slice(0, options.measured)]
        self.refining = Refining(options, self.sights, seed)
        self.seeing_all = Refining(options, self.sights, seed, blind=False)
        self.parts = {"hidden": self.refining, "nothing-hidden": self.seeing_all}

    @property
    def refiners(self) -> dict[str, Refiner]:
        """S1 and S2 by the names of their rows."""
        return {BOTH: self.refining.network, SEEN_ALL: self.seeing_all.network}

    def measure(self) -> list[Table]:
        """Errors and times beside the paper's, and what S2 gains."""
        return tables(compared(self.held_sights, self.held.truth, self.refiners), self.what)

    @torch.no_grad()
    def draw(self, folder: Path) -> None:
        """Some held-out things by two views."""
        first, *_, last = self.refining.network.refinements(self.held_sights[slice(0, SHOWN)].of_views(slice(2)))
        estimates = {"S1": some(first.points), BOTH: some(last.points)}
        truth = torch.from_numpy(self.held.truth.points[: len(first.points)])
        save_poses(self.held.images[: len(truth)], truth, estimates, self.held.links, folder / "two_views.png")


class ScenesOptions(PosingOptions):
    """How long the finder of objects learns, and how wide it is."""

    finder_steps: Size = 3000
    finder_width: Size = 16


class Scenes(Figure):
    """The platform's corners and the objects on it."""

    Options = ScenesOptions
    options: ScenesOptions
    data = "views-scenes"
    what = "scenes"

    def __init__(self, options: ScenesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        images, refiner = self.train.images[: options.things], self.refining.network
        self.finding = Finding(options, options.finder_steps, options.finder_width, images, self.sights, refiner, seed)
        self.parts = {**self.parts, "finder": self.finding}

    def measure(self) -> list[Table]:
        """As for figures, and how many objects are found in single pictures, and where."""
        count = len(self.held_sights)
        found = self._found(count)
        truth = torch.from_numpy(self.held.truth.points[:count, len(CORNERS) :])
        distances, many = nearest(found, truth)
        near = [distance for distance in distances if distance < NEAR]
        true = [Found(middles, np.zeros_like(middles)) for middles in truth.numpy()]
        rows: list[Row] = [
            (f"found within {NEAR:g} m, share", len(near) / len(distances)),
            ("how far off these are, median, m", float(np.median(near)) if near else None),
            ("objects found for each true one", many / len(distances)),
            ("correlation of the reward between scenes with that of the true places", _agreement(found, true)),
        ]
        return [*super().measure(), Table("Objects in one picture, by the finder", ("measure", "value"), rows)]

    def draw(self, folder: Path) -> None:
        """Some scenes by two views, and plans of what the finder sees."""
        super().draw(folder)
        truth = torch.from_numpy(self.held.truth.points[:SHOWN, len(CORNERS) :])
        save_objects(self.held.images[:SHOWN], self._found(SHOWN), truth, folder / "objects.png")

    def judgement(self) -> Judgement:
        """The finder of objects."""
        return judgement_of(self.finding.network, self.options.finder_width)

    def _found(self, count: int) -> list[Found]:
        threshold = MetaPoseOptions().threshold
        return self.finding.network.find(as_seen(self.held.images[:count], self.device), threshold)


def _agreement(found: Sequence[Found], true: Sequence[Found]) -> float | None:
    """The correlation of costs between neighbouring scenes, as they were found and as they are, colours left aside."""
    options = MetaPoseOptions(color=0)
    costs = np.array([[cost(a, b, options) for a, b in pairwise(scenes)] for scenes in (found, true)])
    if not costs.std(axis=1).all():
        return None
    return float(np.asarray(np.corrcoef(costs))[0, 1])


def _require_views(views: ViewSet, name: str) -> None:
    if views.seen.means.shape[1] < 2:
        raise DatasetError(f"{name} has one view of each thing, and what is found needs two: make it anew")


EXPERIMENTS: dict[str, type[Experiment]] = {"scenes": Scenes, "figure": Figure}
