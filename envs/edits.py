"""Programs that a person changes: a command is taken out, moved, or given another colour.

As a program says how its picture is made, one stroke or one object can be changed and the rest stays. The heads of the
commands say what there is to change: a location is a head with a grid, a colour the three heads `red`, `green`, `blue`.
Commands are counted from 0, as in the file. What belongs together is changed together (`Settings.together`): a stroke
with the move of the pen to its beginning, an object with what changes it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.paint_settings import PaintSettings
from envs.program import Program, ProgramError

COLORS = ("red", "green", "blue")


def without(program: Program, number: int) -> Program:
    """The program without what command `number` makes; nothing else in the picture moves.

    A stroke becomes a move of the pen to where the stroke ended. An object goes with all that changed it.

    Raises:
        ProgramError: there is no such command.
    """
    _require(program, number)
    return replace(program, actions=program.parsed_settings.without(program.actions, number))


def moved(program: Program, number: int, rows: int, columns: int) -> Program:
    """The program with command `number` moved by so many cells of its grid, down and to the right if above 0.

    Strokes that are joined stay joined: the next stroke begins where this one ends.

    Raises:
        ProgramError: there is no such command, it has no location, or it would leave the grid.
    """
    spec = program.parsed_settings.action_spec
    _require_heads(program, number, [head.name for head in spec.heads if head.grid], "location")
    actions = program.actions.copy()
    for member in program.parsed_settings.together(actions, number):
        counts = spec.mask(actions[member])
        for place, head in enumerate(spec.heads):
            if head.grid is None or not counts[place]:
                continue
            row, column = np.array(np.unravel_index(actions[member, place], head.grid)) + (rows, columns)
            if not (0 <= row < head.grid[0] and 0 <= column < head.grid[1]):
                raise ProgramError(
                    f"by {rows} rows and {columns} columns the {head.name} of command {member} comes to row {row}, "
                    f"column {column}; the grid has {head.grid[0]} rows and {head.grid[1]} columns, counted from 0"
                )
            actions[member, place] = np.ravel_multi_index((row, column), head.grid)
    return replace(program, actions=actions)


def recolored(program: Program, number: int, color: Sequence[float]) -> Program:
    """The program with command `number` in the nearest colour that its heads have; a grey painting becomes one in RGB.

    Args:
        program: any whose commands have a colour.
        number: which command, counted from 0.
        color: red, green and blue in [0, 1].

    Raises:
        ProgramError: there is no such command, it has no colour, or this is none.
    """
    program = _with_colors(program)
    _require_heads(program, number, COLORS, "colour")
    actions = program.actions.copy()
    actions[np.ix_(program.parsed_settings.together(actions, number), _columns(program))] = _levels(program, color)
    return replace(program, actions=actions)


def in_colors(program: Program, colors: Any) -> Program:
    """The program with each command in a colour of its own; a grey painting becomes one in RGB.

    Args:
        program: any whose commands have a colour.
        colors: red, green and blue in [0, 1] for each command, [steps, 3].

    Raises:
        ProgramError: the commands have no colour, or there are not as many as colours.
    """
    program = _with_colors(program)
    actions = program.actions.copy()
    if np.shape(colors) != (len(actions), 3):
        raise ProgramError(f"colors have shape {np.shape(colors)}; give [{len(actions)}, 3], one for each command")
    actions[:, _columns(program)] = _levels(program, colors)
    return replace(program, actions=actions)


def _with_colors(program: Program) -> Program:
    """The same picture by commands that have colours: those of a grey painting, which has none, are black."""
    settings = program.parsed_settings
    if isinstance(settings, PaintSettings) and not settings.color:
        actions = np.pad(program.actions, ((0, 0), (0, len(COLORS))))  # colours are the last heads, and 0 is black
        return replace(program, settings=replace(settings, color=True).to_json(), actions=actions)
    names = [head.name for head in settings.action_spec.heads]
    if not set(COLORS) <= set(names):
        raise ProgramError(f"commands of {program.env_id} have no colour: their heads are {', '.join(names)}")
    return program


def _columns(program: Program) -> list[int]:
    """Where the colours stand among the heads."""
    return [program.parsed_settings.action_spec.index(name) for name in COLORS]


def _levels(program: Program, colors: Any) -> NDArray[np.int64]:
    """The choices nearest to intensities [..., 3] in [0, 1], which the choices divide evenly."""
    intensities = np.array(colors, float)
    if intensities.shape[-1:] != (len(COLORS),) or not ((intensities >= 0) & (intensities <= 1)).all():
        raise ProgramError(f"colour {colors!r}: give red, green and blue, each from 0 to 1")
    choices = program.parsed_settings.action_spec.nvec[_columns(program)]
    return np.rint(intensities * (choices - 1)).astype(np.int64)


def _require(program: Program, number: int) -> None:
    """Refuses a number that no command has."""
    if not 0 <= number < len(program.actions):
        there = f"those from 0 to {len(program.actions) - 1}" if len(program.actions) else "none"
        raise ProgramError(f"there is no command {number}; the program has {there}")


def _require_heads(program: Program, number: int, heads: Sequence[str], what: str) -> None:
    """Refuses a command for which none of the heads counts."""
    _require(program, number)
    spec = program.parsed_settings.action_spec
    counting = [
        head.name for head, counts in zip(spec.heads, spec.mask(program.actions[number]), strict=True) if counts
    ]
    if not set(heads) & set(counting):
        raise ProgramError(f"command {number} has no {what}: what counts in it is {', '.join(counting)}")
