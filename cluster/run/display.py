"""What the one who waits sees: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from cluster.run.plan import Counters

PLAIN_INTERVAL_S = 10.0
SHOWN = (
    ("held_out/error_ratio", "held-out error (1 = empty canvas)", "{:.3f}"),
    ("held_out/accepted", "accepted as digits", "{:.0%}"),
    ("policy/return", "return", "{:.3f}"),
    ("cloning/loss", "cloning loss", "{:.3f}"),
    ("expert/improved", "made better by search", "{:.0%}"),
    ("reward/NAME/real", "score of real", "{:.2f}"),
    ("reward/NAME/fake", "score of ours", "{:.2f}"),
    ("policy/entropy", "entropy", "{:.2f}"),
    ("policy/lag", "policy lag", "{:.1f}"),
    ("reward/NAME/steps_per_policy_step", "reward steps a policy step", "{:.2f}"),
    ("speed/frames_per_s", "frames/s", "{:,.0f}"),
)

OF_A_REWARD = re.compile(r"reward/([^/]+)/(real|fake|steps_per_policy_step)")


def shown_figures(latest: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """What each of the newest measurements that are shown is called, and its value in words.

    Of several learned rewards, each has its name before the words.
    """
    rewards = list(dict.fromkeys(found[1] for figure in latest if (found := OF_A_REWARD.fullmatch(figure))))
    for figure, label, form in SHOWN:
        for reward in rewards if "NAME" in figure else [""]:
            name = figure.replace("NAME", reward)
            if name in latest:
                yield f"{reward}: {label}" if reward and len(rewards) > 1 else label, form.format(latest[name])


class Display(Protocol):
    """Shows how a run goes on; a context manager."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""

    def update(self, kind: str, share: float, counters: Counters, latest: dict[str, float]) -> None:
        """Show the phase, how much of the run is over, the counts and the newest measurements."""

    def say(self, line: str) -> None:
        """Show a line that stays."""


class PlainDisplay:
    """A line every ten seconds, for logs and pipes."""

    def __init__(self) -> None:
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, kind: str, share: float, counters: Counters, latest: dict[str, float]) -> None:
        """Print a line if the last one is old enough."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PLAIN_INTERVAL_S
        shown = [f"{label} {value}" for label, value in shown_figures(latest)]
        self.say(", ".join([f"{share:4.0%} {kind}", f"{counters.seconds:,.0f} s, {counters.frames:,} frames", *shown]))

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, flush=True)


class LiveDisplay:
    """A small table that is drawn over itself."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, kind: str, share: float, counters: Counters, latest: dict[str, float]) -> None:
        """Draw the table anew."""
        table = Table.grid(padding=(0, 2))
        table.add_row(f"{kind}, {share:.0%}", ProgressBar(total=1.0, completed=share, width=40))
        table.add_row("time", f"{int(counters.seconds) // 60}:{int(counters.seconds) % 60:02d}")
        table.add_row("frames", f"{counters.frames:,}")
        for label, value in shown_figures(latest):
            table.add_row(label, value)
        self._live.update(table)

    def say(self, line: str) -> None:
        """Print a line above the table."""
        self._console.print(line, highlight=False, markup=False)


def make_display() -> Display:
    """A live display in a terminal, a plain one elsewhere."""
    return LiveDisplay() if sys.stdout.isatty() else PlainDisplay()
