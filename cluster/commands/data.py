"""The commands for data sets: `spiral data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.options import MOST_PICTURES, MOST_PROCESSES
from spiral.config import MOST_SEED

data_app = typer.Typer(help="List data sets, or prepare one.", invoke_without_command=True)


@data_app.callback()
def data(context: typer.Context) -> None:
    """List the data sets."""
    if context.invoked_subcommand is None:
        from cluster.studio.info import list_data

        typer.echo(list_data())


@data_app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="A data set.")],
    source: Annotated[Path | None, typer.Option("--from", help="Folder with its files.")] = None,
) -> None:
    """Check the files of a data set, and copy them to where data sets live."""
    from spiral.data import prepare as prepare_data

    typer.echo(f"{name} is ready in {prepare_data(name, source)}")


@data_app.command()
def make(
    name: Annotated[
        str,
        typer.Argument(
            help="A set that is drawn: scenes, scenes-2, scenes-five, scene-views, shapes-3d, views-figure, "
            "views-scenes, syn-numbers or syn-signs."
        ),
    ],
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Decides every picture.")] = 0,
    train: Annotated[int, typer.Option(min=1, max=MOST_PICTURES, help="How many to train on.")] = 50_000,
    held_out: Annotated[int, typer.Option(min=1, max=MOST_PICTURES, help="How many to hold out.")] = 1_000,
    processes: Annotated[
        int | None, typer.Option(min=1, max=MOST_PROCESSES, help="Default: one for each core.")
    ] = None,
    fonts: Annotated[
        Path | None, typer.Option(help="Folder whose fonts write syn-numbers too; default: those of matplotlib alone.")
    ] = None,
) -> None:
    """Draw a data set into the folder where data sets live."""
    from cluster.studio.make_data import make_data

    typer.echo(make_data(name, seed, train, held_out, processes, fonts))
