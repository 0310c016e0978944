"""A run from its first step to its last: the parts are wired by an engine, and this is the loop around it.

The loop asks the engine for the next step of the policy learner, counts it, and at regular times writes rows of
metrics, shows what the agent can, and keeps a checkpoint. It is the same for both engines: `cluster/on_ray/engine.py`,
with a process for each part, and `cluster/run/local_engine.py`, which calls the same parts in this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.run.brush_fingerprint import KEY, fingerprint_here
from cluster.run.checkpoint_copies import CheckpointCopies
from cluster.run.display import Display
from cluster.run.engine import Engine, describe_run, inspect_environment
from cluster.run.evaluation import Evaluation
from cluster.run.feed.base import MAX_ROWS
from cluster.run.folder import RunError, RunFolder
from cluster.run.full_disk import FullDisk
from cluster.run.learning_curve import save_curves
from cluster.run.logbook import Logbook, read_rows, show_rows
from cluster.run.plan import Counters, Length, Report, phase_of
from cluster.run.progress import progress_in, taken_up
from learners.checkpoint import Checkpoint, has_checkpoint, latest_checkpoint, save_checkpoint
from spiral.config import RunConfig
from spiral.contracts import WeightsError

# Hears every row of figures; where it answers true, the run ends with a checkpoint.
Callback = Callable[[dict[str, Any]], bool | None]

SHOWS = 20  # in a run
CHECKPOINT_INTERVAL_S = 120.0
SHOWS_COST_AT_MOST = 0.03  # of the time of a run with a length in minutes


@dataclass(frozen=True)
class Summary:
    """How a run ended, or the part of it that was asked for."""

    folder: RunFolder
    counters: Counters
    share: float
    over: bool
    latest: dict[str, float]
    checkpoint: Path


def hear_nothing(row: dict[str, Any]) -> None:
    """The callback of those who have none."""


class Run:
    """The loop around an engine; `member` is the run's number in a population."""

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        length: Length,
        engine: Engine,
        held_out: NDArray[np.uint8],
        display: Display,
        copies: CheckpointCopies | None = None,
        member: int | None = None,
        callback: Callback = hear_nothing,
    ) -> None:
        self.config = config
        self.folder = folder
        self.length = length
        self.engine = engine
        self.display = display
        self.copies = copies
        self.member = member
        self.callback = callback
        self.counters = Counters()
        self.evaluation = Evaluation(folder, config, held_out, engine.feed)
        self.logbook_state: dict[str, object] | None = None
        self.shows = 0
        self.shows_seconds = 0.0
        self.checkpoint_interval_s = CHECKPOINT_INTERVAL_S
        self.full_disk = FullDisk(display.say, "the run")

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: it is damaged, or of a run with other settings.
        """
        progress = progress_in(checkpoint)
        self.counters, self.shows = progress.counters, progress.shows
        self.logbook_state = progress.logbook.model_dump()
        with taken_up(checkpoint):
            self.engine.load_state(checkpoint.parts)

    def go(self, stop: Callable[[], bool], until: float = 1.0) -> Summary:
        """The summary of the run, which goes on until this share of it is over or `stop` says so."""
        self.logbook = Logbook(self.folder, self.counters.frames, self.logbook_state, self.engine.feed, self.member)
        if self.member is None:  # a population introduces itself, as a whole
            self.engine.feed.describe(describe_run(self.config, self.folder.path, self.length))
            show_rows(self.folder, self.engine.feed, MAX_ROWS // 2)  # leaving room for as many new ones
        self.logbook.begin_clock(self.counters.seconds)
        begun = time.monotonic() - self.counters.seconds
        checkpoint_due = time.monotonic() + self.checkpoint_interval_s
        enough = False
        try:
            while (share := self.length.share(self.counters)) < until and not (enough or stop()):
                if self._show_is_due(share):
                    self._show()
                phase = phase_of(self.config, share, self.counters.reward_steps)
                report = self.engine.step(phase)
                self.counters.seconds = time.monotonic() - begun
                if report is not None:
                    self.counters.add(report)
                    self._note(report)
                enough = self._tell()
                self.display.update(phase.kind, share, self.counters, self.logbook.latest)
                if time.monotonic() > checkpoint_due:
                    with self.full_disk.going_on("A checkpoint"):
                        self._save()
                    checkpoint_due = time.monotonic() + self.checkpoint_interval_s
            return self._finish(over=share >= until)
        finally:
            with self.full_disk.going_on("The last figures"):
                self.logbook.close()

    def _tell(self) -> bool:
        """Hands the new rows to the callback; whether it asks the run to end."""
        return any([self.callback(row) for row in self.logbook.take_fresh()])

    def _settle(self) -> None:
        for report in self.engine.settle():
            self.counters.add(report)
            self._note(report)

    def _note(self, report: Report) -> None:
        with self.full_disk.going_on("Figures"):
            self.logbook.add(report, self.counters)

    def _finish(self, over: bool) -> Summary:
        self._settle()
        share = self.length.share(self.counters)
        if over:
            with self.full_disk.going_on("Figures"):
                self.logbook.finish_row(phase_of(self.config, share, self.counters.reward_steps).kind, self.counters)
            self._show()
        with self.full_disk.going_on("The curve"):
            save_curves(self.folder.curve, {"": read_rows(self.folder)})
        path = self._save_last()
        self._tell()
        return Summary(self.folder, self.counters, share, over, self.logbook.latest, path)

    def _show_is_due(self, share: float) -> bool:
        if share * SHOWS < self.shows:
            return False
        # Only the clock knows what a show costs, and a run that must repeat cannot go by the clock.
        cheap = self.shows_seconds <= SHOWS_COST_AT_MOST * self.counters.seconds
        return self.length.frames is not None or self.shows == 0 or cheap

    def _show(self) -> None:
        begun = time.monotonic()
        try:
            measured = self.evaluation.evaluate(self.engine.weights, self.counters.frames)
        except WeightsError:
            return  # someone has damaged the newest weights; there will be others after the next step
        except OSError as error:
            self.display.say(f"The pictures could not be written ({error}): the run goes on; make room on the disk")
        else:
            with self.full_disk.going_on("Figures"):
                self.logbook.write(measured, self.counters)
        self.shows = int(self.length.share(self.counters) * SHOWS) + 1
        self.shows_seconds += time.monotonic() - begun

    def _save_last(self) -> Path:
        """The checkpoint that ends the run, or this part of it.

        Raises:
            RunError: the disk does not take it; what to do.
        """
        try:
            return self._save()
        except OSError as error:
            older = self.folder.checkpoints
            kept = f"goes on from {latest_checkpoint(older)}" if has_checkpoint(older) else "begins anew"
            raise RunError(
                f"the last checkpoint could not be written ({error}): make room on the disk; then `spiral train "
                f"--resume --out {self.folder.path}` {kept}"
            ) from None

    def _save(self) -> Path:
        self._settle()
        spec, shape = inspect_environment(self.config)
        document = {
            "config": self.config.model_dump(mode="json"),
            "action_spec": spec.to_json(),
            "canvas_shape": list(shape),
            KEY: fingerprint_here(self.config),
            "counters": self.counters.to_json(),
            "logbook": self.logbook.state(),
            "shows": self.shows,
            "length": asdict(self.length),
        }
        path = save_checkpoint(self.folder.checkpoints, self.counters.frames, document, self.engine.state())
        if self.copies is not None:
            try:
                self.copies.put(path)
            except OSError as error:
                self.display.say(f"{path.name} could not be copied to {self.copies.url}: {error}; the next one may be")
        return path
