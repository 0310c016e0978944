"""The commands for settings and finished agents: `spiral info`, `spiral sample`, `spiral eval` and `spiral audit`."""

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
    SearchOption,
    SeedOption,
    TemperatureOption,
    finite,
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
    samples: Annotated[
        int, typer.Option(min=1, max=MOST_PICTURES, help="How many copies of each picture; the best is kept.")
    ] = 1,
    search: SearchOption = 0,
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

    typer.echo(measure(run, goal.value, data, count, seed, temperature, samples, search))


@agents_app.command()
def audit(
    run: Annotated[list[Path] | None, typer.Option(help="Folder of a run; several may be named.")] = None,
    goal: Annotated[
        list[Goal] | None,
        typer.Option(help="A shipped agent; several may be named. Default: copy, if no run is named."),
    ] = None,
    data: DataOption = None,
    count: Annotated[int, typer.Option(min=8, max=MOST_PICTURES, help="How many pictures are copied.")] = 256,
    seed: SeedOption = 0,
    temperature: Annotated[
        float, typer.Option(min=0.0, callback=finite, help="Above 0, chance has a part in what an agent reads.")
    ] = 0.0,
) -> None:
    """Find out whether agents hide in their copies what no eye sees: reconstruction honesty, sensitivity to noise."""
    from cluster.studio.audit import audit_agents
    from cluster.studio.fit import print_tables

    goals = [each.value for each in goal or ([] if run else [Goal.copy])]
    print_tables([audit_agents(run or [], goals, data, count, seed, temperature)])
