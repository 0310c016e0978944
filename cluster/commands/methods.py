"""The commands for the methods: `spiral fit`, `spiral methods`, `spiral blend`; `spiral eval METHOD` measures one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spiral.config import MOST_SEED

methods_app = typer.Typer()


@methods_app.command()
def fit(
    method: Annotated[str, typer.Argument(help="A method; `spiral methods` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder for figures, pictures, and what a reward needs.")],
    experiment: Annotated[str | None, typer.Option(help="Of the method; default: its first.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=MOST_SEED, help="Decides all that is drawn.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="An option of the experiment, NAME=VALUE.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the fit in the folder.")] = False,
) -> None:
    """Train a method by itself, as its paper does, with its baselines, and measure it."""
    from cluster.studio.fit import fit_method

    fit_method(method, experiment, out, seed, changes or [], resume)


@methods_app.command(name="methods")
def list_methods() -> None:
    """List the methods: what each is for, its paper, its experiments."""
    from cluster.studio.fit import describe_methods

    typer.echo(describe_methods())


@methods_app.command()
def blend(
    words: Annotated[list[str], typer.Argument(metavar="A - B + C", help="Three PNG or JPEG files, and two signs.")],
    run: Annotated[Path, typer.Option(help="Folder of a fit of vlae.")],
    out: Annotated[Path, typer.Option(help="A .png file.")],
    row: Annotated[bool, typer.Option("--row", help="Show the three pictures beside the new one.")] = False,
    invert: Annotated[bool, typer.Option("--invert", help="Turn dark to light and light to dark first.")] = False,
    contrast: Annotated[
        bool, typer.Option("--contrast", help="Make light parts white, dark ones black first.")
    ] = False,
    crop: Annotated[bool, typer.Option("--crop", help="Cut to what is drawn, as large as a digit.")] = False,
) -> None:
    """Take from picture A what B has, add what C has, and draw the result: a light man - a dark man + a dark woman."""
    from cluster.studio.blend import blend as blend_pictures
    from cluster.studio.preprocessing import Preprocessing

    typer.echo(blend_pictures(words, run, out, row, Preprocessing(invert, contrast, crop)))
