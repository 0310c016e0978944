"""The command `spiral population`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.commands.options import MOST_FRAMES, MOST_PROCESSES, finite
from spiral.config import MOST_SEED

population_app = typer.Typer()


class FitnessKind(StrEnum):
    """By what members are selected."""

    held_out = "held_out"
    scores = "scores"


@population_app.command()
def population(
    preset: Annotated[str | None, typer.Option(help="Settings by name; `spiral info` lists them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Its folder. Default: runs/PRESET-population.")] = None,
    members: Annotated[int | None, typer.Option(min=2, max=MOST_PROCESSES, help="How many runs. Default: 12.")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(callback=finite, help="Length for all of them, also where they take turns. Default: 60."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, max=MOST_FRAMES, help="Length of each member in actions; repeats exactly.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=MOST_PROCESSES, help="After each, members copy others. Default: 10.")
    ] = None,
    fitness: Annotated[
        FitnessKind | None, typer.Option(help="Held-out figure (the default), or the discriminators' scores.")
    ] = None,
    shared_discriminator: Annotated[
        bool, typer.Option("--shared-discriminator", help="One for all members, which then take turns.")
    ] = False,
    at_a_time: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PROCESSES, help="Members that work at the same time; default: by the cores."),
    ] = None,
    redis: Annotated[
        str | None, typer.Option(envvar="SPIRAL_REDIS", help="URL of a Redis; default: an embedded one.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="A Ray cluster; default: $RAY_ADDRESS, or none.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the population in --out.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, max=MOST_SEED, help="Of the whole population. Default: 0.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="A setting, such as policy.anchor=0.1.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Serve the live page beside the population.")] = False,
) -> None:
    """Train many agents that compete, copy each other and vary learning rate and entropy cost."""
    from cluster.population.training import train_population

    kind: Any = None if fitness is None else fitness.value
    typer.echo(
        train_population(
            preset,
            out,
            members,
            minutes,
            frames,
            rounds,
            kind,
            shared_discriminator,
            at_a_time,
            redis,
            address,
            resume,
            seed,
            change or [],
            watch,
        )
    )
