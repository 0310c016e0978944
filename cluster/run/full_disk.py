"""Where the disk takes no more, the work goes on and says so: what was learned in hours is not lost for a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class FullDisk:
    """Says what could not be written, once until there is room again.

    Args:
        say: shows a line.
        what_goes_on: is named in it.
    """

    def __init__(self, say: Callable[[str], None], what_goes_on: str) -> None:
        self.say, self.what_goes_on = say, what_goes_on
        self._refused: set[str] = set()

    @contextmanager
    def going_on(self, what: str) -> Iterator[None]:
        """Write `what` in here."""
        try:
            yield
            self._refused.discard(what)
        except OSError as error:
            if what not in self._refused:
                self.say(f"{what} could not be written ({error}): {self.what_goes_on} goes on; make room on the disk")
            self._refused.add(what)
