"""What a method does by itself: an experiment of its paper.

An experiment has parts that are trained one after the other: the method, its baselines, its ablations. Then it is
measured beside the paper's figures and drawn, and what a reward needs of it is its judgement (`judgement.py`). The loop
around it is `fitting.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from spiral.contracts import Arrays
from spiral.methods.judgement import Judgement
from spiral.section import Section, Size
from spiral.state import load_network, load_optimizer, network_arrays, optimizer_arrays, under_prefix, with_prefix


class Part(ABC):
    """One of the trainings of an experiment.

    Attributes:
        steps: how many there are.
        networks, optimizers: by name; their states are what a checkpoint keeps.
        generator: of all that is drawn, on the CPU.
    """

    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def __init__(self, steps: int, seed: int) -> None:
        self.steps = steps
        self.generator = torch.Generator().manual_seed(seed)

    @abstractmethod
    def step(self, progress: float) -> dict[str, float]:
        """One training step, when so much of the training is over, in [0, 1); its measurements by name.

        Raises:
            DivergedError: a number is not finite any more.
        """

    def state(self) -> Arrays:
        """Everything that a checkpoint needs to go on bit for bit."""
        arrays: Arrays = {"generator": self.generator.get_state().numpy().copy()}
        for name, network in self.networks.items():
            arrays |= with_prefix(f"networks/{name}", network_arrays(network))
        for name, optimizer in self.optimizers.items():
            arrays |= with_prefix(f"optimizers/{name}", optimizer_arrays(optimizer))
        return arrays

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave.

        Raises:
            WeightsError: it is of other networks.
        """
        for name, network in self.networks.items():
            load_network(network, under_prefix(f"networks/{name}", arrays))
        for name, optimizer in self.optimizers.items():
            load_optimizer(optimizer, under_prefix(f"optimizers/{name}", arrays))
        self.generator.set_state(torch.from_numpy(arrays["generator"].astype(np.uint8)))


class ExperimentOptions(Section):
    """What every experiment can be told: how many steps each of its parts takes; more by its own."""

    steps: Size = 2000


Row = tuple[str | float | None, ...]  # of a table: its name, and figures


@dataclass(frozen=True)
class Table:
    """Figures beside the paper's.

    Attributes:
        title: what was measured, and the paper's number of the table or figure.
        columns: what stands above the rows; the first is the name of the row.
        rows: a name and figures each; None is shown as a dash, for what was not measured or not published.
        note: what a reader must know, or nothing.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    note: str = ""


class Experiment(ABC):
    """An experiment, made with its data and fresh networks.

    Attributes:
        Options: its own settings, which `spiral fit --set` changes.
        parts: trained in this order, by name.
    """

    Options: ClassVar[type[ExperimentOptions]] = ExperimentOptions
    parts: Mapping[str, Part]

    def __init__(self, options: Any, seed: int, device: torch.device) -> None:
        self.options = options
        self.seed = seed
        self.device = device
        self.parts = {}

    @abstractmethod
    def measure(self) -> list[Table]:
        """The figures of the trained parts."""

    @abstractmethod
    def draw(self, folder: Path) -> None:
        """Write pictures into the folder, as PNG."""

    def judgement(self) -> Judgement | None:
        """What the method's reward needs of the trained parts; None where there is no reward of it."""
        return None
