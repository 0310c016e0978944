"""What each loss is for: RIFT on one split of the rooms, whole and without one of its losses."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch

from spiral.data.shapes_3d import NAME
from spiral.methods.experiment import Row, Table
from spiral.methods.rift.measures import Task
from spiral.methods.rift.pictures import read_domain
from spiral.methods.rift.shapes import read_task
from spiral.methods.rift.training import Rift, Translating
from spiral.methods.rift.trial import Trial, TrialOptions, mean

LEFT_OUT: dict[str, dict[str, Any]] = {
    "without-honesty": {"honesty": 0.0},
    "without-capacity": {"capacity": 0.0},
    "without-noise": {"noise": 0.0},
    "without-picture-noise": {"picture_noise": 0.0},
    "without-identity": {"identity": 0.0},
    "without-stay": {"stay": 0.0},
    "without-guide": {"guide": 0.0},
}


class AblationOptions(TrialOptions):
    """`split` is one of `spiral/data/shapes_3d.py`."""

    split: Literal[1, 2, 3] = 1


class Ablations(Trial):
    """RIFT without this or that."""

    Options = AblationOptions
    options: AblationOptions

    def __init__(self, options: AblationOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        task = read_task(options.split, options, device)
        free = read_domain(NAME, "train", options.side, options.pictures, device)
        self.prepare([task], free, {name: partial(self._without, changes) for name, changes in LEFT_OUT.items()})

    def measure(self) -> list[Table]:
        """ACC of what is shared and of what is guided, the power of guides, and the bits of RIFT as a whole."""
        found = self.found()
        (task,) = self.tasks
        rows: list[Row] = []
        for name, (values,) in found.items():
            shared = mean({key: value for key, value in values.items() if key in task.shared})
            guided = mean({key: value for key, value in values.items() if key not in task.shared})
            part = self.methods[name][0] if name in self.methods else None
            power = part.power(task.held_a) if isinstance(part, Rift) else None
            rows.append((name, mean(values), shared, guided, power))
        columns = ("losses", "mean ACC", "shared", "guided", "power of a guide's pixel")
        first = Table(f"What each loss is for, on {task.name}: manipulation accuracy, %", columns, rows)
        return [first, *self.details(found)]

    def _without(self, changes: dict[str, Any], task: Task) -> Translating:
        return Rift(self.options.model_copy(update=changes), task.train_a, task.train_b, self.seed)
