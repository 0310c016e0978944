"""How far the run had come that left a checkpoint, as its document says, which someone may have damaged."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from cluster.run.plan import Counters, Length, PlanError
from learners.checkpoint import DOCUMENT, Checkpoint, CheckpointError
from spiral.contracts import WeightsError

# What numpy, torch, json and our networks raise of arrays that are not those of a part; other errors of ours say more.
MISFITS = (
    AttributeError, IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError, UnicodeDecodeError,
    json.JSONDecodeError, WeightsError,
)  # fmt: skip

Count = Annotated[int, Field(ge=0)]


class Means(BaseModel):
    """The unfinished mean of the logbook: of each figure the sum and how many went in, and the steps."""

    sums: dict[str, tuple[float, Count]]
    steps: Count


class Progress(BaseModel):
    """What a run has done, how often it has shown itself, and how long it was to be."""

    counters: Counters
    logbook: Means
    shows: Count
    length: Length


def progress_in(checkpoint: Checkpoint) -> Progress:
    """How far the run of this checkpoint had come.

    Raises:
        CheckpointError: its document does not say so legibly.
    """
    try:
        progress = Progress.model_validate(checkpoint.document)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except PlanError as error:
        problem = f"length: {error}"
    else:
        counts = asdict(progress.counters)
        if all(0 <= count < math.inf for count in (*counts.pop("reward_steps").values(), *counts.values())):
            return progress
        problem = f"counters: {progress.counters}"
    raise CheckpointError(f"{checkpoint.path / DOCUMENT} is damaged ({problem}); {checkpoint.way_out()}")


@contextmanager
def taken_up(checkpoint: Checkpoint) -> Iterator[None]:
    """Turns what goes wrong, while the parts of a checkpoint are taken over, into an error that names it.

    Raises:
        CheckpointError: a part is not that of a run with these settings.
    """
    try:
        yield
    except Exception as error:
        if type(getattr(error, "cause", error)) not in MISFITS:  # Ray wraps the cause
            raise
        raise CheckpointError(
            f"the parts of {checkpoint.path} are damaged or of other settings ({error!r:.200}); {checkpoint.way_out()}"
        ) from error
