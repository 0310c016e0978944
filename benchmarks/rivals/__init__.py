"""Our learner beside others: the same pictures to copy, the same rewards, batch, unrolls and cores.

The task is that of `examples/copying.py`, learned from nothing, with the small network or with the published one. Ours
is the engine of `spiral train`; the others are RLlib's IMPALA and PPO, a plain loop on Ray, and a loop in one process.
All of them see with our encoder, and their settings are ours wherever both have the same. How fast they learn is
measured by turns (`turns.py`), how well one after the other (`race.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from benchmarks.rivals.ours import Ours
from benchmarks.rivals.plain_ray import PlainRay
from benchmarks.rivals.race import Result, race_table, run_race
from benchmarks.rivals.rival import Rival
from benchmarks.rivals.rllib import IMPALA, PPO
from benchmarks.rivals.synchronous import Synchronous
from benchmarks.rivals.turns import Speed, speed_table, take_turns
from cluster.run.cores import processors
from examples.copying import TASKS, Network

RIVALS: dict[str, Callable[..., Rival]] = {
    "SPIRAL": Ours,
    "RLlib IMPALA": IMPALA,
    "RLlib PPO": PPO,
    "plain Ray": PlainRay,
    "one process": Synchronous,
}
FAR = 10**9  # frames after which schedules end of which nothing is to be seen


@dataclass(frozen=True)
class Comparison:
    """What the rivals did, ours first: how fast they learned by turns, and how well one after the other."""

    network: Network
    speeds: list[Speed]
    results: list[Result]


def run(
    network: Network = "small", rounds: int = 5, seconds: float = 10.0, frames: int = 200_000, seed: int = 0
) -> Comparison:
    """All rivals beside each other.

    Args:
        network: the layers, with the canvas and the episodes that belong to them.
        rounds: how many turns each has; with 0 speed is not measured.
        seconds: how long a turn is.
        frames: from how many each learns before its error is measured; with 0 it is not.
        seed: of everything.
    """
    speeds = take_turns(entrants(network, FAR, seed), rounds, seconds) if rounds else []
    return Comparison(network, speeds, run_race(entrants(network, frames, seed), frames) if frames else [])


def entrants(network: Network, frames: int, seed: int) -> dict[str, Callable[[], Rival]]:
    """What makes each rival, whose schedules end after so many frames, by its name."""
    return {name: partial(make, TASKS[network], frames, seed) for name, make in RIVALS.items()}


def print_table(comparison: Comparison) -> None:
    """Print what `run` returned."""
    console = Console()
    cores = f"{processors()} core{'s' if processors() > 1 else ''}"
    console.print(f"Copying digits from nothing with the {comparison.network} network, on {cores}")
    if comparison.speeds:
        console.print(speed_table(comparison.speeds))
    if comparison.results:
        console.print(race_table(comparison.results))
