"""Drives the reward learner: which steps it is asked for and when, and what it answered.

It is asked for a few steps at a time, so that its weights are published often, and for the next ones before it has
answered, so that it never waits for this process. At which pace is for `learners/pacing.py` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.pool import Played
from cluster.on_ray.learners import Done
from cluster.on_ray.supervisor import Supervised
from cluster.run.engine import warm_up_steps
from cluster.run.timing import mean_of
from learners.pacing import Pacing
from spiral.config import RewardTerm

CALLS = 2  # one at work and one waiting


class RewardDriver:
    """What the reward learner does in a run.

    Args:
        learner: its process.
        terms: the learned rewards by name.

    Attributes:
        learner: its process.
        pacing: who waits for whom.
        refused: how many malformed values it has met in the replay.
    """

    def __init__(self, learner: Supervised, terms: Mapping[str, RewardTerm]) -> None:
        self.learner = learner
        self.pacing = Pacing({key: term.pace for key, term in terms.items()})
        self.refused = 0
        self._terms = terms
        self._answers: list[Done] = []  # since the last report
        self._warmed_up: list[list[Played]] = []  # batches that the rewards alone have learned from

    def drive(self) -> None:
        """Ask for the steps that may be taken now, beside the policy."""
        while len(self.learner) < CALLS:
            steps = {key: self._chunk(key) for key in self._terms}
            if not any(steps.values()):
                return
            for key, count in steps.items():
                self.pacing.ask(key, count)
            self._ask(steps, None)

    def warm_up(self, batch: list[Played]) -> bool:
        """Whether there was room to ask for steps on a batch that the agent has just painted."""
        if len(self.learner) >= CALLS:
            return False
        ended = sum(played.ended for played in batch) / len(batch)
        self._ask(dict.fromkeys(self._terms, warm_up_steps(ended)), batch)
        return True

    def take(self, timeout: float | None) -> None:
        """Take all answers that are there within so many seconds each; None waits for every one."""
        while (answered := self.learner.take(timeout)) is not None:
            note, done = answered
            if not isinstance(done, Done):
                continue  # it was asked to publish anew
            steps, batch = note
            self.refused += done.refused
            self._answers.append(done)
            if batch is not None:
                self._warmed_up.append(batch)
                continue
            for key, count in steps.items():
                self.pacing.take(key, count)

    def take_warmed_up(self) -> list[Played] | None:
        """The next batch that the rewards alone have learned from, if there is one."""
        return self._warmed_up.pop(0) if self._warmed_up else None

    def report(self) -> tuple[dict[str, int], dict[str, float], float]:
        """The steps of each reward since the last report, the means of their measurements, and the seconds."""
        answers, self._answers = self._answers, []
        steps = {key: sum(done.reward_steps[key] for done in answers) for key in self._terms}
        return steps, mean_of([done.metrics for done in answers if done.metrics]), sum(done.seconds for done in answers)

    def _chunk(self, key: str) -> int:
        """How many steps of a reward are asked for at a time: as many as the policy waits for, one at least."""
        wanted, allowed = max(1, self._terms[key].pace.floor), self.pacing.allowed(key)
        return wanted if allowed is None else min(wanted, allowed)

    def _ask(self, steps: dict[str, int], batch: Any) -> None:
        self.learner.ask("steps", steps, steps=max(steps.values()), note=(steps, batch))
