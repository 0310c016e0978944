"""How long a run is, what it has done so far, and which phase it is in.

A run begins with cloning where its settings ask for it. Before the first step by reinforcement, rewards that learn are
trained on what the agent paints by then: one that has learned nothing would destroy what was cloned. All of it counts
in the run's length, and so does what it did before it was interrupted and resumed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from actors.play import PlayKind
from spiral.config import RunConfig
from spiral.rewards import learned_terms

Kind = Literal["cloning", "warm-up", "learning"]  # of a phase


class PlanError(ValueError):
    """A run of no length was asked for."""


@dataclass(frozen=True)
class Report:
    """What one step of the policy learner was, and what else was done since the last one.

    Attributes:
        kind: whether the step imitated, learned from rewards, or was one of the rewards alone. While the policy learns,
            it may imitate what a search found.
        frames: actions in the trajectory.
        reward_steps: training steps of each learned reward since the last report, by name.
        metrics: measurements of the learners.
        busy: seconds of work of each part, `rollout`, `policy` and `rewards`.
        searched: actions that a search painted to find those of the trajectory.
    """

    kind: PlayKind
    frames: int
    reward_steps: dict[str, int]
    metrics: dict[str, float]
    busy: dict[str, float] = field(default_factory=dict)
    searched: int = 0

    @property
    def painted(self) -> int:
        """All actions that were painted for this step."""
        return self.frames + self.searched

    @property
    def phase(self) -> Kind:
        """The phase of the run that the step was taken in."""
        return "learning" if self.kind == "expert" else self.kind


@dataclass
class Counters:
    """What a run has done, over all its resumptions."""

    frames: int = 0
    cloning_frames: int = 0
    searched_frames: int = 0
    cloning_steps: int = 0
    expert_steps: int = 0
    policy_steps: int = 0
    reward_steps: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, report: Report) -> None:
        """Count a step."""
        self.frames += report.painted
        self.searched_frames += report.searched
        for name, steps in report.reward_steps.items():
            self.reward_steps[name] = self.reward_steps.get(name, 0) + steps
        if report.kind == "cloning":
            self.cloning_frames += report.frames
            self.cloning_steps += 1
        elif report.kind == "expert":
            self.expert_steps += 1
        elif report.kind == "learning":
            self.policy_steps += 1

    def to_json(self) -> dict[str, Any]:
        """The counts as plain JSON values."""
        return asdict(self)

    def figures(self) -> dict[str, float]:
        """The counts as figures of a row, each a number: the steps of a learned reward are `reward/NAME/steps`."""
        counts = asdict(self)
        steps = counts.pop("reward_steps")
        return counts | {f"reward/{name}/steps": count for name, count in steps.items()}


@dataclass(frozen=True)
class Length:
    """When a run is over: after so many minutes of work, so many frames, or whichever comes first."""

    minutes: float | None = None
    frames: int | None = None

    def __post_init__(self) -> None:
        if self.minutes is None and self.frames is None:
            raise PlanError("a run needs a length: give minutes, frames or both")
        for name, value in (("minutes", self.minutes), ("frames", self.frames)):
            if value is not None and not 0 < value <= sys.float_info.max:
                raise PlanError(f"{name}={value} is no length of a run: give more than 0, and an end")

    def share(self, counters: Counters) -> float:
        """How much of the run is over, in [0, 1]."""
        shares = [0.0]
        if self.minutes is not None:
            shares.append(counters.seconds / (60 * self.minutes))
        if self.frames is not None:
            shares.append(counters.frames / self.frames)
        return min(1.0, max(shares))


@dataclass(frozen=True)
class Phase:
    """What is done now, and how much of the learning is over, in [0, 1], by which the schedules go."""

    kind: Kind
    progress: float


def phase_of(config: RunConfig, share: float, reward_steps: Mapping[str, int]) -> Phase:
    """The phase of a run of which `share` is over, and whose learned rewards have taken so many steps each.

    Cloning takes the first `config.cloning.share`; then the rewards are warmed up, those that need it.
    """
    cloning = config.cloning.share
    if share < cloning:
        return Phase("cloning", 0.0)
    if any(reward_steps.get(key, 0) < term.warm_up for key, term in learned_terms(config.rewards).items()):
        return Phase("warm-up", 0.0)
    return Phase("learning", 1.0 if cloning == 1.0 else (share - cloning) / (1.0 - cloning))
