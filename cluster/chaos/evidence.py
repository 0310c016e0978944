"""What was seen while the processes of a run were killed, and whether the run kept its promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

CHECKPOINT_INTERVAL_S = 10.0
GROWTH = 1.1  # of memory, from the second third of a run to the last
BUFFERS = 4 * 2**20  # bytes; a Redis that was just emptied holds less, and its buffers come and go


@dataclass
class Evidence:
    """What was seen during a campaign.

    Attributes:
        kills: how many of each kind.
        checked: how many trajectories were read.
        wrong: what was wrong with trajectories or steps.
        lost_s: seconds of work that each learner that died had lost.
        outdated: which heirs of learners did not go on from the newest checkpoint.
        memory: bytes of each part over time.
        latest: the newest figures of the run.
    """

    kills: Counter[str] = field(default_factory=Counter)
    checked: int = 0
    wrong: list[str] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    memory: dict[str, list[int]] = field(default_factory=dict)
    latest: dict[str, float] = field(default_factory=dict)

    def thirds(self, part: str) -> tuple[float, float]:
        """The memory of a part in the second and in the last third of the run, in bytes."""
        _, second, last = np.array_split(self.memory[part], 3)
        return float(np.median(second)), float(np.median(last))


def promises(seen: Evidence, kills: int, frames: int, reached: int) -> dict[str, tuple[bool, str]]:
    """Whether each promise was kept, and by what figures."""
    most_lost = max(seen.lost_s, default=0.0)
    thirds = {part: seen.thirds(part) for part in seen.memory}
    return {
        "all were killed": (seen.kills.total() == kills, f"{seen.kills.total()} of {kills}"),
        "the run reached its frames": (reached >= frames, f"{reached:,} of {frames:,}"),
        "no trajectory was wrong": (not seen.wrong and seen.checked > 0, f"{len(seen.wrong)} of {seen.checked:,}"),
        "no learner lost more than a checkpoint interval": (
            most_lost <= CHECKPOINT_INTERVAL_S and not seen.outdated,
            f"{most_lost:.1f} s of work at most, of {CHECKPOINT_INTERVAL_S:.0f} s; {len(seen.outdated)} of "
            f"{len(seen.lost_s)} went on from an older checkpoint than the newest",
        ),
        "memory was flat": (
            all(last <= max(GROWTH * second, second + BUFFERS) for second, last in thirds.values()),
            ", ".join(
                f"{part} {last / 2**20:.0f} MiB ({last / second - 1:+.0%})" for part, (second, last) in thirds.items()
            ),
        ),
    }


def print_campaign(seen: Evidence, kept: dict[str, tuple[bool, str]]) -> None:
    """Prints who was killed, what came back, and which promises were kept."""
    table = Table("killed with SIGKILL", "times")
    for kind, count in sorted(seen.kills.items()):
        table.add_row(kind, str(count))
    came_back = {name: count for name, count in seen.latest.items() if name.endswith(("/restarts", "/refused"))}
    figures = Table("figure of the run", "count")
    for name, figure in sorted(came_back.items()):
        figures.add_row(name, f"{figure:.0f}")
    verdicts = Table("promise", "", "figures")
    for promise, (well, proof) in kept.items():
        verdicts.add_row(promise, "kept" if well else "BROKEN", proof)
    console = Console()
    for each in (table, figures, verdicts):
        console.print(each)
    for complaint in (seen.wrong + seen.outdated)[:10]:
        console.print(complaint, markup=False)
