"""Annotated pictures: BSDS500, NYU RGBD and DRIVE in their published formats, made small, and those that are drawn."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat
from typer.testing import CliRunner

from cluster.cli import app
from spiral.data import DatasetCorrupt, DatasetError, DatasetMissing, mat_file
from spiral.data.annotated import Annotated, boundaries_of, retraced
from spiral.data.annotated_sets import SETS, annotated_catalogue, find_annotated
from spiral.data.nyu_rgbd import LABELED, SPLITS, filled

RNG = np.random.default_rng(0)
SHAPE = 12, 17


def segments_of(people: int) -> list[NDArray[np.uint16]]:
    return [RNG.integers(1, 5, SHAPE).astype(np.uint16) for _ in range(people)]


def ground_truth(people: list[NDArray[np.uint16]], compressed: bool = True) -> bytes:
    """A file as BSDS500 has them: a row of cells, each a structure of segments and of boundaries."""
    cells = np.empty((1, len(people)), object)
    for place, each in enumerate(people):
        cells[0, place] = {"Segmentation": each, "Boundaries": boundaries_of(each)}
    file = io.BytesIO()
    savemat(file, {"groundTruth": cells}, do_compression=compressed)
    return file.getvalue()


def photograph(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(256, size=(*SHAPE, 3), dtype=np.uint8)


def write_bsds500(top: Path, people: int = 3, suffix: str = "jpg") -> dict[str, list[NDArray[np.uint16]]]:
    written: dict[str, list[NDArray[np.uint16]]] = {}
    for split, name in (("train", "100075"), ("val", "101085"), ("test", "100007")):
        for part in ("images", "groundTruth"):
            (top / part / split).mkdir(parents=True)
        Image.fromarray(photograph(len(written))).save(top / "images" / split / f"{name}.{suffix}")
        (top / "images" / split / "Thumbs.db").write_bytes(b"of another program")
        written[name] = segments_of(people)
        (top / "groundTruth" / split / f"{name}.mat").write_bytes(ground_truth(written[name], split != "val"))
    return written


@pytest.mark.parametrize("top", ["", "BSR/BSDS500/data"])
def test_bsds500_is_read_with_all_its_annotators(tmp_path: Path, top: str) -> None:
    written = write_bsds500(tmp_path / "bsds500" / top)
    found = find_annotated("bsds500", tmp_path)
    assert not found.missing() and not found.thin
    train, test = found.read("train", 10), found.read("test", 10)
    assert (len(train), len(test), len(found.read("train", 1))) == (2, 1, 1), "what validates is to train on"
    for picture, name in zip((*train, *test), ("100075", "101085", "100007"), strict=True):
        assert picture.image.shape == (*SHAPE, 3) and picture.image.dtype == np.uint8 and picture.inside.all()
        assert picture.segments.dtype == np.int32
        np.testing.assert_array_equal(picture.segments, written[name])
        np.testing.assert_array_equal(picture.boundaries, [boundaries_of(each) for each in written[name]])


@pytest.mark.parametrize("damage", ["no annotation", "cut off", "another array", "another size", "no people", "noise"])
def test_a_damaged_bsds500_is_refused_by_its_file(tmp_path: Path, damage: str) -> None:
    write_bsds500(tmp_path / "bsds500")
    path = tmp_path / "bsds500" / "groundTruth" / "test" / "100007.mat"
    other = io.BytesIO()
    savemat(other, {"groundTruth": np.eye(3)})
    one, two = segments_of(2)
    damaged = {
        "cut off": path.read_bytes()[:-40],
        "another array": other.getvalue(),
        "another size": ground_truth([one[:-1], two[:-1]]),
        "no people": ground_truth([]),
        "noise": b"noise" * 100,
    }
    path.unlink() if damage == "no annotation" else path.write_bytes(damaged[damage])
    with pytest.raises((DatasetCorrupt, DatasetMissing), match=r"100007\.(mat|jpg).*put a whole copy there"):
        find_annotated("bsds500", tmp_path).read("test", 10)
    assert len(find_annotated("bsds500", tmp_path).read("train", 10)) == 2


def test_what_is_missing_is_said_with_the_folder(tmp_path: Path) -> None:
    for name, parts in (("bsds500", "images/train"), ("nyu-rgbd", LABELED), ("drive", "training and test")):
        found = find_annotated(name, tmp_path)
        assert parts in found.missing() and str(tmp_path / name) in found.missing()
        with pytest.raises(DatasetMissing, match=parts):
            found.read("train", 1)
    with pytest.raises(DatasetError, match=r"'bsds'.*regions, vessels, bsds500, nyu-rgbd, drive"):
        find_annotated("bsds")
    (tmp_path / "bsds500" / "images").mkdir(parents=True)
    (tmp_path / "bsds500" / "groundTruth").mkdir()
    with pytest.raises(DatasetMissing, match="has no pictures"):
        find_annotated("bsds500", tmp_path).read("train", 1)


@pytest.mark.parametrize("compressed", [True, False])
def test_cells_and_structures_of_matlab_are_those_that_were_written(compressed: bool) -> None:
    file, cells = io.BytesIO(), np.empty((1, 3), object)
    cells[0] = [np.arange(6.0).reshape(2, 3), {"a": np.eye(2, dtype=np.uint8), "text": "left out"}, np.eye(1)]
    savemat(file, {"cells": cells, "one": {"b": np.ones((1, 2))}, "text": "a"}, do_compression=compressed)
    found = mat_file.read_values(file.getvalue())
    assert set(found) == {"cells", "one"}
    cell: Any = found["cells"]
    np.testing.assert_array_equal(cell[0], np.arange(6.0).reshape(2, 3))
    assert list(cell[1]) == ["a"] and np.array_equal(cell[2], np.eye(1))
    np.testing.assert_array_equal(cell[1]["a"], np.eye(2))
    one: Any = found["one"]
    np.testing.assert_array_equal(one["b"], np.ones((1, 2)))


def test_damaged_annotations_are_refused_or_read_and_nothing_else() -> None:
    rng = Random(0)
    for whole in (ground_truth(segments_of(2)), ground_truth(segments_of(2), compressed=False)):
        for _ in range(300):
            content = bytearray(whole)
            content[rng.randrange(rng.choice((len(whole), 400)))] ^= 1 << rng.randrange(8)
            with suppress(ValueError):
                mat_file.read_values(bytes(content[: rng.choice((None, rng.randrange(len(whole))))]))
    deep: object = np.eye(1)
    for _ in range(12):
        cell = np.empty((1, 1), object)
        cell[0, 0] = deep
        deep = cell
    file = io.BytesIO()
    savemat(file, {"deep": deep})
    with pytest.raises(ValueError, match="too deep"):
        mat_file.read_values(file.getvalue())


def write_nyu_rgbd(folder: Path) -> dict[str, NDArray[np.generic]]:
    """The published file, in which the axes are reversed; six rooms, of which two are held out."""
    h5py = pytest.importorskip("h5py")
    height, width = SHAPE
    arrays: dict[str, NDArray[np.generic]] = {
        "images": RNG.integers(256, size=(6, 3, width, height), dtype=np.uint8),
        "depths": RNG.uniform(0.7, 9.9, (6, width, height)).astype(np.float32),
        "labels": RNG.integers(1, 4, (6, width, height)).astype(np.uint16),
        "instances": RNG.integers(1, 3, (6, width, height)).astype(np.uint8),
    }
    folder.mkdir(parents=True)
    with h5py.File(folder / LABELED, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, chunks=(1, *array.shape[1:]), compression="gzip")
    splits = {"trainNdxs": np.array([[2.0], [4], [5], [6]]), "testNdxs": np.array([[1.0], [3]])}
    savemat(folder / SPLITS, splits)
    return arrays


def test_nyu_rgbd_is_read_as_it_is_published(tmp_path: Path) -> None:
    arrays = write_nyu_rgbd(tmp_path / "nyu-rgbd")
    found = find_annotated("nyu-rgbd", tmp_path)
    assert not found.missing()
    assert (len(found.read("train", 9)), len(found.read("test", 9)), len(found.read("train", 3))) == (4, 2, 3)
    for picture, place in zip(found.read("test", 9), (0, 2), strict=True):
        assert picture.image.shape == (*SHAPE, 4) and picture.image.dtype == np.uint8
        np.testing.assert_array_equal(picture.image[..., 1], arrays["images"][place, 1].T)
        metres = arrays["depths"][place].T.astype(float)
        np.testing.assert_allclose(picture.image[..., 3], (255 * metres / 6.5535).clip(0, 255), atol=1)
        (segments,) = picture.segments
        labels, instances = arrays["labels"][place].T, arrays["instances"][place].T
        alike = (labels == labels[0, 0]) & (instances == instances[0, 0])
        np.testing.assert_array_equal(segments == segments[0, 0], alike, "one thing is one of its class")


def test_what_nobody_labelled_belongs_to_the_nearest_thing() -> None:
    segments = np.array([[1, 1, 0, 2, 2, 0, 0]], np.int32)
    assert filled(segments, segments > 0).tolist()[0][3:] == [2, 2, 2, 2]
    assert not boundaries_of(filled(segments, segments > 0))[0, 3:].any()
    assert not filled(segments, np.zeros_like(segments, bool)).any()


@pytest.mark.parametrize("damage", ["cut off", "noise", "lacks depths", "another size", "places beyond", "no places"])
def test_a_damaged_nyu_rgbd_is_refused_by_its_file(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "nyu-rgbd"
    write_nyu_rgbd(folder)
    h5py = pytest.importorskip("h5py")
    if damage in ("lacks depths", "another size"):
        with h5py.File(folder / LABELED, "a") as file:
            del file["depths"]
            if damage == "another size":
                file["depths"] = np.ones((6, 3, 4), np.float32)
    elif damage in ("places beyond", "no places"):
        savemat(
            folder / SPLITS, {"testNdxs": np.array([[1.0], [7]])} if damage == "places beyond" else {"a": np.eye(1)}
        )
    else:
        whole = (folder / LABELED).read_bytes()
        (folder / LABELED).write_bytes(whole[: len(whole) // 2] if damage == "cut off" else b"noise" * 999)
    with pytest.raises(DatasetCorrupt, match=r"\.mat is damaged or another file.*put a whole copy there"):
        find_annotated("nyu-rgbd", tmp_path).read("test", 9)


def test_nyu_rgbd_is_read_in_the_layout_of_bsds500_too(tmp_path: Path) -> None:
    top = tmp_path / "nyu-rgbd"
    written = write_bsds500(top, people=1, suffix="png")
    depth = np.linspace(0, 65535, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype(np.uint16)
    for split, name in (("train", "100075"), ("val", "101085"), ("test", "100007")):
        (top / "depth" / split).mkdir(parents=True)
        Image.fromarray(depth).save(top / "depth" / split / f"{name}.png")
    (picture,) = find_annotated("nyu-rgbd", tmp_path).read("test", 9)
    np.testing.assert_array_equal(picture.image[..., :3], photograph(2))
    np.testing.assert_allclose(picture.image[..., 3], 255 * (depth / 65535.0), atol=1)
    np.testing.assert_array_equal(picture.segments, written["100007"])
    Image.fromarray(photograph(0)).save(top / "depth" / "test" / "100007.png")
    with pytest.raises(DatasetCorrupt, match="no picture of depths in 16 bits"):
        find_annotated("nyu-rgbd", tmp_path).read("test", 9)


def write_drive(top: Path) -> dict[str, NDArray[np.bool_]]:
    written = {}
    for split, numbers in (("training", (21, 22)), ("test", (1, 2, 3))):
        for part in ("images", "mask", "1st_manual", *(["2nd_manual"] if split == "test" else [])):
            (top / split / part).mkdir(parents=True)
        for number in numbers:
            stem = f"{number:02d}_{split}"
            Image.fromarray(photograph(number)).save(top / split / "images" / f"{stem}.tif")
            masks = {
                f"mask/{stem}_mask": RNG.random(SHAPE) < 0.8,
                f"1st_manual/{number:02d}_manual1": RNG.random(SHAPE) < 0.2,
            }
            if split == "test":
                masks[f"2nd_manual/{number:02d}_manual2"] = RNG.random(SHAPE) < 0.2
            for name, mask in masks.items():
                Image.fromarray(mask).save(top / split / f"{name}.gif")
                written[f"{split}/{name}"] = mask
    return written


@pytest.mark.parametrize("top", ["", "DRIVE"])
def test_drive_is_read_with_its_masks_and_its_second_annotator(tmp_path: Path, top: str) -> None:
    written = write_drive(tmp_path / "drive" / top)
    found = find_annotated("drive", tmp_path)
    assert found.thin and not found.missing()
    train, test = found.read("train", 9), found.read("test", 2)
    assert [len(each.segments) for each in (*train, *test)] == [1, 1, 2, 2]
    np.testing.assert_array_equal(train[1].image, photograph(22))
    np.testing.assert_array_equal(train[1].inside, written["training/mask/22_training_mask"])
    np.testing.assert_array_equal(train[1].segments[0], written["training/1st_manual/22_manual1"])
    np.testing.assert_array_equal(test[0].segments[1], written["test/2nd_manual/01_manual2"])


@pytest.mark.parametrize("damage", ["no mask", "noise", "another kind", "another size", "no pictures"])
def test_a_damaged_drive_is_refused_by_its_file(tmp_path: Path, damage: str) -> None:
    top = tmp_path / "drive"
    write_drive(top)
    path = top / "test" / "1st_manual" / "01_manual1.gif"
    match damage:
        case "no mask":
            path.unlink()
        case "noise":
            path.write_bytes(b"GIF89a" + b"noise" * 20)
        case "another kind":
            Image.fromarray(photograph(0)).save(path, format="PNG")
        case "another size":
            Image.fromarray(np.ones((3, 4), bool)).save(path)
        case _:
            for each in (top / "test" / "images").iterdir():
                each.unlink()
    with pytest.raises((DatasetCorrupt, DatasetMissing), match=r"(01_|test).*put"):
        find_annotated("drive", tmp_path).read("test", 9)


@pytest.mark.parametrize("name", ["regions", "vessels"])
def test_drawn_pictures_are_decided_by_the_split_and_their_number(tmp_path: Path, name: str) -> None:
    found = find_annotated(name, tmp_path)
    assert not found.missing()
    three, two, held_out = found.read("train", 3), found.read("train", 2), found.read("test", 2)
    for one, other, another in zip(three, two, held_out, strict=False):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.segments, other.segments)
        assert (one.image != another.image).any() and one.image.shape == (
            (192, 192, 3) if name == "regions" else (128, 128, 3)
        )
    assert not np.array_equal(three[0].image, three[1].image)


def edge_strength(picture: Annotated, where: NDArray[np.bool_]) -> float:
    """The mean step in the picture from a pixel to those after it, where that is asked."""
    image = picture.image.astype(float)
    steps = np.abs(np.diff(image, axis=0))[:, :-1].sum(-1) + np.abs(np.diff(image, axis=1))[:-1].sum(-1)
    return float(steps[where[:-1, :-1]].mean())


def test_regions_have_exact_boundaries_and_annotators_who_are_nearly_so(tmp_path: Path) -> None:
    pictures = find_annotated("regions", tmp_path).read("train", 12)
    strengths = [
        (edge_strength(each, each.boundaries[0]), edge_strength(each, ~each.boundaries[0])) for each in pictures
    ]
    assert np.mean([there > elsewhere for there, elsewhere in strengths]) > 0.7
    assert np.mean(strengths, axis=0)[0] > 1.2 * np.mean(strengths, axis=0)[1]
    for each in pictures:
        assert each.segments.shape == (4, 192, 192) and each.boundaries[0].any()
    shares = [np.mean(each.segments[1:] == each.segments[0]) for each in pictures]
    assert 0.5 < np.mean(shares) < 0.999, "they overlook shapes and are a little off"


def test_vessels_are_thin_dark_and_inside(tmp_path: Path) -> None:
    for each in find_annotated("vessels", tmp_path).read("train", 6):
        exact = each.segments[0] > 0
        assert each.segments.shape == (2, 128, 128) and 0.02 < exact[each.inside].mean() < 0.3
        assert not (each.segments.any(0) & ~each.inside).any()
        green = each.image[..., 1].astype(float)
        assert green[exact].mean() < green[each.inside & ~exact].mean()
        assert not each.image[~each.inside].std() > 0.5 or each.image[~each.inside].max() <= 8


def test_a_boundary_lies_before_the_step_right_below_and_across() -> None:
    segments = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]])
    assert boundaries_of(segments).astype(int).tolist() == [[0, 1, 0], [1, 1, 1], [0, 0, 0]]
    assert not boundaries_of(np.ones((2, 5, 5), int)).any()


def test_retraced_segments_are_off_by_as_much_as_is_said() -> None:
    segments = (np.indices((64, 400))[1] // 100).astype(np.int32)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(retraced(segments, 0.0, 4.0, rng), segments)
    moved = retraced(segments, 2.0, 4.0, rng)
    edges = np.array([np.flatnonzero(np.diff(row))[0] for row in moved])
    assert set(np.unique(moved)) == {0, 1, 2, 3} and 0.8 < edges.std() < 3 and np.abs(np.diff(edges)).max() <= 3


def test_spiral_data_lists_them_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_drive(tmp_path / "drive")
    listed = {entry.name: entry for entry in annotated_catalogue(tmp_path)}
    assert list(listed) == list(SETS)
    assert {name: entry.ready for name, entry in listed.items()} == {
        "regions": True,
        "vessels": True,
        "bsds500": False,
        "nyu-rgbd": False,
        "drive": True,
    }
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    shown = CliRunner().invoke(app, ["data"]).stdout
    assert f"ready    drive           20 + 20             {listed['drive'].note}" in shown
    assert "missing  bsds500         300 + 200           put images/train, images/test" in shown
