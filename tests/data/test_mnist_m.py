"""Digits blended with photographs, and scikit-learn's digits."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiral import data
from spiral.data import digits8, photos
from spiral.data.mnist_m import SEEDS
from spiral.data.package import Package
from spiral.data.photos import Photos, patches

NOWHERE = Path("nowhere")


def write_bsds500(images: Path) -> None:
    """Nine photographs: grey 10, 20, 30 to train on, 110 and on to validate, 210 and on held out."""
    for start, name in ((10, "train"), (110, "val"), (210, "test")):
        (images / name).mkdir(parents=True)
        for i in range(3):
            photo = Image.new("RGB", (48, 40), (start + 10 * i,) * 3)
            photo.save(images / name / f"{start + i}.jpg", quality=100)


def test_each_channel_is_the_difference_of_the_digit_and_a_patch() -> None:
    for split, seed in SEEDS.items():
        digits = data.load_pictures("mnist5k", split, 32)
        blended = data.load_pictures("mnist-m", split, 32, color=True, root=NOWHERE)
        np.testing.assert_array_equal(blended.labels, digits.labels)
        patch = patches(Photos(NOWHERE).read(split), len(digits.images), 32, np.random.default_rng(seed))
        expected = np.abs((255 - digits.images.astype(int)) - patch)
        np.testing.assert_array_equal(blended.images, expected)


def test_the_patches_differ_and_those_held_out_are_of_other_parts_of_the_photographs(monkeypatch) -> None:
    there = {split: Photos(NOWHERE).read(split) for split in ("train", "test")}
    assert [p.shape for p in there["train"]] == [(427, 480, 3), (427, 480, 3), (600, 384, 3)]
    assert [p.shape for p in there["test"]] == [(427, 160, 3), (427, 160, 3), (600, 128, 3)]
    rng = np.random.default_rng(0)
    cut = patches(there["train"], 500, 32, rng)
    assert len({patch.tobytes() for patch in cut}) == 500
    assert (cut.std(axis=0) > 20).all() and (cut[..., 0] != cut[..., 2]).mean() > 0.9, "in colour, all over"
    np.testing.assert_array_equal(patches(there["train"], 20, 32, np.random.default_rng(0)), cut[:20])


def test_patches_reach_every_edge_and_no_further() -> None:
    photo = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    cut = patches([photo], 500, 5, np.random.default_rng(0))
    assert {int(patch[0, 0, 0]) for patch in cut} == {int(photo[y, x, 0]) for y in range(2) for x in range(3)}
    with pytest.raises(data.DatasetCorrupt, match="a side of 6 pixels: give photographs of 7 or more"):
        patches([photo], 1, 7, np.random.default_rng(0))


def test_it_is_the_same_every_time_in_grey_and_at_other_sizes() -> None:
    one, two = (data.load("mnist-m", "test", 32, color=True, root=NOWHERE) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert data.load("mnist-m", "test", 28, root=NOWHERE).shape == (1000, 28, 28, 1)
    grey = data.load("mnist-m", "test", 32, root=NOWHERE)[..., 0]
    np.testing.assert_allclose(grey, one @ np.array([0.299, 0.587, 0.114]), atol=0.51)


@pytest.mark.parametrize("place", ["images", "data/images", "BSDS500/data/images", "BSR/BSDS500/data/images"])
def test_bsds500_is_taken_where_the_user_has_it(tmp_path: Path, place: str) -> None:
    write_bsds500(tmp_path / "bsds500" / place)
    train, test = (Photos(tmp_path / "bsds500").read(split) for split in ("train", "test"))
    assert [int(photo[0, 0, 0]) for photo in train] == [10, 20, 30, 110, 120, 130]
    assert [int(photo[0, 0, 0]) for photo in test] == [210, 220, 230]
    assert str(tmp_path) in data.find("mnist-m", tmp_path).where


def test_digits_are_blended_with_bsds500(tmp_path: Path) -> None:
    write_bsds500(tmp_path / "bsds500" / "images")
    paper = data.load("mnist-m", "test", 32, color=True, root=tmp_path)[:, 0, 0, 0]
    assert set(paper.tolist()) == {210, 220, 230}, "in a corner there is no ink"


def test_a_folder_of_bsds500_without_photographs_or_with_damaged_ones_is_named(tmp_path: Path) -> None:
    write_bsds500(tmp_path / "bsds500" / "images")
    (tmp_path / "bsds500" / "images" / "val" / "111.jpg").write_bytes(b"")
    with pytest.raises(data.DatasetCorrupt, match="111.jpg"):
        data.prepare("mnist-m", root=tmp_path)
    for file in (tmp_path / "bsds500" / "images" / "test").iterdir():
        file.unlink()
    with pytest.raises(data.DatasetMissing, match="has no test/"):
        data.load("mnist-m", "test", 32, root=tmp_path)


def test_the_photographs_need_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "CARRIED", (Package("scikit-learn", "sklearn/nowhere.jpg", "photographs"),))
    with pytest.raises(data.DatasetMissing, match="photographs are carried by the package scikit-learn"):
        data.load("mnist-m", "train", 32, root=NOWHERE)
    assert not {entry.name: entry.ready for entry in data.catalogue(NOWHERE)}["mnist-m"]


def test_digits8_are_scikit_learns_dark_on_white() -> None:
    table = np.loadtxt(digits8.SKLEARN.path(), delimiter=",")
    train, test = (data.load_pictures("digits8", split, 8) for split in ("train", "test"))
    assert (len(train.images), len(test.images)) == (1200, 597)
    ink = (255 - np.concatenate([train.images, test.images])[..., 0].astype(float)) / 255 * 16
    np.testing.assert_allclose(ink, table[:, :-1].reshape(-1, 8, 8), atol=0.04)
    np.testing.assert_array_equal(np.concatenate([np.asarray(train.labels), np.asarray(test.labels)]), table[:, -1])
    assert data.load("digits8", "test", 32, color=True).shape == (597, 32, 32, 3)
    assert data.prepare("digits8").name == "digits.csv.gz"


DAMAGED = [b"", b"text", gzip.compress(b"1,2,3\n", mtime=0), gzip.compress(b"1,2\n3,x\n", mtime=0)]


@pytest.mark.parametrize("content", DAMAGED, ids=["empty", "text", "short", "no number"])
def test_a_damaged_file_of_digits8_is_named(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits.csv.gz").write_bytes(content)
    monkeypatch.setattr(digits8, "SKLEARN", Package("scikit-learn", str(tmp_path / "digits.csv.gz"), "digits"))
    with pytest.raises(data.DatasetCorrupt, match="install scikit-learn again"):
        data.load("digits8", "train", 8)
    monkeypatch.setattr(digits8, "SKLEARN", Package("scikit-learn", "sklearn/nowhere", "the digits of digits8"))
    with pytest.raises(data.DatasetMissing, match="the digits of digits8 are carried by the package scikit-learn"):
        data.load("digits8", "train", 8)


def test_reading_made_and_small_sets_imports_no_heavy_package() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from spiral import data; root = Path('nowhere');"
        "data.load('mnist-m', 'test', 32, root=root); data.load('digits8', 'test', 8);"
        "[data.find(name, root).pictures('test', 0, range(2)) for name in ('syn-signs', 'syn-numbers')];"
        "print([m for m in ('mlxtend', 'sklearn', 'matplotlib', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
