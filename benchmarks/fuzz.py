"""Whatever a person hands to the command, it answers in one line: `python -m benchmarks.fuzz --inputs 10000 --seed 0`.

The command runs in this process, with the words and files of `benchmarks/fuzz_inputs.py`. An answer is right if it is
done, or one line and exit status 2; if it holds no traceback; if it comes soon; and if nothing was written or removed
outside of the input's folder. Each input that is answered otherwise is a fault, and is printed with its words.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Annotated, Any

import torch
import typer

from benchmarks.fuzz_inputs import KINDS, Whole, output
from cluster.cli import main
from cluster.engine import inspect_environment
from cluster.launch import Machines, begin
from cluster.plan import Length
from envs.program import Program
from envs.pymypaint import find_brush
from learners.checkpoint import write_checkpoint
from spiral.agent import Agent
from spiral.config import RunConfig
from spiral.presets import preset

SECONDS = 60  # of the processor, that an answer may take
BRUSH = "classic/pen"


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
        if self.status == 0:
            return f"done, and says {self.err!r:.200}" if self.err else ""
        if self.status != 2:
            return f"exit status {self.status}: {self.err!r:.400}"
        lines = self.err.splitlines()
        if len(lines) == 1 and lines[0].startswith("spiral: ") and len(lines[0]) > len("spiral: "):
            return "" if len(lines[0]) < 3000 else f"a line of {len(lines[0])} characters"
        return "" if not lines and "Usage" in self.out else f"not one line: {self.err!r:.400}"


def ask(words: list[str]) -> Answer:
    """The answer of the command to these words."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    sys.argv = ["spiral", *words]
    status: object = None
    with redirect_stdout(out), redirect_stderr(err), alarm():
        try:
            main()
        except SystemExit as end:
            status = end.code
        except BaseException as error:
            status = f"{type(error).__name__}: {error}"
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Answer(status if isinstance(status, int) else 1, texts[0], texts[1] or str(status or ""))


@contextmanager
def alarm() -> Iterator[None]:
    """Ends what takes too long."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def make_whole(place: Path) -> Whole:
    """An agent that knows nothing, a run of a few frames, a program and a brush."""
    small: dict[str, Any] = {"canvas_size": 16, "grid_size": 8, "brush": BRUSH, "brush_sizes": [1, 2], "color": False}
    small["episode_length"] = 3
    copying = preset("mnist-small-conditional").with_changes(
        {"environment.settings": small, "agent.channels": [4], "agent.hidden": 16, "agent.residual_blocks": 0,
         "policy.batch_size": 4, "discriminator.batch_size": 4, "discriminator.width": 4, "data.name": "mnist5k",
         "discriminator.replay_batches": 2, "device": "cpu"}
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
        rng = Random(f"{seed} {number}")
        kind = KINDS[number % len(KINDS)]
        folder = place / "input"
        folder.mkdir()
        if rng.random() < 0.5:
            os.environ["SPIRAL_DATA"] = str(folder)
        words = [word.replace("\0", "") for word in kind(rng, folder, whole)]
        fault = ask(words).fault()
        if not fault and kind is output and not is_kept(folder):
            fault = "a folder of a person's was changed"
        shutil.rmtree(folder)
        os.environ["SPIRAL_DATA"] = str(place / "data")
        if not fault and (strange := files_below(place) ^ before):
            fault = f"changed outside of its folder: {sorted(map(str, strange))[:3]}"
        before = files_below(place)
        tried[kind.__name__] += 1
        if fault:
            faults.append(f"input {number} ({kind.__name__}): {shlex.join(words)[:300]!r}: {fault}")
            print(faults[-1], file=sys.__stdout__, flush=True)
    return tried, faults


def is_kept(folder: Path) -> bool:
    """Whether what `output` put into folders of a person's is still there."""
    return all((path / "kept").read_text() == "kept" for path in folder.glob("o.[jnps]*/") if any(path.iterdir()))


def files_below(place: Path) -> set[Path]:
    """All files and folders that should be the same before and after each input; `work` is where names lead to."""
    return {path for path in place.rglob("*") if "work" not in path.parts and "matplotlib" not in path.name}


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
