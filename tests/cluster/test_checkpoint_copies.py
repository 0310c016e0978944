"""Copies at a URL: whole or not there, the newest three, and enough to go on when everything else is lost."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path

import fsspec
import pytest

from cluster.run.checkpoint_copies import CheckpointCopies
from cluster.run.folder import RunError
from cluster.run.launch import begin, resume
from cluster.run.machines import Machines
from cluster.run.plan import Length
from learners.checkpoint import load_checkpoint

from .conftest import FRAMES


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}/copies" if request.param == "file" else f"memory://{uuid.uuid4().hex}"


def checkpoint(folder: Path, frames: int, content: str = "x") -> Path:
    path = folder / f"{frames:012d}"
    path.mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({"frames": frames}))
    (path / "policy.safetensors").write_text(content)
    return path


def names(url: str) -> list[int]:
    store, root = fsspec.url_to_fs(url)
    return sorted(int(Path(path).name) for path in store.ls(root, detail=False))


def test_the_newest_three_are_kept_and_the_newest_is_fetched(tmp_path, url):
    copies = CheckpointCopies(url)
    assert not copies.fetch_newest(tmp_path / "fetched")
    for frames in (5, 40, 300, 2000):
        copies.put(checkpoint(tmp_path / "run", frames, f"of {frames}"))
    assert names(url) == [40, 300, 2000]
    assert copies.fetch_newest(tmp_path / "fetched")
    fetched = tmp_path / "fetched" / f"{2000:012d}"
    assert [path.name for path in (tmp_path / "fetched").iterdir()] == [fetched.name]
    assert sorted(path.name for path in fetched.iterdir()) == ["policy.safetensors", "run.json"]
    assert (fetched / "policy.safetensors").read_text() == "of 2000"


def test_the_same_checkpoint_again_replaces_its_copy(tmp_path, url):
    copies = CheckpointCopies(url)
    copies.put(checkpoint(tmp_path / "first", 5, "old"))
    copies.put(checkpoint(tmp_path / "second", 5, "new"))
    copies.fetch_newest(tmp_path / "fetched")
    assert (tmp_path / "fetched" / f"{5:012d}" / "policy.safetensors").read_text() == "new"


def test_two_runs_do_not_mix_their_copies(tmp_path, url):
    first = CheckpointCopies(url)
    first.require_empty()
    first.put(checkpoint(tmp_path / "first", 300))
    second = CheckpointCopies(url)
    with pytest.raises(RunError, match=f"holds copies of another run .*{300:012d}.*--resume"):
        second.require_empty()
    second.put(checkpoint(tmp_path / "second", 400))
    with pytest.raises(OSError, match=f"another run has put {400:012d} there, so end one of the two"):
        first.put(checkpoint(tmp_path / "first", 350))
    second.put(checkpoint(tmp_path / "second", 500))
    assert names(url) == [300, 400, 500]


def test_a_copy_that_was_cut_off_does_not_count(tmp_path, url, monkeypatch):
    copies = CheckpointCopies(url)
    copies.put(checkpoint(tmp_path / "run", 5))

    def fail(*_: object, **__: object) -> None:
        raise OSError("the network is gone")

    store = fsspec.url_to_fs(url)[0]
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "mv", fail)
        with pytest.raises(OSError, match="network is gone"):
            copies.put(checkpoint(tmp_path / "run", 40))
    assert copies.fetch_newest(tmp_path / "fetched")
    assert [path.name for path in (tmp_path / "fetched").iterdir()] == [f"{5:012d}"]


def test_what_a_store_gives_by_half_is_no_checkpoint_and_is_not_left_behind(tmp_path, url, monkeypatch):
    copies = CheckpointCopies(url)
    copies.put(checkpoint(tmp_path / "run", 5))
    store = type(fsspec.url_to_fs(url)[0])
    get_file = store.get_file

    def fail_on_the_document(self: object, source: str, target: str) -> None:
        if source.endswith("run.json"):
            raise OSError("the network is gone")
        get_file(self, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(store, "get_file", fail_on_the_document)
        with pytest.raises(OSError, match="network is gone"):
            copies.fetch_newest(tmp_path / "fetched")
    assert list((tmp_path / "fetched").iterdir()) == []
    assert copies.fetch_newest(tmp_path / "fetched")


@pytest.mark.parametrize("wrong", ["nowhere://bucket/run", "file:///proc/version/run"])
def test_a_url_that_cannot_be_written_to_is_named(wrong):
    with pytest.raises(RunError, match=f"--checkpoints {wrong} cannot be written to.*fsspec"):
        CheckpointCopies(wrong)


@pytest.mark.usefixtures("quick")
def test_a_run_goes_on_from_a_copy_when_its_folder_is_lost(tiny, tmp_path, url, capsys):
    machines = Machines(engine="local", checkpoints=url)
    begun = begin(tiny, tmp_path / "run", Length(frames=2 * FRAMES), machines)
    assert names(url) == [2 * FRAMES]
    shutil.rmtree(tmp_path / "run")
    resumed = resume(tmp_path / "other", Length(frames=4 * FRAMES), machines)
    assert resumed.over and resumed.counters.policy_steps == begun.counters.policy_steps + 2
    assert int(load_checkpoint(resumed.checkpoint).parts["policy"]["version"]) == 4
    assert names(url) == [2 * FRAMES, 4 * FRAMES]
    with pytest.raises(RunError, match="is over"):
        resume(tmp_path / "other", None, machines)
