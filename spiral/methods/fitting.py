"""The loop around an experiment: train its parts, keep a checkpoint, measure, draw, and hand its judgement over.

The folder of a fit holds `checkpoint.safetensors` (how far it is and the states of all parts, in one file, so that both
are of the same step), `metrics.jsonl` and `tensorboard` (means over some steps), and, when it is done, `results.json`,
pictures, and the method's judgement. With the same seed and version, a fit that was interrupted and resumed ends with
the same numbers as one that was not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from spiral.config import MOST_SEED
from spiral.contracts import Arrays, WeightsError
from spiral.files import OutputError, parsed_json, read_json, written_whole
from spiral.methods.experiment import Experiment, Table
from spiral.section import ConfigError
from spiral.state import in_order, under_prefix, with_prefix

CHECKPOINT, METRICS, BOARD, RESULTS = "checkpoint.safetensors", "metrics.jsonl", "tensorboard", "results.json"
STEPS_PER_ROW = 20


@dataclass
class Fit:
    """Which experiment a folder is of, and how far it is.

    Attributes:
        method, experiment: by name.
        seed: decides everything that is drawn.
        options: of the experiment, as plain values.
        steps: that each part has taken, by name.
        seconds: of work so far.
    """

    method: str
    experiment: str
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)]
    options: dict[str, Any]
    steps: dict[str, Annotated[int, Field(ge=0)]] = field(default_factory=dict)
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


def require_empty(folder: Path) -> None:
    """Refuses a folder in which there is something.

    Raises:
        OutputError: there is.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is not empty, and what is in it stays: give --resume, or name another folder")


def begin(folder: Path, fit: Fit) -> None:
    """Make the folder of a fit that begins.

    Raises:
        OutputError: there is something in it.
    """
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder, fit, {})


def read_fit(folder: Path) -> tuple[Fit, Arrays]:
    """How far the fit in a folder is, and the states of its parts.

    Raises:
        ConfigError: there is none, or it is damaged.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise ConfigError(f"{folder} holds no {CHECKPOINT}: give the folder that `spiral fit --out` has filled")
    try:
        with safe_open(path, framework="numpy") as file:
            document = parsed_json((file.metadata() or {})["fit"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        return TypeAdapter(Fit).validate_python(document), arrays
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise ConfigError(f"{path} is damaged ({error}): fit anew into another folder") from error


def load_parts(experiment: Experiment, fit: Fit, arrays: Arrays) -> None:
    """Go on with a fit's parts, whose states these are.

    Raises:
        ConfigError: the fit is of a version of which the experiment had other parts.
    """
    if gone := [name for name in fit.steps if name not in experiment.parts]:
        raise ConfigError(
            f"the fit has trained {', '.join(map(repr, gone))}, which {fit.method}'s experiment {fit.experiment!r} of "
            f"this version has not (its parts are {', '.join(map(repr, experiment.parts))}): fit anew into another "
            "folder, or use the version that began it"
        )
    for name, part in experiment.parts.items():
        if own := under_prefix(name, arrays):
            try:
                part.load_state(own)
            except WeightsError as error:
                raise ConfigError(
                    f"the part {name!r} of the fit is of another version ({error}): fit anew into another folder, or "
                    "use the version that began it"
                ) from error


def unfinished(experiment: Experiment, fit: Fit) -> list[str]:
    """The parts of an experiment that have not taken all their steps, by name."""
    return [name for name, part in experiment.parts.items() if fit.steps.get(name, 0) < part.steps]


class Fitting:
    """A fit at work.

    Args:
        folder: that `begin` has made, or a fit was interrupted in.
        fit: how far it is; changed as it goes on.
        experiment: with the parts as far as that.
        tell: is told the part, how many steps it has taken and of how many, and the newest means.
    """

    def __init__(
        self,
        folder: Path,
        fit: Fit,
        experiment: Experiment,
        tell: Callable[[str, int, int, dict[str, float]], None],
        save_every_s: float = 60.0,
    ) -> None:
        self.folder, self.fit, self.experiment = folder, fit, experiment
        self._tell = tell
        self._save_every_s = save_every_s

    def train(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train all parts to their ends; False where `stop` said to, which leaves a checkpoint to go on from."""
        from torch.utils.tensorboard import SummaryWriter

        self._cut_rows()
        board = SummaryWriter(str(self.folder / BOARD))
        begun = saved = time.monotonic() - self.fit.seconds
        done = True
        try:
            for name in self.experiment.parts:
                rows = _Means()
                while (taken := self.fit.steps.get(name, 0)) < self.experiment.parts[name].steps and done:
                    rows.add(self.experiment.parts[name].step(taken / self.experiment.parts[name].steps))
                    self.fit.steps[name] = taken = taken + 1
                    self.fit.seconds = time.monotonic() - begun
                    if taken % STEPS_PER_ROW == 0:
                        self._write_row(board, name, taken, rows.take())
                        if time.monotonic() - saved > self._save_every_s:
                            self.save()
                            saved = time.monotonic()
                    done = not stop()
        finally:
            board.close()
        self.save()
        return done

    def save(self) -> None:
        """Write the checkpoint."""
        states: Arrays = {}
        for name, part in self.experiment.parts.items():
            if self.fit.steps.get(name):
                states |= with_prefix(name, part.state())
        _save(self.folder, self.fit, states)

    def finish(self) -> list[Table]:
        """Measure, draw, and write the judgement and the tables, which are returned."""
        tables = self.experiment.measure()
        self.experiment.draw(self.folder)
        judgement = self.experiment.judgement()
        if judgement is not None:
            judgement.save(self.folder)
        with written_whole(self.folder / RESULTS) as path:
            path.write_text(json.dumps([asdict(table) for table in tables], indent=2) + "\n", encoding="utf-8")
        return tables

    def _write_row(self, board: Any, part: str, step: int, means: dict[str, float]) -> None:
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": part, "step": step, **means}) + "\n")
        for name, value in means.items():
            board.add_scalar(f"{part}/{name}", value, step)
        self._tell(part, step, self.experiment.parts[part].steps, means)

    def _cut_rows(self) -> None:
        """Removes the rows that were written after the checkpoint."""
        path = self.folder / METRICS
        if path.exists():
            rows = [parsed_json(line) for line in path.read_text(encoding="utf-8").splitlines()]
            kept = [row for row in rows if row["step"] <= self.fit.steps.get(row["part"], 0)]
            with written_whole(path) as new:
                new.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


def read_results(folder: Path) -> list[Table]:
    """The tables that `finish` wrote.

    Raises:
        ConfigError: there are none.
    """
    try:
        return TypeAdapter(list[Table]).validate_python(read_json(folder / RESULTS))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder / RESULTS} cannot be read ({error}): fit to the end first") from error


class _Means:
    """The means of measurements since they were last taken."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, measured: dict[str, float]) -> None:
        for name, value in measured.items():
            self._values.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        means = {name: sum(values) / len(values) for name, values in self._values.items()}
        self._values = {}
        return means


def _save(folder: Path, fit: Fit, states: Arrays) -> None:
    with written_whole(folder / CHECKPOINT) as path:
        save_file(in_order(states), path, {"fit": json.dumps(asdict(fit))})
