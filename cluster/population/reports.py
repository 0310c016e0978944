"""What Tune tells about a population while it trains, and what tells Tune to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from cluster.population.event_log import EventLog
from cluster.population.folder import Plan

OURS = ("event", "round", "member", "policy.learning_rate", "policy.entropy", "fitness", "frames", "seconds", "failure")


class Reports:
    """Writes each finished round of a member into the event log, and a line for whoever waits."""

    def __init__(self, plan: Plan, log: EventLog) -> None:
        self.plan, self.log = plan, log

    def take(self, result: dict[str, Any]) -> None:
        """Take in what Tune says of a member, which may be what it has said before or of a round ended early."""
        known = any(row["round"] == result.get("round") for row in self.log.rounds_of(result.get("member", -1)))
        if known or not result.get("complete"):
            return
        row = {name: value for name, value in result.items() if name in OURS or name.startswith("held_out/")}
        self.log.add(row)
        print(self._line(row), flush=True)

    def _line(self, row: dict[str, Any]) -> str:
        parts = [f"round {row['round']} of {self.plan.rounds}, member {row['member']}"]
        if "failure" in row:
            return f"{parts[0]}: {row['failure']}"
        if self.plan.figure in row:
            parts.append(f"{self.plan.figure} {row['fitness']:.3f}")
        parts.append(f"learning rate {row['policy.learning_rate']:.2e}, entropy cost {row['policy.entropy']:.2e}")
        return ", ".join([*parts, f"{row['frames']:,} frames"])


class Ending(tune.Stopper):
    """Ends a member after its last round, and all of them when someone asks.

    Args:
        file: is made to ask the members themselves, which are elsewhere.
        asked: whether someone has asked.
        rounds: how many there are.
    """

    def __init__(self, file: Path, asked: Callable[[], bool], rounds: int) -> None:
        self.file, self.asked, self.rounds = file, asked, rounds

    def __getstate__(self) -> dict[str, Any]:
        """What Tune writes to its files, which nobody reads: a question to the user's terminal cannot be written."""
        return {"file": self.file, "rounds": self.rounds}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether a member has finished."""
        return int(result["round"]) >= self.rounds

    def stop_all(self) -> bool:
        """Whether everyone is to end."""
        if self.asked():
            self.file.touch()
            return True
        return False
