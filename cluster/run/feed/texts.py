"""The texts of a live feed: what run it is, and rows of figures, as JSON with a schema.

Whoever reads takes the words of a stranger: the size is checked before the text is read, and every name and number
before anything is done with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator

from envs.actions import ActionSpec

MAX_TEXT_BYTES = 65_536
MAX_LENGTH = 4096  # commands of an episode

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]{1,64}$")]
FigureName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./:-]{1,200}$")]  # of a user's own `module:Class`, too
Side = Annotated[int, Field(ge=1, le=1024)]
Figure = Annotated[float, Field(allow_inf_nan=False)]
Phase = Literal["cloning", "warm-up", "learning"]
Row = dict[str, float | Phase]


class FeedError(ValueError):
    """Bytes that are no part of this run's live feed."""


class Record(BaseModel):
    """JSON that has these fields, of these very types, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class HeadRecord(Record):
    """One head of an action, see `envs.actions.Head`."""

    name: Name
    choices: Annotated[int, Field(ge=2, le=2**20)]
    grid: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None


class SpecRecord(Record):
    """The heads of an action, see `envs.actions.ActionSpec`."""

    heads: Annotated[list[HeadRecord], Field(min_length=1, max_length=64)]
    decoding_order: list[Name]
    kind: Name
    relevant: list[list[Name]]

    @model_validator(mode="after")
    def _is_a_spec(self) -> SpecRecord:
        self.spec()
        return self

    def spec(self) -> ActionSpec:
        """The specification itself."""
        return ActionSpec.from_json(self.model_dump())


class Description(Record):
    """What run it is that shows itself.

    Attributes:
        folder: where it is written to, on its own machine.
        preset: the name of its settings.
        begun: when it was started or resumed, seconds since 1970.
        minutes, frames: how long it shall be.
        environment, settings: what a program of it is replayed with.
        brush_fingerprint: of the brush that paints; None where there is no brush.
        action_spec: the heads of an action.
        episode_length: commands in an episode.
        shape: height, width and channels of the canvases as they are shown.
        conditional: whether the agent copies targets.
    """

    folder: Annotated[str, Field(max_length=4096)]
    preset: Name
    begun: Annotated[float, Field(ge=0)]
    minutes: Annotated[float, Field(gt=0)] | None
    frames: Annotated[int, Field(gt=0)] | None
    environment: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./:-]{1,200}$")]
    settings: dict[Name, JsonValue]
    brush_fingerprint: Name | None = None
    action_spec: SpecRecord
    episode_length: Annotated[int, Field(ge=1, le=MAX_LENGTH)]
    shape: tuple[Side, Side, Literal[1, 3]]
    conditional: bool

    @model_validator(mode="after")
    def _is_json(self) -> Description:
        json.dumps(self.settings, allow_nan=False)  # JSON for others, which has no numbers that are not finite
        return self


_ROW: TypeAdapter[Row] = TypeAdapter(
    Annotated[dict[FigureName, Figure | Phase], Field(max_length=200)], config=Record.model_config
)


def pack_description(description: Mapping[str, Any]) -> bytes:
    """A description as bytes.

    Raises:
        FeedError: it is not of the form of `Description`.
    """
    try:
        data = json.dumps(description, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise FeedError(f"no description of a run: {error}") from None
    unpack_description(data)
    return data


def unpack_description(data: bytes) -> Description:
    """The description that `pack_description` gave.

    Raises:
        FeedError: it is none.
    """
    try:
        return Description.model_validate_json(_short(data))
    except ValidationError as error:
        raise FeedError(f"no description of a run: {error.errors()[0]['msg']}") from None


def pack_row(row: Mapping[str, Any]) -> bytes:
    """A row of figures as bytes; the figures that are not finite are left out.

    Raises:
        FeedError: it has no count of frames, or names that no figure has.
    """
    kept = {
        name: value
        for name, value in row.items()
        if not (isinstance(value, float | np.floating) and not np.isfinite(value))
    }
    try:
        return _short(_ROW.dump_json(_checked_row(_ROW.validate_python({"member": 0, **kept}))))
    except ValidationError as error:
        raise FeedError(f"no row of figures: {error.errors()[0]['msg']}") from None


def unpack_row(data: bytes) -> Row:
    """The row that `pack_row` gave: figures by name, among them `frames`, `seconds` and `member`, and the `phase`.

    Raises:
        FeedError: it is none.
    """
    try:
        return _checked_row(_ROW.validate_json(_short(data)))
    except ValidationError as error:
        raise FeedError(f"no row of figures: {error.errors()[0]['msg']}") from None


def _short(data: bytes) -> bytes:
    if len(data) > MAX_TEXT_BYTES:
        raise FeedError(f"a text of {len(data)} bytes, where {MAX_TEXT_BYTES} are the most")
    return data


def _checked_row(row: Row) -> Row:
    for name in ("frames", "seconds", "member"):
        value = row.get(name)
        if not isinstance(value, float) or not 0 <= value <= 2**53:
            raise FeedError(f"a row of figures with {name} = {value!r}")
    return row
