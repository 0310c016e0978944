"""What the one who waits sees: a bar, how many strokes are done, and in a terminal with colours the painting itself."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

COLUMNS, ROWS = 64, 48  # pixels at most; a letter shows two, one above the other
UPPER_HALF = "\N{UPPER HALF BLOCK}"
PER_SECOND = 4


class Preview:
    """Follows a painting of so many strokes; a context manager. Where nobody watches, it shows nothing."""

    def __init__(self, strokes: int, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        columns = (
            TextColumn("painting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("strokes"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self._console)
        self._task = self._progress.add_task("painting", total=strokes)
        self._live = Live(self._progress, console=self._console, refresh_per_second=PER_SECOND, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def __call__(self, canvas: NDArray[np.uint8], strokes: int) -> None:
        """Show the canvas, uint8 [height, width, 3], and how many strokes are done."""
        self._progress.update(self._task, completed=strokes)
        if self._console.is_terminal and self._console.color_system in ("256", "truecolor"):
            self._live.update(Group(in_letters(canvas), self._progress))


def in_letters(canvas: NDArray[np.uint8]) -> Text:
    """A picture uint8 [height, width, 3] as coloured letters."""
    picture = Image.fromarray(canvas)
    picture.thumbnail((COLUMNS, ROWS))
    small = np.asarray(picture.crop((0, 0, picture.width, picture.height + picture.height % 2)))
    text = Text(no_wrap=True)
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append(UPPER_HALF, f"{_color(above)} on {_color(below)}")
        text.append("\n")
    return text


def _color(pixel: NDArray[np.uint8]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*pixel.tolist())
