"""The commands for one picture or one program: `spiral parse`, `paint`, `sketch`, `edit` and `render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.options import (
    MOST_PICTURES,
    Goal,
    GoalOption,
    RunOption,
    SearchOption,
    SeedOption,
    TemperatureOption,
)
from cluster.studio.painting import defaults
from cluster.studio.sketching.defaults import BRUSH, MOST_STROKES, STROKES

programs_app = typer.Typer()


@programs_app.command()
def parse(
    picture: Annotated[Path, typer.Argument(help="A picture: PNG, JPEG, WebP, TIFF, GIF or HEIC.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    run: RunOption = None,
    goal: GoalOption = Goal.copy,
    samples: Annotated[int, typer.Option(min=1, max=MOST_PICTURES, help="How many paintings; the best is kept.")] = 100,
    search: SearchOption = 0,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
    invert: Annotated[bool, typer.Option("--invert", help="Turn dark to light and light to dark first.")] = False,
    contrast: Annotated[
        bool, typer.Option("--contrast", help="Make light parts white, dark ones black first.")
    ] = False,
    crop: Annotated[bool, typer.Option("--crop", help="Cut to what is drawn, as large as a digit.")] = False,
    background: Annotated[str, typer.Option(help="The colour behind transparent parts.")] = "white",
) -> None:
    """Turn a picture into a program: as .json and .svg, stroke by stroke as .gif, and beside the picture."""
    from cluster.studio.parse import parse as parse_picture
    from cluster.studio.preprocessing import Preprocessing

    preprocessing = Preprocessing(invert, contrast, crop, background)
    typer.echo(parse_picture(picture, out, run, goal.value, samples, seed, temperature, preprocessing, search))


@programs_app.command()
def paint(
    picture: Annotated[Path, typer.Argument(help="A picture of any kind and size: PNG, JPEG, WebP, TIFF, GIF, HEIC.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    strokes: Annotated[int, typer.Option(min=1, max=MOST_STROKES, help="How many at most.")] = defaults.STROKES,
    brush: Annotated[str, typer.Option(help="A brush by name, or a .myb file.")] = defaults.BRUSH,
    palette: Annotated[int | None, typer.Option(metavar="N", help="Paint with N colours; default: any.")] = None,
    size: Annotated[int, typer.Option(min=1, help="Of painting.png, its longer side in pixels.")] = defaults.SIZE,
    seed: SeedOption = 0,
    agent: Annotated[Path | None, typer.Option(help="Folder of a run; default: the shipped agent.")] = None,
) -> None:
    """Paint a picture from coarse to fine: as .json, .png, .svg, .gif, and beside the picture."""
    from cluster.studio.paint import write_painting

    typer.echo(write_painting(picture, out, strokes, brush, palette, size, seed, agent))


@programs_app.command()
def sketch(
    picture: Annotated[Path, typer.Argument(help="A picture of any kind and size: PNG, JPEG, WebP, TIFF, GIF, HEIC.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    strokes: Annotated[int, typer.Option(min=1, max=MOST_STROKES, help="How many curves at most.")] = STROKES,
    brush: Annotated[str, typer.Option(help="A pen or pencil by name, or a .myb file.")] = BRUSH,
    size: Annotated[int, typer.Option(min=1, help="Of sketch.png, its longer side in pixels.")] = 1024,
    seed: SeedOption = 0,
) -> None:
    """Draw the edges of a picture with a pen: as .json, .png, .svg and .gcode, and beside the picture."""
    from cluster.studio.sketch import write_sketch

    typer.echo(write_sketch(picture, out, strokes, brush, size, seed))


@programs_app.command()
def edit(
    program: Annotated[Path, typer.Argument(help="A program, such as one that `spiral parse` wrote.")],
    out: Annotated[Path, typer.Option(help="The new program, a .json file.")],
    remove: Annotated[list[int] | None, typer.Option(metavar="K", help="Take out what command K makes.")] = None,
    move: Annotated[
        list[str] | None,
        typer.Option(metavar="K=ROWS,COLUMNS", help="Move it by so many cells, down and to the right."),
    ] = None,
    recolor: Annotated[
        list[str] | None, typer.Option(metavar="K=COLOR", help="Another colour: red, #ff8000 or any that CSS has.")
    ] = None,
) -> None:
    """Change commands of a program, counted from 0; each option can be given more than once."""
    from cluster.studio.edit import edit as edit_program

    typer.echo(edit_program(program, out, remove or [], move or [], recolor or []))


@programs_app.command()
def render(
    program: Annotated[Path, typer.Argument(help="A program, such as runs/x/programs/0.json.")],
    out: Annotated[Path, typer.Option(help="A .png or .svg file, or .gcode for a plotter.")],
    size: Annotated[int, typer.Option(min=1, help="Width and height of the canvas in pixels.")] = 1024,
    brush: Annotated[str | None, typer.Option(help="Another one by name, or a .myb file.")] = None,
) -> None:
    """Paint a program anew, at any size and with any brush."""
    from cluster.studio.render import render as paint_program

    typer.echo(paint_program(program, out, size, brush))
