"""Whatever a person hands to the command, it answers in one line: `python -m benchmarks.fuzz --inputs 10000 --seed 0`.

The command runs in this process, but for what is read when a library is imported. An answer is right if it is done, or
one line and exit status 2; if it holds no traceback; if it comes soon; and if nothing was written or removed outside of
the input's folder. Each input that is answered otherwise is a fault, and is printed with its words.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Annotated, Any
from unittest.mock import patch

import torch
import typer

from benchmarks.fuzz.damage import Whole
from benchmarks.fuzz.data import data_set, pictures
from benchmarks.fuzz.files import brush, brush_name, output, picture, program
from benchmarks.fuzz.folders import checkpoint, copies, curves, fits, population, run_folder, writer
from benchmarks.fuzz.variables import at_import, variables
from benchmarks.fuzz.words import address, cluster, job, options, settings, store
from cluster.cli import main
from cluster.run.engine import inspect_environment
from cluster.run.launch import begin
from cluster.run.machines import Machines
from cluster.run.plan import Length
from envs.program import Program
from envs.pymypaint import find_brush
from learners.checkpoint import write_checkpoint
from spiral.agent import Agent
from spiral.config import RunConfig
from spiral.presets import preset

KINDS: tuple[Callable[[Random, Path, Whole], list[str]], ...] = (
    program, picture, brush, brush_name, checkpoint, run_folder, curves, writer, fits, population, copies, pictures,
    data_set, settings, options, address, cluster, job, store, variables, output,
)  # fmt: skip
EVERY = 200  # inputs, one is `at_import`, which takes seconds
SECONDS = 60  # of the processor, that an answer may take
WAITING = 600  # seconds that it may wait for others, which are many on a machine that others use
BRUSH = "classic/pen"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """What the command said, and its exit status."""

    status: int
    out: str
    err: str

    def fault(self) -> str:
        """What is wrong with it; empty where nothing is."""
        if "Traceback" in self.out + self.err:
            return "a traceback"
        warned = [line for line in self.err.splitlines() if line.startswith("spiral: warning: ")]
        lines = [line for line in self.err.splitlines() if line not in warned]
        if self.status == 0:
            return f"done, and says {self.err!r:.400}" if lines or not all(map(str.isprintable, warned)) else ""
        if self.status != 2:
            return f"exit status {self.status}: {self.err!r:.400}"
        if len(lines) == 1 and lines[0].startswith("spiral: ") and len(lines[0]) > len("spiral: "):
            return "" if len(lines[0]) < 3000 else f"a line of {len(lines[0])} characters"
        return "" if not lines and "Usage" in self.out else f"not one line: {self.err!r:.400}"


def ask(words: list[str], variables: dict[str, str]) -> Answer:
    """The answer of the command to these words, with these variables set."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    sys.argv = ["spiral", *words]
    status: object = None
    with patch.dict(os.environ, variables), redirect_stdout(out), redirect_stderr(err), alarms():
        if "TMPDIR" in variables:
            tempfile.tempdir = None  # so that it is looked for anew
        try:
            main()
        except SystemExit as end:
            status = end.code
        except BaseException as error:
            status = f"{type(error).__name__}: {error}"
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Answer(status if isinstance(status, int) else 1, texts[0], texts[1] or str(status or ""))


def ask_anew(words: list[str], variables: dict[str, str]) -> Answer:
    """The same in a process of its own."""
    command = [sys.executable, "-P", "-m", "cluster.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAITING)
    return Answer(done.returncode, done.stdout, done.stderr)


@contextmanager
def alarms() -> Iterator[None]:
    """Ends what takes too long."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, SECONDS), (signal.ITIMER_REAL, signal.SIGALRM, WAITING))
    before = [signal.signal(number, too_long) for _, number, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def split(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words of the command, and the variables that stand before them, as in a shell."""
    words = [word.replace("\0", "") for word in words]
    first = next((n for n, word in enumerate(words) if not re.match(r"[A-Z_]{3,}=", word)), len(words))
    return words[first:], dict(word.split("=", 1) for word in words[:first])


def make_whole(place: Path) -> Whole:
    """An agent that knows nothing, a run of a few frames, a program and a brush."""
    small: dict[str, Any] = {"canvas_size": 16, "grid_size": 8, "brush": BRUSH, "brush_sizes": [1, 2], "color": False}
    small["episode_length"] = 3
    copying = preset("mnist-small-conditional").with_changes(
        {"environment.settings": small, "agent.channels": [4], "agent.hidden": 16, "agent.residual_blocks": 0,
         "policy.batch_size": 4, "data.name": "mnist5k", "replay.pictures": 8, "device": "cpu",
         "rewards.discriminator.options.batch_size": 4, "rewards.discriminator.options.width": 4,
         "rewards.discriminator.warm_up": 2}
    )  # fmt: skip
    write_agent(copying, place / "agent")
    begin(copying, place / "run", Length(frames=130), Machines(engine="local"))
    program = Program.load(place / "run" / "programs" / "0.json").to_json()
    return Whole(place / "agent", place / "run", program, find_brush(BRUSH).read_bytes())


def write_agent(config: RunConfig, folder: Path) -> None:
    """Writes a checkpoint of an agent that knows nothing."""
    spec, shape = inspect_environment(config)
    agent = {name: tensor.numpy() for name, tensor in Agent(spec, shape, config.agent).state_dict().items()}
    folder.mkdir()
    document = {"config": config.model_dump(mode="json"), "action_spec": spec.to_json(), "canvas_shape": list(shape)}
    write_checkpoint(folder, document, {"agent": agent})


def fuzz(inputs: int, seed: int, place: Path) -> tuple[Counter[str], list[str]]:
    """How many inputs of each kind there were, and the faults that were found.

    Args:
        inputs: how many.
        seed: decides all of them; input k is the same however many there are.
        place: an empty folder for all that is written.
    """
    torch.set_num_threads(1)  # the nets are too small to gain by threads
    whole = make_whole(place)
    for name in ("tmp", "data", "work"):
        (place / name).mkdir()
    os.chdir(place / "work")
    os.environ |= {"SPIRAL_DATA": str(place / "data"), "TMPDIR": str(place / "tmp")}
    tempfile.tempdir = str(place / "tmp")
    tried: Counter[str] = Counter()
    faults = []
    before = files_below(place)
    for number in range(inputs):
        kind = at_import if number % EVERY == EVERY - 1 else KINDS[number % len(KINDS)]
        folder = place / "input"
        folder.mkdir()
        words, variables = split(kind(Random(f"{seed} {number}"), folder, whole))
        fault = (ask_anew if kind is at_import else ask)(words, variables).fault()
        tempfile.tempdir = str(place / "tmp")
        if not fault and kind is output and not is_kept(folder):
            fault = "a folder of a person's was changed"
        shutil.rmtree(folder)
        if not fault and (strange := files_below(place) ^ before):
            fault = f"changed outside of its folder: {sorted(map(str, strange))[:3]}"
        before = files_below(place)
        tried[kind.__name__] += 1
        if fault:
            asked = shlex.join([f"{name}={value}" for name, value in variables.items()] + words)
            faults.append(f"input {number} ({kind.__name__}): {asked[:400]!r}: {fault}")
            print(faults[-1], file=sys.__stdout__, flush=True)
    return tried, faults


def is_kept(folder: Path) -> bool:
    """Whether what `output` put into folders of a person's is still there."""
    return all((path / "kept").read_text() == "kept" for path in folder.glob("o.[jnps]*/") if any(path.iterdir()))


def files_below(place: Path) -> set[Path]:
    """All files and folders that should be the same before and after each input.

    `work` is where names lead to. What libraries keep in the temporary folder is theirs: Matplotlib's and Ray's
    folders, and those without a name, such as fsspec's.
    """
    theirs = re.compile(rf"{re.escape(str(place))}/(work|tmp/(ray|tmp\w+|matplotlib\S*))(/|$)")
    return {path for path in place.rglob("*") if not theirs.match(str(path))}


def command(
    inputs: Annotated[int, typer.Option(min=1, help="How many inputs.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Decides all of them.")] = 0,
) -> None:
    """Hand damaged and made-up inputs of every kind to the command; exit status 1 if it answers one wrongly."""
    with tempfile.TemporaryDirectory(prefix="spiral-fuzz-") as place:
        tried, faults = fuzz(inputs, seed, Path(place))
        os.chdir("/")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in tried.items())
    print(f"{sum(tried.values()):,} inputs ({kinds}), {len(faults)} faults")
    raise typer.Exit(1 if faults else 0)


if __name__ == "__main__":
    typer.run(command)
