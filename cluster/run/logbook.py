"""What a run writes down: `metrics.jsonl` and TensorBoard files, and what it shows to Prometheus and on the live feed.

A row is the mean over ten steps of the policy learner, at fixed steps, so that a run that repeats has the same rows,
and a resumed one goes on with the same: rows after its checkpoint are cut off, and a half-finished mean is kept in it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from cluster.run.downsampling import thinned
from cluster.run.feed.texts import FeedError, Row
from cluster.run.folder import RunFolder, write_text
from cluster.run.plan import Counters, Report
from cluster.run.prometheus import Figures
from spiral.contracts import LiveFeed
from spiral.files import parsed_json

STEPS_PER_ROW = 10
UNITS = {"rollout": "frames", "policy": "frames", "rewards": "steps"}


class Logbook:
    """The measurements of a run, averaged, written, and shown on `feed` if there is one.

    Attributes:
        latest: the newest value of each.
    """

    def __init__(
        self,
        folder: RunFolder,
        begin_at: int,
        state: dict[str, Any] | None = None,
        feed: LiveFeed | None = None,
        member: int | None = None,
    ) -> None:
        """Opens the files in `folder`, from which rows of more than `begin_at` frames are removed."""
        from torch.utils.tensorboard import SummaryWriter

        cut_rows(folder, begin_at)
        self._file = folder.metrics.open("a", encoding="utf-8")
        self._figures = Figures(folder.path.name)
        self._board = SummaryWriter(str(folder.tensorboard), purge_step=begin_at + 1)
        self._sums: dict[str, list[float]] = {}
        self._busy: dict[str, float] = {}
        self._work: dict[str, int] = {}
        self._steps = 0
        self._last_seconds = 0.0
        self._labels = {} if member is None else {"member": member}
        self.latest: dict[str, float] = {}
        self._fresh: list[Row] = []
        self._feed = feed
        if state is not None:
            self._sums = {name: list(value) for name, value in state["sums"].items()}
            self._steps = int(state["steps"])

    def add(self, report: Report, counters: Counters) -> bool:
        """Take a step's measurements in; whether they completed a row."""
        for name, value in report.metrics.items():
            total = self._sums.setdefault(name, [0.0, 0])
            total[0] += value
            total[1] += 1
        work = {"rollout": report.painted, "policy": report.frames, "rewards": sum(report.reward_steps.values())}
        for part, seconds in report.busy.items():
            if seconds > 0:  # the policy rests while the rewards are warmed up, and those while it clones
                self._busy[part] = self._busy.get(part, 0.0) + seconds
                self._work[part] = self._work.get(part, 0) + work[part]
        self._steps += 1
        if self._steps < STEPS_PER_ROW:
            return False
        self.finish_row(report.phase, counters)
        return True

    def finish_row(self, kind: str, counters: Counters) -> None:
        """Write the mean of what was taken in since the last row, if anything was."""
        if not self._steps:
            return
        row = {name: total / count for name, (total, count) in self._sums.items()}
        passed = counters.seconds - self._last_seconds
        self._last_seconds = counters.seconds
        for part, seconds in self._busy.items():
            if self._work[part]:
                row[f"speed/{part}_{UNITS[part]}_per_s"] = self._work[part] / seconds
        if passed > 0 and "rollout" in self._work:
            row["speed/frames_per_s"] = self._work["rollout"] / passed
        if counters.policy_steps:
            row |= {
                f"reward/{name}/steps_per_policy_step": steps / counters.policy_steps
                for name, steps in counters.reward_steps.items()
            }
        self._sums, self._busy, self._work, self._steps = {}, {}, {}, 0
        self.write({"phase": kind, **row}, counters)

    def write(self, row: dict[str, Any], counters: Counters) -> None:
        """Write one row with the counts so far.

        Raises:
            OSError: the disk takes no more; the row was shown all the same.
        """
        self.latest |= {name: value for name, value in row.items() if isinstance(value, float)}
        whole: Row = {**self._labels, **counters.figures(), **row}
        self._fresh.append(whole)
        if self._feed is not None:
            self._feed.add_row(whole)
        self._figures.show(row, counters.figures())
        self._file.write(json.dumps(whole) + "\n")
        self._file.flush()
        for name, value in row.items():
            if isinstance(value, float):
                self._board.add_scalar(name, value, counters.frames)

    def take_fresh(self) -> list[Row]:
        """The rows since the last time."""
        rows, self._fresh = self._fresh, []
        return rows

    def begin_clock(self, seconds: float) -> None:
        """Count the first row's speed from here."""
        self._last_seconds = seconds

    def state(self) -> dict[str, Any]:
        """The unfinished mean, for a checkpoint."""
        return {"sums": self._sums, "steps": self._steps}

    def close(self) -> None:
        """Close the files.

        Raises:
            OSError: the disk does not take what is left to be written.
        """
        try:
            self._file.close()
        finally:
            self._board.close()


def show_rows(folder: RunFolder, feed: LiveFeed, most: int) -> None:
    """Show what a run did before, in `most` rows."""
    for row in thinned(read_rows(folder), most):
        with suppress(FeedError):  # someone has damaged it
            feed.add_row(row)


def read_rows(folder: RunFolder) -> list[dict[str, Any]]:
    """All rows of a run."""
    return read_lines(folder.metrics)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The documents in a file that has one a line; lines that were cut off, by a crash or a full disk, are left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = parsed_json(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def cut_rows(folder: RunFolder, last_frame: int) -> None:
    """Remove the rows that were written after `last_frame`."""
    kept = [row for row in read_rows(folder) if _is_before(row, last_frame)]
    write_text(folder.metrics, "".join(json.dumps(row) + "\n" for row in kept))


def _is_before(row: dict[str, Any], last_frame: int) -> bool:
    frames = row.get("frames", 0)
    return isinstance(frames, int | float) and frames <= last_frame
