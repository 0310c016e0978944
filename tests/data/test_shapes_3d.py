"""Rooms are drawn as their factors say, and the domains of a split vary in what they should and in nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from actors import room_making
from actors.room_making import make_rooms, room_of
from cluster.cli import app
from cluster.studio.make_data import make_data
from envs.rooms import Room, draw_rooms
from spiral.data import DatasetCorrupt, DatasetError, DatasetMissing, catalogue, load_pictures, prepare
from spiral.data.arrays import path
from spiral.data.shapes_3d import FACTORS, FIXED, NAMES, PARTS, ROLES, ROUND, factors_of, read, varying, write

ROOM = Room(0.0, 0.6, 0.3, 0.5, "sphere", 0.0)


def nothing(_: int) -> None:
    pass


def test_a_room_shows_its_hues_and_its_object_where_they_are() -> None:
    (picture,) = draw_rooms([ROOM], 64)
    floor, wall, thing = picture[60, 4].astype(int), picture[4, 32].astype(int), picture[34, 32].astype(int)
    assert floor[0] > 150 and floor[1:].max() < 40, "red below"
    assert wall[2] > 100 and wall[0] < 40, "blue above"
    assert thing[1] > 100 and thing[2] < 40, "green in the middle"


def test_every_factor_is_to_be_seen() -> None:
    other = {"floor_hue": 0.5, "wall_hue": 0.1, "object_hue": 0.8, "size": 0.35, "shape": "cube", "orientation": 12.0}
    pictures = draw_rooms([ROOM, *(Room(**{**vars(ROOM), name: value}) for name, value in other.items())], 64)
    changed = (pictures[1:] != pictures[0]).any(-1).mean((1, 2))
    assert (changed > 0.02).all(), dict(zip(other, changed, strict=True))


def test_neighbouring_sizes_and_orientations_differ_also_in_small_pictures() -> None:
    for name, count in (("size", 8), ("orientation", 15)):
        rows = np.tile(list(FIXED.values()), (count, 1))
        rows[:, list(FACTORS).index(name)] = np.arange(count)
        small = draw_rooms([room_of(row) for row in rows], 32).astype(int)
        apart = np.abs(np.diff(small, axis=0)).max(-1) > 30
        assert apart.sum((1, 2)).min() >= 8, name


def test_each_factor_is_shared_in_one_split_and_a_domains_own_in_two() -> None:
    for roles in ROLES:
        assert sorted(roles.shared + roles.a + roles.b) == sorted(FACTORS)
    shared = [name for roles in ROLES for name in roles.shared]
    assert sorted(shared) == sorted(FACTORS)
    assert len(PARTS) == ROUND and set(NAMES) == {"shapes-3d", *(f"shapes-3d-{n}{d}" for n in "123" for d in "ab")}


def test_factors_vary_where_they_should_and_are_decided_by_seed_split_and_number() -> None:
    factors = factors_of("train", 0, range(400))
    for number, part in enumerate(PARTS):
        own = factors[number::ROUND]
        for place, name in enumerate(FACTORS):
            values = set(own[:, place].tolist())
            assert (len(values) > 1) == (name in varying(part)), (part, name)
            assert name in varying(part) or values == {FIXED[name]}
            assert max(values) < FACTORS[name]
    np.testing.assert_array_equal(factors_of("train", 0, range(7, 30)), factors[7:30])
    assert (factors_of("test", 0, range(400)) != factors).any() and (
        factors_of("train", 1, range(400)) != factors
    ).any()


def test_the_number_of_processes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_making, "CHUNK", 5)
    told: list[int] = []
    images, factors = make_rooms("test", 12, 3, 1, told.append)
    assert told == [5, 5, 2] and images.shape == (12, 64, 64, 3)
    np.testing.assert_array_equal(draw_rooms([room_of(each) for each in factors], 64), images)


def test_all_parts_are_drawn_by_one_command_and_used_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="run `spiral data make shapes-3d`"):
        load_pictures("shapes-3d-2b", "train", 32, color=True)
    command = ["data", "make", "shapes-3d", "--train", "24", "--held-out", "16", "--processes", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "24 pictures to train on and 16 held out" in result.output
    assert all(entry.ready for entry in catalogue() if entry.name in NAMES)
    for name, part in NAMES.items():
        found = load_pictures(name, "train", 32, color=True)
        assert found.images.shape == (6 if part == "" else 3, 32, 32, 3)
        assert list(found.attributes) == list(FACTORS)
    assert prepare("shapes-3d-1a") == tmp_path / "shapes-3d" / "1a"
    with pytest.raises(DatasetError, match="shapes-3d-1a is not drawn here: give scenes, .*shapes-3d, views-figure"):
        make_data("shapes-3d-1a", 0, 1, 1, 1)


def test_what_is_no_set_of_rooms_is_named_and_left_alone(tmp_path: Path) -> None:
    images, factors = np.zeros((8, 4, 4, 3), np.uint8), factors_of("test", 0, range(8))
    write(tmp_path, "test", images, factors)
    with pytest.raises(DatasetMissing, match="train.npz is not there"):
        read(tmp_path / "1a", "train")
    file = path(tmp_path / "1a", "test")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DatasetCorrupt, match="is damaged or no set of rooms"):
        read(tmp_path / "1a", "test")
    with pytest.raises(DatasetCorrupt):
        write(tmp_path, "test", images, factors)
    assert file.stat().st_size == 100
    np.savez(file, images=images, factors=factors[:, :5])
    with pytest.raises(DatasetCorrupt, match=r"factors int64 \(8, 5\), not pictures"):
        read(tmp_path / "1a", "test")
