"""What happens in a population, line by line in `population.jsonl`, and as a table at the end.

There are three kinds of lines: a member has finished a `round`; all were compared and these are their `scores`; a
member went on as the copy of another (`exploit`).
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

from cluster.population.folder import Plan
from cluster.run.folder import write_text
from cluster.run.full_disk import FullDisk
from cluster.run.logbook import read_lines

# What is read of each kind of line; someone may have damaged the file.
READ: dict[str, dict[str, Any]] = {
    "round": {"member": int, "policy.learning_rate": float, "policy.entropy": float},
    "scores": {"scores": dict},
    "exploit": {"member": int, "source": int},
}


class EventLog:
    """The lines so far, of rounds before `first_round`, to which new ones are added."""

    def __init__(self, path: Path, first_round: int) -> None:
        self.path = path
        self.rows = [row for row in read_lines(path) if _is_legible(row) and row["round"] < first_round]
        self.full_disk = FullDisk(partial(print, flush=True), "the population")
        self._write()

    def add(self, row: dict[str, Any]) -> None:
        """Write one line, and those that a full disk has refused; a figure that is no number is written as null."""
        self.rows.append(row)
        with self.full_disk.going_on(str(self.path)):
            self._write()

    def _write(self) -> None:
        lines = [json.dumps({name: _finite(value) for name, value in row.items()}) for row in self.rows]
        write_text(self.path, "".join(line + "\n" for line in lines))

    def rounds_of(self, member: int) -> list[dict[str, Any]]:
        """The rounds that a member has finished."""
        return [row for row in self.rows if row["event"] == "round" and row["member"] == member]

    def rounds(self, number: int) -> list[dict[str, Any]]:
        """One round of all members that have finished it."""
        return [row for row in self.rows if row["event"] == "round" and row["round"] == number]

    def fitness(self, plan: Plan) -> dict[int, float]:
        """The newest fitness of each member that has one."""
        found: dict[int, float | None] = {}
        for row in self.rows:
            if row["event"] == "scores":
                found |= {int(member): value for member, value in row["scores"].items()}
            elif row["event"] == "round" and plan.fitness == "held_out":
                found[row["member"]] = row.get("fitness")
        return {
            member: value for member, value in found.items() if isinstance(value, int | float) and math.isfinite(value)
        }

    def ranking(self, plan: Plan) -> list[int]:
        """The members from the fittest to the least fit; those without a fitness come last."""
        fitness = self.fitness(plan)
        sign = -1.0 if plan.mode == "max" else 1.0
        return sorted(range(plan.members), key=lambda member: (sign * fitness.get(member, sign * math.inf), member))

    def lineage(self, member: int) -> str:
        """Whose copy a member is, and since which round, back to the first of its ancestors."""
        steps = [str(member)]
        for row in reversed([row for row in self.rows if row["event"] == "exploit"]):
            if row["member"] == member:
                member = row["source"]
                steps.append(f"{member} (round {row['round']})")
        return " < ".join(steps)

    def table(self, plan: Plan) -> str:
        """A line for each member, the fittest first."""
        fitness = self.fitness(plan)
        lines = [
            f"{'member':>6}  {plan.figure:>20}  {'learning rate':>13}  {'entropy cost':>12}  {'frames':>12}  lineage"
        ]
        for member in self.ranking(plan):
            rounds = self.rounds_of(member)
            if not rounds:
                continue
            last = rounds[-1]
            value = f"{fitness[member]:.3f}" if member in fitness else "none"
            lines.append(
                f"{member:>6}  {value:>20}  {last['policy.learning_rate']:>13.2e}  {last['policy.entropy']:>12.2e}  "
                f"{last.get('frames', 0):>12,}  {self.lineage(member)}"
            )
        return "\n".join(lines)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value


def _is_legible(row: dict[str, Any]) -> bool:
    names = READ.get(str(row.get("event")))
    if names is None or not isinstance(row.get("round"), int):
        return False
    if not all(isinstance(row.get(name), kind) for name, kind in names.items()):
        return False
    return row["event"] != "scores" or all(member.isdecimal() for member in row["scores"])
