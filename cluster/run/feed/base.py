"""The live feed of a run, whatever carries it: packed, bounded, and never in the way (see `spiral.contracts.LiveFeed`).

Four things are shown, each in a stream of its own, of which the newest records are kept: the description of the run and
the contact sheet (one record each), glimpses of episodes, and rows of figures.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from cluster.run.feed.records import pack_glimpse, pack_sheet, unpack_glimpse, unpack_sheet
from cluster.run.feed.texts import (
    Description,
    FeedError,
    Row,
    pack_description,
    pack_row,
    unpack_description,
    unpack_row,
)
from spiral.contracts import Glimpse

T = TypeVar("T")
Kind = Literal["run", "sheet", "glimpses", "rows"]
KINDS: tuple[Kind, ...] = ("run", "sheet", "glimpses", "rows")
MAX_ROWS = 4096
MAX_GLIMPSES = 512
GLIMPSE_BYTES = 32 * 2**20  # of all glimpses together; a record alone may have more


class Feed(ABC):
    """What all forms of a live feed have in common; a form says where a record goes.

    Attributes:
        dropped: how much was not shown.
    """

    def __init__(self) -> None:
        self.dropped = 0

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say what run this is."""
        self._try(lambda: self._put("run", pack_description(description), 1))

    def show(self, glimpse: Glimpse) -> None:
        """Show a piece of an episode."""
        self._try(lambda: self._put_glimpse(pack_glimpse(glimpse)))

    def add_row(self, row: Mapping[str, Any]) -> None:
        """Show a row of figures."""
        self._try(lambda: self._put("rows", pack_row(row), MAX_ROWS))

    def hang(self, frames: int, sheet: NDArray[np.uint8]) -> None:
        """Show a contact sheet in place of the last one."""
        self._try(lambda: self._put("sheet", pack_sheet(frames, sheet), 1))

    @abstractmethod
    def close(self) -> None:
        """Send what waits, for a moment at most, and show nothing more."""

    @abstractmethod
    def _put(self, kind: Kind, record: bytes, most: int) -> None:
        """Keep a record, without waiting, beside at most `most - 1` older ones of its kind."""

    def _put_glimpse(self, record: bytes) -> None:
        self._put("glimpses", record, max(1, min(MAX_GLIMPSES, GLIMPSE_BYTES // len(record))))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (FeedError, struct.error):
            self.dropped += 1


@dataclass
class News:
    """What was shown since the last time.

    Attributes:
        description: of the run, or None as long as there is none.
        glimpses: pieces of episodes in their order.
        rows: of figures, in their order.
        sheet: frames and picture of a new contact sheet, or None.
    """

    description: Description | None
    glimpses: list[Glimpse] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    sheet: tuple[int, NDArray[np.uint8]] | None = None


class FeedReader(ABC):
    """Reads a live feed from its oldest record on; a form says where the records are.

    Attributes:
        refused: how many malformed records were met. None of them gets through, and none ends the reading.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._description: Description | None = None

    def read(self, wait_s: float = 0.0) -> News:
        """What was shown since the last call; where that is nothing, what comes within `wait_s`."""
        # Without a description, nothing else can be judged: it is left for later.
        found = self._fetch(KINDS if self._description else ("run",), wait_s)
        for description in self._unpacked(unpack_description, found.get("run", [])):
            self._description = description
        run = self._description
        if run is None:
            return News(None)
        glimpses = self._unpacked(lambda record: unpack_glimpse(record, run), found.get("glimpses", []))
        sheets = self._unpacked(unpack_sheet, found.get("sheet", []))
        return News(run, glimpses, self._unpacked(unpack_row, found.get("rows", [])), sheets[-1] if sheets else None)

    @abstractmethod
    def _fetch(self, kinds: tuple[Kind, ...], wait_s: float) -> dict[Kind, list[bytes]]:
        """The records of these kinds since the last call."""

    def _unpacked(self, unpack: Callable[[bytes], T], records: list[bytes]) -> list[T]:
        good = []
        for record in records:
            try:
                good.append(unpack(record))
            except FeedError:
                self.refused += 1
        return good
