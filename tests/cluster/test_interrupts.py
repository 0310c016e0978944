"""Ctrl-C ends a run with a checkpoint and no traceback, from which it goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cluster.run.interrupts import Interrupts
from learners.checkpoint import latest_checkpoint, load_checkpoint
from spiral.config import RunConfig
from tests.patience import PATIENCE_S

from .conftest import set_words

ROOT = Path(__file__).parents[2]
SHOW_OFTEN = "from cluster import cli; from cluster.run import display; display.PLAIN_INTERVAL_S = 0.0; cli.main()"
SHOWS_OFTEN = ("-c", SHOW_OFTEN)


def command(*words: str, program: Sequence[str] = ("-m", "cluster.cli")) -> subprocess.Popen[str]:
    """The command in a process group of its own, as a terminal would start it; `program` is what Python runs for it."""
    return subprocess.Popen(
        [sys.executable, "-u", *program, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def train(config: RunConfig, out: Path, engine: str, *more: str, **options: Any) -> subprocess.Popen[str]:
    """A run of an hour with small settings; the options are those of `command`."""
    words = ["train", "--preset", "mnist-small", "--minutes", "60", "--engine", engine, "--out", str(out)]
    return command(*words, *set_words(config), *more, **options)


@pytest.mark.parametrize(
    ("engine", "number"), [("local", signal.SIGTERM), ("ray", signal.SIGINT)], ids=["local, SIGTERM", "ray, Ctrl-C"]
)
def test_a_signal_ends_a_run_with_a_checkpoint_from_which_it_goes_on(tiny, tmp_path, engine, number):
    run = train(tiny, tmp_path / "run", engine, program=SHOWS_OFTEN)
    assert run.stdout is not None
    assert any(re.search(r"learning, .* [1-9]\d* frames", line) for line in run.stdout), run.communicate()
    os.killpg(run.pid, number)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, err) == (0, "")
    assert re.search(r"Stopped at \d+%", out) and f"spiral train --resume --out {tmp_path / 'run'}" in out
    done = load_checkpoint(latest_checkpoint(tmp_path / "run" / "checkpoints")).document["counters"]
    assert done["policy_steps"] > 0
    goal = str(done["frames"] + 24)
    again = command("train", "--resume", "--frames", goal, "--engine", "local", "--out", str(tmp_path / "run"))
    out, err = again.communicate(timeout=PATIENCE_S)
    assert (again.returncode, err) == (0, "")
    assert "Done: " in out and f"{done['policy_steps'] + 1:,} policy steps" in out


def test_the_first_signal_asks_and_the_second_acts():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        assert not interrupts.requested
        signal.raise_signal(signal.SIGINT)
        assert interrupts.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
