"""The commands for settings and finished agents: `spiral info`, `spiral sample` and `spiral eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.options import (
    MOST_PICTURES,
    DataOption,
    Goal,
    GoalOption,
    RunOption,
    SeedOption,
    TemperatureOption,
)

agents_app = typer.Typer()


@agents_app.command()
def info(preset: Annotated[str | None, typer.Option(help="Settings by name.")] = None) -> None:
    """Show a preset: layers and parameters, action heads, settings; or list the presets."""
    from cluster.studio.info import describe_preset, list_presets

    typer.echo(list_presets() if preset is None else describe_preset(preset))


@agents_app.command()
def sample(
    out: Annotated[
        Path, typer.Option(help="A .png to look at, or an .npz of `renders` and, where it copies, `targets`.")
    ],
    run: RunOption = None,
    goal: GoalOption = Goal.copy,
    data: DataOption = None,
    count: Annotated[int, typer.Option(min=1, max=MOST_PICTURES, help="How many pictures.")] = 1000,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
) -> None:
    """Let an agent paint: uint8 [N, H, W, C], dark on white, beside the held-out pictures that it copies."""
    from cluster.studio.sample import sample as paint_sample

    typer.echo(paint_sample(out, run, goal.value, data, count, seed, temperature))


@agents_app.command(name="eval")
def evaluate(
    method: Annotated[str | None, typer.Argument(help="A method, to measure a fit of it in place of an agent.")] = None,
    run: RunOption = None,
    goal: GoalOption = Goal.copy,
    data: DataOption = None,
    count: Annotated[
        int | None, typer.Option(min=1, max=MOST_PICTURES, help="Default: all held-out pictures, or 1000.")
    ] = None,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
) -> None:
    """Measure an agent: error and readability of its copies, or how many of its inventions pass as digits."""
    if method is not None:
        from cluster.studio.fit import measure_again

        if run is None:
            raise typer.BadParameter(f"spiral eval {method} needs --run, the folder of a fit")
        measure_again(method, run)
        return
    from cluster.studio.evaluate import evaluate as measure

    typer.echo(measure(run, goal.value, data, count, seed, temperature))
