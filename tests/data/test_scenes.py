"""The scenes are drawn as their programs say, the same ones for the same seed, and are never half there."""

from __future__ import annotations

from typing import IO

import numpy as np
import pytest
from typer.testing import CliRunner

from actors import scene_making
from actors.scene_making import make_scenes
from cluster.cli import app
from cluster.studio.make_data import make_data
from envs import SCENES_ID, SCENES_V1_ID
from envs.program import Program
from envs.scene_objects import ADD
from envs.scene_settings import SceneSettings
from spiral.data import DatasetCorrupt, DatasetError, DatasetMissing, catalogue, load, prepare
from spiral.data.arrays import SPLITS, path
from spiral.data.scenes import SceneSet, read, write


def nothing(_: int) -> None:
    pass


@pytest.fixture(scope="module")
def some() -> SceneSet:
    return make_scenes("test", 12, seed=3, processes=2, progress=nothing)


def test_every_picture_is_that_of_its_program(some):
    assert (some.images.shape, some.images.dtype) == ((12, 64, 64, 3), np.uint8)
    for image, actions in zip(some.images, some.actions, strict=True):
        np.testing.assert_array_equal(Program(SCENES_ID, {"episode_length": 5}, actions).replay(), image)


def test_the_seed_decides_the_scenes_and_the_number_of_processes_nothing(some, monkeypatch):
    monkeypatch.setattr(scene_making, "CHUNK", 5)
    told: list[int] = []
    in_chunks = make_scenes("test", 12, seed=3, processes=1, progress=told.append)
    assert told == [5, 5, 2]
    np.testing.assert_array_equal(
        in_chunks.images, make_scenes("test", 12, seed=3, processes=2, progress=nothing).images
    )
    for other in (make_scenes("train", 5, 3, 1, nothing), make_scenes("test", 5, 4, 1, nothing)):
        assert (other.images != in_chunks.images[:5]).any()


def test_a_set_is_drawn_by_one_command_and_used_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="run `spiral data make scenes`"):
        load("scenes", "train", 64, color=True)
    command = ["data", "make", "scenes", "--train", "6", "--held-out", "4", "--processes", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "6 scenes to train on and 4 held out" in result.output
    assert sorted(file.name for file in (tmp_path / "scenes").iterdir()) == ["test.npz", "train.npz"]
    assert prepare("scenes") == tmp_path / "scenes"
    assert [entry.ready for entry in catalogue() if entry.name == "scenes"] == [True]
    images = load("scenes", "train", 64, color=True)
    np.testing.assert_array_equal(images, read(tmp_path / "scenes", "train").images)
    assert load("scenes", "test", 32, color=True).shape == (4, 32, 32, 3)
    assert load("scenes", "test", 64).shape == (4, 64, 64, 1)


def test_the_small_set_has_one_or_two_objects(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="run `spiral data make scenes-2`"):
        load("scenes-2", "train", 64, color=True)
    command = ["data", "make", "scenes-2", "--train", "30", "--held-out", "30", "--processes", "1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    kind = SceneSettings().action_spec.index("kind")
    for split in SPLITS:
        actions = read(tmp_path / "scenes-2", split).actions
        assert actions.shape[:2] == (30, 2) and set((actions[..., kind] == ADD).sum(axis=1)) == {1, 2}


def test_the_set_of_five_objects_has_smooth_edges(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    command = ["data", "make", "scenes-five", "--train", "4", "--held-out", "40", "--processes", "1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    some = read(tmp_path / "scenes-five", "test")
    assert set((some.actions[..., SceneSettings().action_spec.index("kind")] == ADD).sum(axis=1)) == {1, 2, 3, 4, 5}
    for image, actions in zip(some.images[:4], some.actions, strict=False):
        np.testing.assert_array_equal(Program(SCENES_V1_ID, {"episode_length": 5}, actions).replay(), image)
    assert "spiral/Scenes-v1" in next(entry.note for entry in catalogue() if entry.name == "scenes-five")


def test_what_is_not_drawn_here_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match="mnist is not drawn here: give scenes, scenes-2"):
        make_data("mnist", 0, 1, 1, 1)


@pytest.mark.parametrize("content", [b"", b"not an archive", None], ids=["empty", "text", "cut off"])
def test_a_damaged_file_is_never_used(content, some, tmp_path):
    for split in SPLITS:
        write(tmp_path, split, some)
    file = path(tmp_path, "train")
    file.write_bytes(file.read_bytes()[:5000] if content is None else content)
    with pytest.raises(DatasetCorrupt, match="is damaged or no set of scenes"):
        read(tmp_path, "train")
    assert len(read(tmp_path, "test").images) == 12


def test_an_archive_of_something_else_is_refused(some, tmp_path):
    write(tmp_path, "test", SceneSet(some.images[..., 0], some.actions))
    with pytest.raises(DatasetCorrupt, match=r"holds images uint8 \(12, 64, 64\)"):
        read(tmp_path, "test")


def test_a_write_that_fails_leaves_the_old_file(some, tmp_path, monkeypatch):
    file = write(tmp_path, "test", some)
    before = file.read_bytes()

    def fail(file: IO[bytes], **_: object) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path, "test", some)
    assert file.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
