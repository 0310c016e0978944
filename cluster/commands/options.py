"""Options that several commands of `spiral` have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Goal(StrEnum):
    """What the agents that come with the project can do."""

    copy = "copy"
    characters = "characters"
    invent = "invent"
    invent_characters = "invent-characters"
    scenes = "scenes"


RunOption = Annotated[Path | None, typer.Option("--run", help="Folder of a run; default: a shipped agent.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of noise and decisions.")]
TemperatureOption = Annotated[
    float | None,
    typer.Option(min=0.0, help="Below 1 the agent is surer, 0 takes its first choice; default: as trained."),
]
GoalOption = Annotated[Goal, typer.Option(help="Which shipped agent, when no run is named.")]
DataOption = Annotated[
    str | None, typer.Option("--data", help="Another data set whose held-out pictures an agent is to copy.")
]
