"""Paints pictures by greedy search, and says how near the paintings come: a rival for agents that paint.

    python -m benchmarks.greedy PICTURE ... --strokes 200 --brush deevad/basic_digital_brush --seconds 60 --out DIR

A picture is a file, or one of ten photographs that nothing here trains on (`spiral/data/held_out_photos.py`) by its
name; `held-out` is all ten. Its longer side becomes `--size`. A stroke is a move of the pen and a curve, and so two
commands of the environment, and the program is one like an agent's. DIR/PICTURE gets program.json, painting-200.png
and so on, and comparison.png; DIR/greedy.json the figures. LPIPS needs its weights, in $SPIRAL_DATA/weights.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.command import answer
from benchmarks.greedy.search import Clock, Count, Pace, Painting, paint
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.cores import processors
from cluster.run.folder import write_text
from spiral.data.held_out_photos import HELD_OUT
from spiral.data.picture_file import open_picture
from spiral.methods.lpips import Lpips, lpips_at_hand

MARKS = (200, 500, 2000)  # strokes after which a painting is looked at
ALL = "held-out"
Pixels = NDArray[np.uint8]


def main(
    pictures: Annotated[list[str], typer.Argument(help="Files, names of held-out photographs, or held-out.")],
    out: Annotated[Path, typer.Option(help="Folder for programs, paintings and figures.")],
    strokes: Annotated[int, typer.Option(min=1, help="At most, in each painting.")] = 200,
    brush: Annotated[str, typer.Option(help="By name or file.")] = "deevad/basic_digital_brush",
    size: Annotated[int, typer.Option(min=16, max=4096, help="Pixels of the longer side.")] = 512,
    seconds: Annotated[float, typer.Option(min=0.1, help="For each painting.")] = 60,
    rounds: Annotated[
        int | None, typer.Option(min=2, help="Of 8 trials for each stroke, instead of seconds: repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is tried.")] = 0,
) -> None:
    """Paint pictures by greedy search."""
    make_pace: Callable[[], Pace] = partial(Clock, seconds) if rounds is None else partial(Count, rounds // 2)
    targets = dict(_read(pictures, size))
    lpips = lpips_at_hand()
    rows: list[dict[str, Any]] = []
    for name, target in targets.items():
        painting = paint(target, brush, strokes, make_pace, seed, processors(), MARKS)
        _write(out / name, painting, target)
        rows += [{"picture": name, **row} for row in measured(painting, target, lpips)]
        settings = {"brush": brush, "strokes": strokes, "size": size, "seed": seed}
        pace = {"seconds": seconds} if rounds is None else {"rounds": rounds}
        write_text(out / "greedy.json", json.dumps({**settings, **pace, "paintings": rows}, indent=1) + "\n")
    _print(rows)
    if lpips is None:
        typer.echo("note: no LPIPS: its weights are not in $SPIRAL_DATA/weights")


def measured(painting: Painting, target: Pixels, lpips: Lpips | None) -> Iterator[dict[str, Any]]:
    """The figures of a painting at each look, by name."""
    for kept, picture in painting.pictures.items():
        yield {
            "strokes": kept,
            "mse": painting.errors[kept],
            "lpips": None if lpips is None else float(lpips(_tensor(picture), _tensor(target))),
            "seconds": painting.seconds[kept],
            "tried": painting.tried,
        }


def _read(pictures: list[str], size: int) -> Iterator[tuple[str, Pixels]]:
    """The pictures by name, with a longer side of so many pixels.

    Raises:
        BadParameter: two are called the same.
        PictureError: a file is no picture that can be used.
        DatasetMissing: a photograph's package is not there.
    """
    photos = {photo.name: photo for photo in HELD_OUT}
    words = [word for each in pictures for word in (photos if each == ALL else [each])]
    if twice := {name for name in map(_name, words) if [*map(_name, words)].count(name) > 1}:
        raise typer.BadParameter(f"two pictures are called {min(twice)!r}, as their folders would be: rename one")
    for word in words:
        photo = photos.get(word)
        picture = Image.fromarray(photo.read()) if photo is not None else open_picture(Path(word), color=True)
        scale = size / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        way = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
        yield _name(word), np.array(picture.resize((width, height), way))


def _name(word: str) -> str:
    return Path(word).stem or "picture"


def _write(folder: Path, painting: Painting, target: Pixels) -> None:
    write_text(folder / "program.json", painting.program.to_text())
    for kept, picture in painting.pictures.items():
        save_picture(folder / f"painting-{kept}.png", picture)
    beside = np.stack((target, *painting.pictures.values()))
    save_picture(folder / "comparison.png", contact_sheet(beside, columns=len(beside)))


def _tensor(picture: Pixels) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None] / 255


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table("picture", "strokes", "MSE", "LPIPS", "seconds", "tried in all")
    for row in rows:
        seen = "" if row["lpips"] is None else f"{row['lpips']:.3f}"
        numbers = (f"{row['strokes']:,}", f"{row['mse']:.5f}", seen, f"{row['seconds']:.0f}", f"{row['tried']:,}")
        table.add_row(row["picture"], *numbers)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(answer(main, "greedy", sys.argv[1:]))
