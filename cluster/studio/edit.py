"""Changing a program by hand: `spiral edit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import ImageColor

from cluster.run.folder import RunError, write_text
from cluster.studio.blank_notes import paints_nothing
from envs.edits import moved, recolored, without
from envs.program import Program

Value = TypeVar("Value")


def edit(program: Path, out: Path, removals: list[int], moves: list[str], recolorings: list[str]) -> str:
    """Writes a changed program to `out`, and says so; all numbers are those of the commands in the given program.

    Args:
        program: the file of a program.
        out: a .json file.
        removals: numbers of commands, counted from 0.
        moves: each `K=ROWS,COLUMNS`.
        recolorings: each `K=COLOR`.

    Raises:
        RunError: there is nothing to change, a change is not of its form, or `out` is no .json file.
        ProgramError: the file is no program, or a change asks for what its commands do not have.
    """
    if out.suffix.lower() != ".json":
        raise RunError(f"--out {out} must end in .json; `spiral render` makes a picture of it")
    if not (removals or moves or recolorings):
        raise RunError("nothing to change: give --remove, --move or --recolor")
    document = given = Program.load(program)
    for number, (rows, columns) in _read("--move", "K=ROWS,COLUMNS, such as 2=-3,4", _cells, moves):
        document = moved(document, number, rows, columns)
    for number, color in _read("--recolor", "K=COLOR, such as 2=red or 2=#ff8000", _color, recolorings):
        document = recolored(document, number, color)
    # From the end, since commands that follow one that is taken out may get other numbers.
    for number in sorted(set(removals), reverse=True):
        document = without(document, number)
    write_text(out, document.to_text())
    return "\n".join((f"{out}: {len(document.actions)} commands", *_without_effect(given, document)))


def _without_effect(given: Program, edited: Program) -> list[str]:
    """Lines about changes that change nothing, or leave nothing."""
    if edited.to_json() == given.to_json():
        return ["note: the program is as it was: what was asked for is what it has already"]
    return ["note: the program paints nothing now: its canvas stays empty"] if paints_nothing(edited) else []


def _read(option: str, form: str, value: Callable[[str], Value], words: list[str]) -> list[tuple[int, Value]]:
    """Numbers of commands, each with what stands after the `=`."""
    read = []
    for word in words:
        number, _, text = word.partition("=")
        try:
            read.append((int(number), value(text)))
        except ValueError:
            raise RunError(f"{option} {word}: give {form}") from None
    return read


def _cells(text: str) -> tuple[int, int]:
    rows, columns = map(int, text.split(","))
    return rows, columns


def _color(text: str) -> tuple[float, float, float]:
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red / 255, green / 255, blue / 255
