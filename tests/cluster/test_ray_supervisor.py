"""A process that dies is started again: nothing that it was asked for is lost, and versions only grow."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest
import ray

from cluster.on_ray import supervisor
from cluster.on_ray.start import EngineError
from cluster.on_ray.supervisor import Supervised, take_from_all
from spiral.contracts import Arrays

pytestmark = pytest.mark.usefixtures("ray_session")


class Counter:
    """Stands in for a learner: its only weight is how many steps it took."""

    def __init__(self, state: Arrays | None, version: int) -> None:
        self.steps = 0 if state is None else int(state["steps"])
        self.version = version

    def ping(self) -> None:
        pass

    def step(self, deadly: str | None = None) -> tuple[int, int]:
        """Steps and version; dies the first time that it is asked with a file that is not there yet."""
        if deadly is not None and not os.path.exists(deadly):
            open(deadly, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps += 1
        self.version += 1
        return self.steps, self.version

    def fail(self) -> None:
        raise ValueError("its own fault")

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def state(self) -> Arrays:
        return {"steps": np.array(self.steps), "version": np.array(self.version)}


class Checkpoints:
    """What was kept last."""

    def __init__(self) -> None:
        self.kept: Arrays | None = None

    def __call__(self) -> Arrays | None:
        return self.kept


@pytest.fixture
def kept() -> Checkpoints:
    return Checkpoints()


@pytest.fixture
def counter(kept: Checkpoints) -> Any:
    actor: Any = ray.remote(Counter).options(num_cpus=0)
    supervised = Supervised("the counter", actor.remote, kept)
    supervised.wait()
    yield supervised
    supervised.close()


def test_requests_under_way_are_asked_again_in_order_from_the_last_checkpoint(counter, kept, tmp_path):
    for _ in range(3):
        counter.ask("step", steps=1)
        assert counter.take(timeout=None) is not None
    kept.kept = counter.call("state")
    counter.ask("step", steps=1)
    assert counter.take(timeout=None) == (None, (4, 4))
    for note, deadly in (("first", str(tmp_path / "once")), ("second", None)):
        counter.ask("step", deadly, steps=1, note=note)
    # The process may have published any version up to 6: its heir begins at 7 with the three steps that were kept.
    assert [counter.take(timeout=None) for _ in range(2)] == [("first", (4, 8)), ("second", (5, 9))]
    assert counter.restarts == 1 and len(counter) == 0 and counter.newest == 9


def test_without_a_checkpoint_it_begins_anew_above_all_versions(counter, tmp_path):
    counter.ask("step", steps=1)
    assert counter.take(timeout=None) == (None, (1, 1))
    counter.ask("step", str(tmp_path / "once"), steps=1)
    assert counter.take(timeout=None) == (None, (1, 4))


def test_its_own_errors_are_raised_and_kill_nothing(counter):
    counter.ask("fail")
    counter.ask("step", steps=1)
    with pytest.raises(ValueError, match="its own fault"):
        counter.take(timeout=None)
    assert counter.take(timeout=None) == (None, (1, 1)) and counter.restarts == 0


def test_a_process_without_an_heir_ends_the_run_when_it_dies():
    actor: Any = ray.remote(Counter).options(num_cpus=0)
    pair = [Supervised("the counter", actor.remote, recover=None) for _ in range(2)]
    for process in pair:
        process.ask("step", steps=1, note="both")
    assert take_from_all(pair, timeout=None) == [("both", (1, 1))] * 2
    pair[0].ask("step", steps=1)
    assert take_from_all(pair, timeout=0.0) == [], "not before both have answered"
    pair[1].ask("die")
    with pytest.raises(EngineError, match="a process of the run died.*enough memory.*--resume"):
        take_from_all(pair, timeout=None)
    assert pair[1].restarts == 0
    for process in pair:
        process.close()


def test_what_kills_it_every_time_ends_the_run_with_a_way_out(counter, monkeypatch):
    monkeypatch.setattr(supervisor, "DEATHS_IN_A_ROW", 1)
    counter.ask("die")
    with pytest.raises(EngineError, match="the counter died 2 times in a row.*enough memory.*--resume"):
        counter.take(timeout=None)
