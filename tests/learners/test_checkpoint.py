"""Checkpoints are whole or not there, keep every number, and say what is wrong with a damaged one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.actions import ActionSpec, paint_action_spec
from learners.checkpoint import (
    CheckpointError,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    save_only_checkpoint,
)
from spiral.contracts import Arrays
from spiral.descent import DivergedError

SPEC = paint_action_spec(8, 2, color=False)
DOCUMENT = {"config": {}, "action_spec": SPEC.to_json(), "canvas_shape": [16, 16, 1], "frames": 64, "mean": 0.1 + 0.2}
PARTS: dict[str, Arrays] = {
    "policy": {"network/w": np.arange(6, dtype=np.float32).reshape(2, 3).T, "version": np.array(3)},
    "replay": {"renders": np.full((2, 4, 4, 1), 200, np.uint8), "random": np.array([2**63 + 1], np.uint64)},
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path, 64, DOCUMENT, PARTS)


def test_every_number_comes_back(saved):
    checkpoint = load_checkpoint(saved)
    assert checkpoint.document["mean"] == DOCUMENT["mean"]
    for part, arrays in PARTS.items():
        assert sorted(checkpoint.part(part)) == sorted(arrays)
        for name, array in arrays.items():
            loaded = checkpoint.part(part)[name]
            assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(loaded, array)


def test_the_newest_are_kept_and_the_latest_is_found(tmp_path):
    for order in (5, 40, 300, 2000):
        save_checkpoint(tmp_path, order, DOCUMENT, PARTS, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["000000000300", "000000002000"]
    assert latest_checkpoint(tmp_path).name == "000000002000"


def test_the_same_order_again_replaces(tmp_path, saved):
    save_checkpoint(tmp_path, 64, {**DOCUMENT, "frames": 65}, {"policy": PARTS["policy"]})
    again = load_checkpoint(saved)
    assert again.document["frames"] == 65
    with pytest.raises(CheckpointError, match="has no part 'replay'; it has policy"):
        again.part("replay")


def test_a_checkpoint_that_was_cut_off_does_not_count(tmp_path, saved, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("learners.checkpoint.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(tmp_path, 128, DOCUMENT, PARTS)
    assert [p.name for p in tmp_path.iterdir()] == [saved.name]
    (tmp_path / ".killed.000000000256").mkdir()
    assert latest_checkpoint(tmp_path) == saved
    monkeypatch.undo()
    newer = save_checkpoint(tmp_path, 256, DOCUMENT, PARTS)
    assert sorted(p.name for p in tmp_path.iterdir()) == [saved.name, newer.name], "what a killed run left is gone"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_never_take_the_place_of_a_good_checkpoint(tmp_path, saved, value):
    for order in (64, 128, 256, 512):
        with pytest.raises(DivergedError, match="part 'discriminator' of a checkpoint: network/w is not finite"):
            save_checkpoint(tmp_path, order, DOCUMENT, {**PARTS, "discriminator": {"network/w": np.array([1, value])}})
    assert [p.name for p in tmp_path.iterdir()] == [saved.name]
    assert load_checkpoint(saved).document["frames"] == 64


def test_only_some_parts_are_read_when_only_some_are_wanted(saved):
    (saved / "replay.safetensors").unlink()
    assert list(load_checkpoint(saved, only=("policy",)).parts) == ["policy"]


def test_a_missing_checkpoint_is_explained(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint in .*train first"):
        latest_checkpoint(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"run\.json cannot be read"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "pickle", "missing"])
def test_a_damaged_part_names_the_file_and_the_way_out(tmp_path, saved, damage):
    newer = save_checkpoint(tmp_path, 128, DOCUMENT, PARTS)
    file = newer / "policy.safetensors"
    content = {"truncated": file.read_bytes()[:-3], "pickle": b"\x80\x04K\x01.", "missing": None}[damage]
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(CheckpointError, match="missing or damaged") as error:
        load_checkpoint(newer)
    assert str(file) in str(error.value) and f"remove {newer} to go on from {saved}" in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1}', "null"])
def test_a_damaged_document_is_refused(saved, text):
    (saved / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"run\.json"):
        load_checkpoint(saved)


def test_another_agent_or_canvas_is_refused(saved):
    checkpoint = load_checkpoint(saved)
    checkpoint.require(SPEC, (16, 16, 1))
    with pytest.raises(CheckpointError, match=r"control \(64\).*but the environment has.*red \(20\)"):
        checkpoint.require(paint_action_spec(8, 2, color=True), (16, 16, 1))
    with pytest.raises(CheckpointError, match=r"\(16, 16, 1\).*\(32, 32, 1\)"):
        checkpoint.require(SPEC, (32, 32, 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 64), st.integers(1, 6), st.booleans())
def test_any_action_spec_survives_the_document(grid, sizes, color):
    spec = paint_action_spec(grid, sizes, color)
    assert ActionSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_what_a_person_has_put_among_checkpoints_stays(tmp_path, saved):
    (saved / "notes.txt").write_text("kept")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "kept").write_text("kept")
    for order in (64, 65, 66, 67, 68):
        save_checkpoint(tmp_path, order, DOCUMENT, PARTS)
    assert (tmp_path / ".git" / "kept").exists()
    assert [path.name for path in saved.iterdir()] == ["notes.txt"], "its checkpoint was replaced, and then pruned"


def test_a_checkpoint_that_takes_the_place_of_all_leaves_what_is_not_ours(tmp_path):
    for order in (64, 128, 256):
        newest = save_checkpoint(tmp_path, order, DOCUMENT, PARTS)
    (newest / "notes.txt").write_text("kept")
    only = save_only_checkpoint(tmp_path, 128, {**DOCUMENT, "frames": 99}, PARTS)
    assert latest_checkpoint(tmp_path) == only and load_checkpoint(only).document["frames"] == 99
    assert sorted(path.name for path in tmp_path.iterdir()) == [only.name, newest.name]
    assert [path.name for path in newest.iterdir()] == ["notes.txt"]
