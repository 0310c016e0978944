"""Options that several commands of `spiral` have."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from spiral.config import MOST_SEED

MOST_PICTURES = 1_000_000  # that an agent is asked for at once; they are all kept in memory
MOST_FRAMES = 2**53  # what JSON and a float can count without loss
MOST_PROCESSES = 100_000
LONGEST = 86_400.0  # seconds of a measurement


class Goal(StrEnum):
    """What the agents that come with the project can do."""

    copy = "copy"
    characters = "characters"
    invent = "invent"
    invent_characters = "invent-characters"
    scenes = "scenes"
    paint = "paint"


def finite(value: float | None) -> float | None:
    """The value of an option, which must be a number; `nan` is in every range, and `inf` in most."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no finite number")
    return value


PresetOption = Annotated[str | None, typer.Option(help="Settings by name; `spiral info` lists them.")]
RedisOption = Annotated[
    str | None, typer.Option(envvar="SPIRAL_REDIS", help="URL of a Redis; default: an embedded one.")
]
AddressOption = Annotated[str | None, typer.Option(help="A Ray cluster; default: $RAY_ADDRESS, or none.")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Folder of a run; default: a shipped agent.")]
SeedOption = Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Of noise and decisions.")]
TemperatureOption = Annotated[
    float | None,
    typer.Option(
        min=0.0, callback=finite, help="Below 1 the agent is surer, 0 takes its first choice; default: as trained."
    ),
]
SearchOption = Annotated[
    int,
    typer.Option(
        min=0, max=MOST_PICTURES, help="Make the best one better, with the commands of so many more paintings."
    ),
]
GoalOption = Annotated[Goal, typer.Option(help="Which shipped agent, when no run is named.")]
DataOption = Annotated[
    str | None, typer.Option("--data", help="Another data set whose held-out pictures an agent is to copy.")
]
