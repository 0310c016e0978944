"""Folders of runs and populations that someone has damaged: one line that says where, and nothing is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.population.event_log import EventLog
from cluster.run.checkpoint_copies import CheckpointCopies
from cluster.run.launch import begin
from cluster.run.machines import Machines
from cluster.run.plan import Length
from envs.program import LARGEST_FILE

from .conftest import FRAMES, only_error

pytestmark = pytest.mark.usefixtures("quick")
DEEP = "[" * 50_000


@pytest.fixture(scope="module")
def whole(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two batches."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    begin(tiny, folder, Length(frames=2 * FRAMES), Machines(engine="local"))
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def document_of(run: Path) -> Path:
    return next((run / "checkpoints").iterdir()) / "run.json"


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize("file", ["run.json", "config.json", ".writer.json", "population.json"])
def test_documents_that_are_nested_too_deeply_are_damaged(spiral, run, file):
    path = document_of(run) if file == "run.json" else run / file
    path.write_text(DEEP)
    kind = ["population"] if file == "population.json" else ["train", "--engine", "local"]
    status, _, err = spiral(*kind, "--resume", "--frames", 3 * FRAMES, "--out", run)
    if file == ".writer.json":
        assert status == 0, "nobody is named in it"
    else:
        assert status == 2 and f"{path} is damaged" in only_error(err)


def test_a_setting_that_is_nested_too_deeply_is_a_text(spiral, tmp_path):
    words = ["train", "--preset", "mnist-small", "--engine", "local", "--out", tmp_path / "x"]
    status, _, err = spiral(*words, "--set", f"policy.entropy={DEEP}")
    assert status == 2 and "policy.entropy" in only_error(err)


@pytest.mark.parametrize(
    "values",
    [
        {"counters": 5}, {"counters": {"frames": "x"}}, {"counters": {"frames": -1}}, {"counters": None},
        {"counters": {"seconds": float("nan")}}, {"counters": {"reward_steps": 5}},
        {"counters": {"reward_steps": {"discriminator": -1}}}, {"counters": {"reward_steps": {"discriminator": "x"}}},
        {"logbook": {"sums": 3, "steps": 0}}, {"logbook": []},
        {"shows": "x"}, {"brush_fingerprint": 5}, {"brush_fingerprint": ["x"]},
    ],
)  # fmt: skip
def test_a_checkpoint_that_does_not_say_how_far_it_came_is_damaged(spiral, run, values):
    change(document_of(run), **values)
    status, _, err = spiral("train", "--resume", "--engine", "local", "--frames", 3 * FRAMES, "--out", run)
    assert status == 2 and f"{document_of(run)} is damaged ({next(iter(values))}" in only_error(err)


def test_a_copy_of_a_checkpoint_is_looked_at_as_well(spiral, run, tmp_path):
    change(document_of(run), length="x")
    words = ["train", "--resume", "--engine", "local", "--out", tmp_path / "new"]
    status, _, err = spiral(*words, "--checkpoints", run / "checkpoints")
    assert status == 2 and "is damaged (length" in only_error(err)


@pytest.mark.parametrize(("taken", "part"), [("agent", "policy"), ("policy", "rewards"), ("replay", "rewards")])
def test_parts_of_another_run_are_refused(spiral, run, taken, part):
    folder = document_of(run).parent
    shutil.copy(folder / f"{taken}.safetensors", folder / f"{part}.safetensors")
    status, _, err = spiral("train", "--resume", "--engine", "local", "--frames", 3 * FRAMES, "--out", run)
    assert status == 2 and f"the parts of {folder} are damaged" in only_error(err) and "start a new run" in err


def test_rows_without_frames_are_no_obstacle(spiral, run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"frames": "x"}\n{"frames": null}\n' + DEEP + "\n")
    assert spiral("train", "--resume", "--engine", "local", "--frames", 3 * FRAMES, "--out", run)[0] == 0


@pytest.mark.parametrize("values", [{"members": 10**30}, {"members": float("inf")}, {"rounds": 10**30}])
def test_no_population_has_so_many_members_or_rounds(spiral, tiny, tmp_path, values):
    plan = {"config": tiny.model_dump(mode="json"), "length": {"frames": 1}, "members": 2, "rounds": 1}
    (tmp_path / "population.json").write_text(json.dumps(plan | {"fitness": "scores"} | values))
    status, _, err = spiral("population", "--resume", "--out", tmp_path)
    assert status == 2 and "population.json is damaged" in only_error(err)


def test_lines_of_a_book_that_are_damaged_are_left_out(tmp_path):
    row = {"event": "round", "round": 1, "member": 0, "policy.learning_rate": 0.1, "policy.entropy": 0.1}
    values: tuple[Any, ...] = ("x", None, [])
    strange: list[Any] = [{**row, name: value} for name in row for value in values]
    strange += [{}, {"event": "scores", "round": 1, "scores": {"x": 1.0}}, {"event": "scores", "round": 1, "scores": 5}]
    path = tmp_path / "population.jsonl"
    path.write_text("\n".join(map(json.dumps, [*strange, row])))
    assert EventLog(path, 5).rows == [row]


def test_a_length_that_no_float_holds_is_none(spiral, run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"length": {"minutes": 10**400}}))
    status, _, err = spiral("train", "--resume", "--engine", "local", "--out", run)
    assert status == 2 and "is no length of a run" in only_error(err)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (2, 0, 8, 3), (2, 8, 8, 1)])
def test_scenes_without_pictures_are_damaged(spiral, tmp_path, monkeypatch, shape):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    (tmp_path / "scenes").mkdir()
    for split in ("train", "test"):
        actions = np.zeros((shape[0], 5, 7), np.int64)
        np.savez(tmp_path / "scenes" / f"{split}.npz", images=np.zeros(shape, np.uint8), actions=actions)
    status, _, err = spiral("data", "prepare", "scenes")
    assert status == 2 and "holds images" in only_error(err)


def test_a_device_without_an_end_is_no_program(spiral, tmp_path):
    status, _, err = spiral("render", "/dev/zero", "--out", tmp_path / "o.png")
    assert status == 2 and f"more than {LARGEST_FILE:,} bytes" in only_error(err)


@pytest.mark.parametrize(
    "address", ["x", ":", "ray://", "ray:// x", "http://127.0.0.1:1", "127.0.0.1:", "[]:x", "x:99999", "x:0"]
)
def test_what_is_no_address_of_a_cluster_is_refused_at_once(capfd, address):
    from cluster.on_ray.start import EngineError, start_ray

    with pytest.raises(EngineError, match="HOST:PORT, ray://HOST:PORT or auto"), start_ray(address, 1, 0, False):
        pass
    assert capfd.readouterr().err == "", "Ray said nothing of its own"


def test_what_is_no_address_is_refused_where_ray_runs_already(ray_session):
    from cluster.on_ray.start import EngineError, start_ray

    with pytest.raises(EngineError, match="HOST:PORT, ray://HOST:PORT or auto"), start_ray("x", 1, 0, False):
        pass


def test_a_population_looks_for_its_redis_before_it_starts_ray(spiral, tmp_path, unanswered):
    words = ["population", "--preset", "mnist-small", "--out", tmp_path / "x", "--address", f"127.0.0.1:{unanswered}"]
    status, _, err = spiral(*words, "--redis", f"redis://127.0.0.1:{unanswered}")
    assert status == 2 and "no Redis answers" in only_error(err) and not (tmp_path / "x").exists()


@pytest.mark.parametrize("url", ["dir://x", "github://x", "reference://x", "data://x", "jupyter://", "nothing://x"])
def test_a_store_that_cannot_be_had_is_refused(spiral, tmp_path, url):
    words = ["train", "--preset", "mnist-small", "--engine", "local", "--out", tmp_path / "x"]
    status, _, err = spiral(*words, "--checkpoints", url)
    assert status == 2 and f"--checkpoints {url} cannot be written to" in only_error(err)


def test_a_store_that_fails_in_a_way_of_its_own_ends_no_run(run, tmp_path, monkeypatch):
    copies = CheckpointCopies(f"file://{tmp_path}/copies")

    def fails(*words: object) -> None:
        raise LookupError("no such bucket")

    monkeypatch.setattr(copies._store, "put_file", fails)
    with pytest.raises(OSError, match="no such bucket"):
        copies.put(document_of(run).parent)


def test_long_values_leave_room_for_the_way_out(spiral, tmp_path):
    words = ["train", "--preset", "mnist-small", "--engine", "local", "--out", tmp_path / "x"]
    status, _, err = spiral(*words, "--set", f"rewards={[[0] * 6] * 200}")
    assert status == 2 and len(only_error(err)) < 2100 and " ... " in err
