"""Rooms of known factors in three splits, in each of which other factors are shared: table 1 of the slides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field

from spiral.data.shapes_3d import FACTORS, NAME, ROLES
from spiral.methods.experiment import Row, Table
from spiral.methods.rift.measures import Task, relative_discrepancy
from spiral.methods.rift.pictures import Domain, read_domain
from spiral.methods.rift.trial import Trial, TrialOptions, mean

PAPER = {"rift": (88.0, 6.0), "munit-like": (58.0, 56.0), "didd-like": (44.0, 35.0), "random": (12.0, 9.0)}
PAPERS_OTHERS = {"StarGANv2": (45.0, 97.0), "MUNITX": (33.0, 74.0), "DRIT++": (18.0, 20.0), "AugCycleGAN": (12.0, 20.0)}


class ShapesOptions(TrialOptions):
    """`splits` are those of `spiral/data/shapes_3d.py` that are tried."""

    splits: tuple[Literal[1, 2, 3], ...] = Field(default=(1, 2, 3), min_length=1)


class Shapes(Trial):
    """RIFT and its rivals on the rooms."""

    Options = ShapesOptions
    options: ShapesOptions

    def __init__(self, options: ShapesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        tasks = [read_task(split, options, device) for split in options.splits]
        free = read_domain(NAME, "train", options.side, options.pictures, device)
        self.prepare(tasks, free, self.rivals())

    def measure(self) -> list[Table]:
        """Table 1, its figures by factor, the reader's, and the bits of theorem 1."""
        found = self.found()
        rows: list[Row] = []
        for name, by_task in found.items():
            means = [mean(values) for values in by_task]
            discrepancy = discrepancy_of(self.tasks, by_task) if len(self.tasks) == len(ROLES) else None
            rows.append((name, *means, sum(means) / len(means), discrepancy, *PAPER[name]))
        nothing = (None,) * (len(self.tasks) + 2)
        rows += [(f"{name}, in the paper", *nothing, *figures) for name, figures in PAPERS_OTHERS.items()]
        columns = ("method", *(task.name for task in self.tasks), "mean ACC", "RD", "paper: 3DS", "paper: RD")
        note = "mean over factors, both directions, held-out pictures; RD needs all three splits"
        first = Table("Table 1: manipulation accuracy on rooms, %", columns, rows, note)
        return [first, *self.details(found)]


def read_task(split: int, options: TrialOptions, device: torch.device) -> Task:
    """The domains of a split, to train on and held out.

    Raises:
        DatasetError: the rooms are not drawn.
    """

    def read(domain: str, part: Literal["train", "test"]) -> Domain:
        return read_domain(f"{NAME}-{split}{domain}", part, options.side, options.pictures, device)

    roles = ROLES[split - 1]
    pictures = read("a", "train"), read("b", "train"), read("a", "test"), read("b", "test")
    return Task(f"split-{split}", *pictures, roles.shared, roles.a, roles.b, FACTORS)


def discrepancy_of(tasks: Sequence[Task], found: Sequence[Mapping[str, float]]) -> float:
    """RD over tasks, each factor as a specific one being the mean over the tasks in which it is."""
    common: dict[str, list[float]] = {}
    specific: dict[str, list[float]] = {}
    for task, values in zip(tasks, found, strict=True):
        for name, value in values.items():
            (common if name in task.shared else specific).setdefault(name, []).append(value)
    means = [{name: sum(each) / len(each) for name, each in kind.items()} for kind in (specific, common)]
    return relative_discrepancy(*means)
