"""A network of a committee, which learns from patches: to say their code (N4), or which pixels are marked (CNN)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from spiral.contracts import Arrays
from spiral.descent import descend
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.methods.n4_fields.encoding import CODE, Codes
from spiral.methods.n4_fields.model import N, PatchNetwork
from spiral.methods.n4_fields.sampling import Patches, Sample
from spiral.section import Size

CENTRE = (N + 1) * (N // 2)  # the pixel of an annotation that its patch stands for
BEGINNING = 0.05  # the share of a training in which its steps grow; at full length they kill most of the second layer
STEEPEST = 1.0  # the norm of a gradient at most
LOOKS = 8  # how often a training that is watched is measured

Target = Codes | Literal["central", "patch"]


class LearningOptions(ExperimentOptions):
    """The network's size in shares of the thesis's, and how it learns: from the patches of so many crops a step."""

    steps: Size = 1500
    width: float = Field(default=0.25, gt=0, le=4)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    crops: int = Field(default=4, ge=1, le=4096)
    learning_rate: float = Field(default=2e-3, gt=0)


class Learning(Part):
    """The training of one network.

    Args:
        target: the codes that it learns to say, or which pixels it classifies.
        watch: measures the network a few times on the way, as the loss on other patches and a score.
    """

    def __init__(
        self,
        options: LearningOptions,
        patches: Patches,
        target: Target,
        seed: int,
        watch: Callable[[PatchNetwork], tuple[float, float]] | None = None,
    ) -> None:
        super().__init__(options.steps, seed)
        self.options, self.patches, self.target = options, patches, target
        outputs = {"central": 1, "patch": N * N}[target] if isinstance(target, str) else CODE
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = PatchNetwork(patches.channels, outputs, options.width, options.dropout).to(patches.device)
        self.networks = {"network": self.network}
        self.optimizers = {"adam": torch.optim.Adam(self.network.parameters(), options.learning_rate)}
        self.watch = watch
        self.looks: list[tuple[float, float, float]] = []  # progress, loss and score

    def step(self, progress: float) -> dict[str, float]:
        """One step; the loss."""
        for group in self.optimizers["adam"].param_groups:
            group["lr"] = self.options.learning_rate * pace(progress)
        sample = self.patches.draw(self.options.crops, self.generator)
        with torch.random.fork_rng():  # dropout draws from the state that all share
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=self.generator)))
            self.network.train()
            loss = self.loss(sample)
        descend(loss, self.network, self.optimizers["adam"], STEEPEST, f"n4_fields at {progress:.0%}")
        self.network.limit_filters()
        self.network.eval()
        if self.watch is not None and progress >= len(self.looks) / LOOKS:
            self.looks.append((progress, *self.watch(self.network)))
        return {"loss": float(loss.detach())}

    def loss(self, sample: Sample) -> Tensor:
        """The mean square of how far codes are off, or the cross-entropy of pixels."""
        outputs: Tensor = self.network(sample.crops).permute(0, 2, 3, 1).flatten(0, 2)
        if isinstance(self.target, Codes):
            codes = self.target(sample.marks, sample.segments).to(outputs.device)
            return (outputs - codes).square().mean()
        marks = sample.marks.float().to(outputs.device)
        wanted = marks[:, CENTRE : CENTRE + 1] if self.target == "central" else marks
        return functional.binary_cross_entropy_with_logits(outputs, wanted)

    def state(self) -> Arrays:
        """What a checkpoint needs, and what was seen on the way."""
        return super().state() | {"looks": np.array(self.looks, np.float64).reshape(-1, 3)}

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        super().load_state(arrays)
        self.looks = [(float(a), float(b), float(c)) for a, b, c in arrays["looks"]]
        self.network.eval()


def pace(progress: float) -> float:
    """The share of the learning rate when so much of a training is over: it grows, and then falls as a cosine."""
    return min(1.0, progress / BEGINNING + 0.01) * 0.5 * (1 + math.cos(math.pi * progress))
