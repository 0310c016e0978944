"""What the page shows of a run: its newest episodes, its figures, its contact sheet.

News go in, and messages for the watchers come out. Whoever comes later gets the same messages again. Everything is
bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.run.contact_sheet import QUICKLY, png
from cluster.run.downsampling import thinned
from cluster.run.feed.base import News
from cluster.run.feed.texts import Description, Row
from cluster.watch.messages import Message, film_message, message, rows_message
from envs.program import FORMAT, VERSION
from spiral.contracts import Glimpse

MAX_EPISODES = 128
MAX_EPISODE_BYTES = 64 * 2**20  # of all of them together
MAX_ASKED = 64  # that someone looked at, and may want to download
MAX_ROWS = 2048
MAX_MEMBERS = 64
REPEATED = 32  # episodes for those who come later


@dataclass
class Episode:
    """An episode as far as it was seen.

    Attributes:
        run: what it belongs to.
        target: uint8 [H, W, C], or None.
        actions: int64 [t, heads], so far.
        films: the messages that showed it.
    """

    run: Description
    target: NDArray[np.uint8] | None
    actions: NDArray[np.int64]
    films: list[bytes] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all of its commands were seen."""
        return len(self.actions) == self.run.episode_length

    @property
    def nbytes(self) -> int:
        """Its size in memory."""
        return self.actions.nbytes + sum(map(len, self.films))

    def document(self) -> dict[str, Any]:
        """Its program, as `envs.program.Program.from_json` reads it."""
        fingerprint = self.run.brush_fingerprint
        return {
            "format": FORMAT,
            "version": VERSION,
            "environment": self.run.environment,
            "settings": self.run.settings,
            **({} if fingerprint is None else {"brush_fingerprint": fingerprint}),
            "heads": [head.name for head in self.run.action_spec.heads],
            "actions": self.actions.tolist(),
        }


class Gallery:
    """What was shown of the run that is watched now.

    Attributes:
        run: what run it is, or None.
        sheet: the newest contact sheet as PNG, or None.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget everything: another run begins."""
        self.run: Description | None = None
        self.sheet: bytes | None = None
        self._sheet_frames = 0
        self._rows: dict[float | str, list[Row]] = {}
        self._episodes: OrderedDict[str, Episode] = OrderedDict()
        self._asked: OrderedDict[str, Episode] = OrderedDict()

    def add(self, news: News) -> list[Message]:
        """Take news in; the messages for those who watch already."""
        messages: list[Message] = []
        if news.description is not None and news.description != self.run:
            self.run = news.description
            messages.append(self._run_message())
        if news.rows:
            messages.append(rows_message(self._add_rows(news.rows)))
        if news.sheet is not None:
            self._sheet_frames, self.sheet = news.sheet[0], png(news.sheet[1], QUICKLY)
            messages.append(self._sheet_message())
        messages += [film for glimpse in news.glimpses if (film := self._add_glimpse(glimpse)) is not None]
        return messages

    def everything(self, films: bool) -> list[Message]:
        """The messages for one who comes now; the newest episodes are among them if `films`."""
        if self.run is None:
            return []
        messages = [self._run_message(), rows_message(list(chain(*self._rows.values())))]
        if self.sheet is not None:
            messages.append(self._sheet_message())
        newest = list(self._episodes.values())[-REPEATED:] if films else []
        return [*messages, *(film for episode in newest for film in episode.films)]

    def episode(self, name: str) -> Episode | None:
        """The episode of that name, which is then kept for longer, or None if it is not there or not finished."""
        found = self._asked.get(name) or self._episodes.get(name)
        if found is None or not found.whole:
            return None
        self._asked[name] = found
        self._asked.move_to_end(name)
        while len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)
        return found

    def _add_rows(self, rows: list[Row]) -> list[Row]:
        taken = []
        for row in rows:
            member = row["member"]
            if member not in self._rows and len(self._rows) == MAX_MEMBERS:
                continue
            self._rows[member] = thinned([*self._rows.get(member, []), row], MAX_ROWS)
            taken.append(row)
        return taken

    def _add_glimpse(self, glimpse: Glimpse) -> bytes | None:
        name = f"{glimpse.episode:016x}"
        before = self._episodes.get(name)
        if glimpse.first != (len(before.actions) if before else 0) or self.run is None:
            return None  # its beginning was missed, and without it there is no program
        if before is None:
            before = self._episodes[name] = Episode(self.run, glimpse.target, glimpse.actions)
        else:
            before.actions = np.concatenate((before.actions, glimpse.actions))
        film = film_message(name, glimpse)
        before.films.append(film)
        while len(self._episodes) > MAX_EPISODES or sum(e.nbytes for e in self._episodes.values()) > MAX_EPISODE_BYTES:
            self._episodes.popitem(last=False)
        return film

    def _run_message(self) -> str:
        assert self.run is not None
        return message("run", run=self.run.model_dump(mode="json"))

    def _sheet_message(self) -> str:
        return message("sheet", frames=self._sheet_frames)
