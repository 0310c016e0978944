"""Runs, agents and programs under another set of brushes: one line on the screen, and they go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch

from actors.broadcast import Broadcast
from actors.pool import RolloutWorker
from actors.rollout import OtherBrushError, Rollout
from cluster.population.folder import Plan, PopulationFolder
from cluster.population.member import Work, play_round
from cluster.population.resources import MemberResources
from cluster.population.run import resume as resume_population
from cluster.population.settings import levels_of
from cluster.run.engine import describe_run
from cluster.run.feed.memory import MemoryFeed
from cluster.run.feed.texts import pack_description, unpack_description
from cluster.run.launch import begin, load_pictures
from cluster.run.machines import Machines
from cluster.run.plan import Length
from cluster.watch.gallery import Episode
from envs.other_brush import OtherBrushWarning
from envs.program import Program
from envs.pymypaint import fingerprint
from learners.checkpoint import latest_checkpoint, load_checkpoint
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from tests.brush_sets import NAME, write_set
from tests.tiny import made_up

from .conftest import FRAMES

ALONE = MemberResources(1, 1.0, 0.0)  # one member of a population at a time, in one process
pytestmark = pytest.mark.usefixtures("quick")
BRUSH = {"environment.settings.brush": NAME}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two folders of brushes."""
    folder = tmp_path_factory.mktemp("brushes")
    return str(write_set(folder / "strong", 1.0)), str(write_set(folder / "weak", 0.3))


@pytest.fixture(scope="module")
def trained(tiny_copying: RunConfig, sets: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the first of them."""
    folder = tmp_path_factory.mktemp("runs") / "strong"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPAINT_BRUSHES", sets[0])
        length = Length(frames=2 * FRAMES)
        begin(tiny_copying.with_changes(BRUSH), folder, length, Machines(engine="local"))
    return folder


def document_of(run: Path) -> dict[str, object]:
    return load_checkpoint(latest_checkpoint(run / "checkpoints"), only=()).document


def test_checkpoints_and_programs_of_a_run_say_which_brush_it_had(trained, sets):
    there = fingerprint(Path(sets[0]) / NAME)
    assert document_of(trained)["brush_fingerprint"] == there
    programs = sorted((trained / "programs").iterdir())
    assert programs and {Program.load(path).brush_fingerprint for path in programs} == {there}


@pytest.mark.parametrize(
    "words",
    [
        ["render", "{run}/programs/0.json", "--out", "{out}/x.png", "--size", "32"],
        ["eval", "--run", "{run}", "--count", "4"],
        ["sample", "--run", "{run}", "--count", "4", "--out", "{out}/x.png"],
        ["parse", "{run}/picture.png", "--run", "{run}", "--samples", "2", "--out", "{out}/parsed"],
    ],
    ids=lambda words: words[0],
)
def test_another_brush_is_one_line_and_the_command_goes_on(spiral, trained, sets, tmp_path, monkeypatch, words):
    words = [word.format(run=trained, out=tmp_path) for word in words]
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    assert spiral(*words)[::2] == (0, "")
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[1])
    status, _, err = spiral(*words)
    assert status == 0
    assert err.count("\n") == 1 and err.startswith(f"spiral: warning: {NAME} here is another brush")
    assert f"found at {sets[1]}" in err and str(document_of(trained)["brush_fingerprint"]) in err


def test_whoever_asks_for_a_brush_or_edits_is_not_warned(spiral, trained, sets, tmp_path, monkeypatch):
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[1])
    program, edited = trained / "programs/0.json", tmp_path / "edited.json"
    assert spiral("render", program, "--brush", "classic/pen", "--out", tmp_path / "x.png")[::2] == (0, "")
    assert spiral("render", program, "--out", tmp_path / "x.svg")[::2] == (0, "")
    assert spiral("edit", program, "--out", edited, "--remove", 0)[::2] == (0, "")
    assert Program.load(edited).brush_fingerprint == Program.load(program).brush_fingerprint
    assert "another brush" in spiral("render", edited, "--out", tmp_path / "x.png")[2]
    monkeypatch.setenv("MYPAINT_BRUSHES", str(tmp_path))
    assert spiral("render", program, "--out", tmp_path / "y.svg")[::2] == (0, ""), "lines need no brush"
    assert spiral("edit", program, "--out", edited, "--remove", 0)[::2] == (0, "")
    assert spiral("render", program, "--out", tmp_path / "y.png")[0] == 2


def test_a_warning_is_no_error_even_where_python_makes_errors_of_them(trained, sets, tmp_path):
    command = [sys.executable, "-W", "error::UserWarning", "-m", "cluster.cli", "render", trained / "programs/0.json"]
    environment = os.environ | {"MYPAINT_BRUSHES": sets[1], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([*command, "--out", tmp_path / "x.png"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "x.png").is_file()
    assert done.stderr.startswith("spiral: warning: ") and done.stderr.count("\n") == 1


def test_a_run_goes_on_with_another_brush_and_its_checkpoints_say_so(spiral, tiny_copying, sets, tmp_path, monkeypatch):
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    begin(tiny_copying.with_changes(BRUSH), tmp_path / "x", Length(frames=FRAMES), Machines(engine="local"))
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[1])
    again = ("train", "--resume", "--engine", "local", "--out", tmp_path / "x", "--frames")
    status, _, err = spiral(*again, 2 * FRAMES)
    assert status == 0 and err.count("\n") == 1 and "another brush" in err
    assert document_of(tmp_path / "x")["brush_fingerprint"] == fingerprint(NAME)
    assert spiral(*again, 3 * FRAMES)[::2] == (0, "")


def test_an_agent_of_before_is_not_warned_of(spiral, trained, sets, tmp_path, monkeypatch):
    place = latest_checkpoint(trained / "checkpoints")
    document = json.loads((place / "run.json").read_text())
    del document["brush_fingerprint"]
    (tmp_path / "old").mkdir()
    (tmp_path / "old/run.json").write_text(json.dumps(document | {"parts": ["agent"]}))
    (tmp_path / "old/agent.safetensors").write_bytes((place / "agent.safetensors").read_bytes())
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[1])
    assert spiral("eval", "--run", tmp_path / "old", "--count", 4)[::2] == (0, "")


def test_info_says_which_file_the_brush_is(spiral):
    status, out, _ = spiral("info", "--preset", "mnist-small")
    lines = [line for line in out.splitlines() if line.startswith("brush: ")]
    assert status == 0 and len(lines) == 1
    assert lines[0].startswith(f"brush: classic/pen, fingerprint {fingerprint('classic/pen')}, /")
    assert lines[0].endswith("/classic/pen.myb")


def test_a_machine_with_another_brush_is_refused_by_its_name(tiny, sets, monkeypatch):
    config = tiny.with_changes(BRUSH)
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    rollout = Rollout(config, MemoryWeights(), None, 0, 2)
    rollout.require_brush(None)
    rollout.require_brush(fingerprint(NAME))
    other = fingerprint(Path(sets[1]) / NAME)
    with pytest.raises(OtherBrushError, match=f"{os.uname().nodename} finds another brush called '{NAME}'.*{other}"):
        rollout.require_brush(other)


def test_a_worker_with_another_brush_does_not_begin(tiny, sets, monkeypatch):
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    config, threads = tiny.with_changes(BRUSH), torch.get_num_threads()
    other = fingerprint(Path(sets[1]) / NAME)
    broadcast = partial(Broadcast, MemoryFeed(), 0, 0.0)
    worker = RolloutWorker(config, 2, None, broadcast, int, threads, other)
    with pytest.raises(OtherBrushError, match=other):
        worker.begin(load_pictures(config)[0], MemoryWeights())
    assert worker.play("learning") is None


def test_a_member_of_a_population_with_another_brush_is_refused(tiny_copying, sets, tmp_path, monkeypatch, address):
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    plan = Plan(tiny_copying.with_changes(BRUSH), Length(frames=FRAMES), 2, 1, "held_out")
    folder, other = PopulationFolder(tmp_path), fingerprint(Path(sets[1]) / NAME)
    description = describe_run(plan.config, tmp_path, plan.length)
    work = Work(folder, plan, ALONE, 1, address, description, other)
    with pytest.raises(OtherBrushError, match=NAME):
        play_round(work, *load_pictures(plan.config), 0, levels_of(plan.config), 1)


def test_a_population_that_goes_on_is_told_once_for_all_members(tiny_copying, sets, tmp_path, monkeypatch, address):
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    plan = Plan(tiny_copying.with_changes(BRUSH), Length(frames=4 * FRAMES), 2, 2, "held_out")
    folder = PopulationFolder(tmp_path)
    folder.begin(plan)
    work = Work(folder, plan, ALONE, 1, address, describe_run(plan.config, tmp_path, plan.length), fingerprint(NAME))
    play_round(work, *load_pictures(plan.config), 1, levels_of(plan.config), 1)
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[1])
    warnings.simplefilter("error", OtherBrushWarning)  # which ends it before Ray begins
    with pytest.raises(OtherBrushWarning, match=f"the population in {tmp_path} was trained"):
        resume_population(tmp_path)


def test_programs_of_the_live_page_carry_the_fingerprint_of_the_run(tiny, sets, tmp_path, monkeypatch):
    config = tiny.with_changes(BRUSH)
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[0])
    description = describe_run(config, tmp_path, Length(minutes=1))
    run = unpack_description(pack_description(description))
    actions = made_up(config, length=run.episode_length).actions[:, 0]
    program = Program.from_json(Episode(run, None, actions).document())
    assert program.brush_fingerprint == fingerprint(NAME)
    monkeypatch.setenv("MYPAINT_BRUSHES", sets[1])
    with pytest.warns(OtherBrushWarning):
        program.render(64)
