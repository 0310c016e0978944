"""The command `spiral population`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.commands.options import MOST_FRAMES, MOST_PROCESSES, AddressOption, PresetOption, RedisOption, finite
from spiral.config import MOST_SEED

population_app = typer.Typer()


class FitnessKind(StrEnum):
    """By what members are selected."""

    held_out = "held_out"
    scores = "scores"


OutOption = Annotated[Path | None, typer.Option(help="Its folder. Default: runs/PRESET-population.")]
MembersOption = Annotated[int | None, typer.Option(min=2, max=MOST_PROCESSES, help="How many runs. Default: 12.")]
MinutesOption = Annotated[
    float | None,
    typer.Option(callback=finite, help="Length for all of them, also where they take turns. Default: 60."),
]
FramesOption = Annotated[
    int | None, typer.Option(min=1, max=MOST_FRAMES, help="Length of each member in actions; repeats exactly.")
]
RoundsOption = Annotated[
    int | None, typer.Option(min=1, max=MOST_PROCESSES, help="After each, members copy others. Default: 10.")
]
FitnessOption = Annotated[
    FitnessKind | None, typer.Option(help="Held-out figure (the default), or the learned rewards' scores.")
]
SharedOption = Annotated[
    bool,
    typer.Option(
        "--shared-rewards", help="The same learned rewards for all: members take turns, or with --workers work at once."
    ),
]
AtATimeOption = Annotated[
    int | None,
    typer.Option(min=1, max=MOST_PROCESSES, help="Members that work at the same time; default: by the cores."),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        min=0,
        max=MOST_PROCESSES,
        help="Rollout workers of each member, which then has both learners and a replay of its own on Ray; "
        "0 (the default) is a member in one process.",
    ),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with the population in --out.")]
PopulationSeedOption = Annotated[
    int | None, typer.Option(min=0, max=MOST_SEED, help="Of the whole population. Default: 0.")
]
ChangeOption = Annotated[list[str] | None, typer.Option("--set", help="A setting, such as policy.anchor=0.1.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Serve the live page beside the population.")]


@population_app.command()
def population(
    preset: PresetOption = None,
    out: OutOption = None,
    members: MembersOption = None,
    minutes: MinutesOption = None,
    frames: FramesOption = None,
    rounds: RoundsOption = None,
    fitness: FitnessOption = None,
    shared_rewards: SharedOption = False,
    at_a_time: AtATimeOption = None,
    workers: WorkersOption = 0,
    redis: RedisOption = None,
    address: AddressOption = None,
    resume: ResumeOption = False,
    seed: PopulationSeedOption = None,
    change: ChangeOption = None,
    watch: WatchOption = False,
) -> None:
    """Train many agents that compete, copy each other and vary learning rate and entropy cost."""
    from cluster.population.resources import Room
    from cluster.population.training import Asked, train_population

    kind: Any = None if fitness is None else fitness.value
    asked = Asked(preset, members, minutes, frames, rounds, kind, shared_rewards, seed, tuple(change or ()))
    typer.echo(train_population(asked, out, resume, watch, Room(redis, address, at_a_time, workers)))
