"""Folders of pictures, the resizing that all data sets share, and whether labels are digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from spiral import data
from spiral.data.pictures import Pictures, resize_grey


def paint(folder: Path, count: int, size: tuple[int, int] = (20, 10), suffix: str = "png") -> list[Path]:
    """Files 00, 01, ...: picture i has grey level i."""
    folder.mkdir(exist_ok=True, parents=True)
    paths = [folder / f"{i:02}.{suffix}" for i in range(count)]
    for i, path in enumerate(paths):
        Image.new("L", size, i).save(path)
    return paths


def resize_one_by_one(images: np.ndarray, size: int) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(x).resize((size, size), Image.Resampling.BILINEAR)) for x in images])


@given(
    images=arrays.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20))),
    size=st.integers(1, 40),
)
@settings(max_examples=100, deadline=None)
def test_resizing_all_at_once_is_resizing_each_with_pillow(images: np.ndarray, size: int) -> None:
    np.testing.assert_allclose(resize_grey(images, size).astype(int), resize_one_by_one(images, size), atol=1)


@pytest.mark.parametrize("size", [14, 32, 64])
def test_digits_are_resized_bit_by_bit_as_by_pillow(size: int) -> None:
    digits = data.load("mnist5k", "test", 28)[..., 0]
    np.testing.assert_array_equal(resize_grey(digits, size), resize_one_by_one(digits, size))


def test_every_tenth_picture_is_held_out(tmp_path: Path) -> None:
    paint(tmp_path / "p", 21)
    train, test = (data.load(f"folder:{tmp_path / 'p'}", split, 8) for split in ("train", "test"))
    assert test[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert train[:, 0, 0, 0].tolist() == [i for i in range(21) if i % 10]
    assert train.shape == (18, 8, 8, 1) and train.dtype == np.uint8
    assert data.load_pictures(f"folder:{tmp_path / 'p'}", "test", 8).labels is None


def test_jpeg_folders_below_and_capital_letters_count(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "b", 2, suffix="jpg")
    paint(tmp_path / "a", 1, suffix="JPEG")
    (tmp_path / "a" / "notes.txt").write_text("not a picture")
    assert len(data.load(f"folder:{tmp_path}", "train", 8)) == 2


def test_the_centre_square_is_kept(tmp_path: Path) -> None:
    wide = np.full((10, 30), 255, np.uint8)
    wide[:, 10:20] = 0
    for name in ("a.png", "b.png"):
        Image.fromarray(wide).save(tmp_path / name)
    assert np.all(data.load(f"folder:{tmp_path}", "train", 10) == 0)


def test_colors_are_kept_when_asked_for_and_transparency_shows_white(tmp_path: Path) -> None:
    red = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    red.paste((0, 0, 0, 0), (0, 0, 8, 4))
    for name in ("a.png", "b.png"):
        red.save(tmp_path / name)
    (picture,) = data.load(f"folder:{tmp_path}", "train", 8, color=True)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[7, 7].tolist() == [255, 0, 0]


def test_a_picture_taken_sideways_is_turned_upright(tmp_path: Path) -> None:
    stored = np.full((8, 8), 255, np.uint8)
    stored[0] = 0
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.png", "b.png"):
        Image.fromarray(stored).save(tmp_path / name, exif=exif)
    (picture,) = data.load(f"folder:{tmp_path}", "train", 8)
    assert np.all(picture[:, 7, 0] == 0) and np.all(picture[:, :7, 0] == 255)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_are_refused(tmp_path: Path, count: int) -> None:
    paint(tmp_path, count)
    with pytest.raises(data.DatasetMissing, match=f"holds {count} pictures"):
        data.load(f"folder:{tmp_path}", "train", 8)
    with pytest.raises(data.DatasetMissing, match="is not a folder"):
        data.prepare(f"folder:{tmp_path / 'nothing'}")


@pytest.mark.parametrize("damage", ["empty", "cut off", "text"])
def test_a_damaged_picture_is_named(tmp_path: Path, damage: str) -> None:
    bad = paint(tmp_path, 3, size=(64, 64))[1]
    whole = bad.read_bytes()
    bad.write_bytes({"empty": b"", "cut off": whole[: len(whole) // 2], "text": b"hello"}[damage])
    with pytest.raises(data.DatasetCorrupt, match="01.png"):
        data.load(f"folder:{tmp_path}", "train", 8)


def test_pixels_of_sixteen_bits_become_eight_and_are_not_clipped(tmp_path: Path) -> None:
    for name in range(40):
        Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(tmp_path / f"{name}.png")
    loaded = data.load(f"folder:{tmp_path}", "train", 8)
    assert (abs(loaded.astype(int) - 40_000 / 65_535 * 255) <= 1).all()


@pytest.mark.parametrize(
    ("labels", "digits"),
    [
        (np.arange(20) % 10, True),
        (np.arange(20) % 9, False),
        (np.arange(20) % 11, False),
        (np.arange(20) % 10 + 1, False),
        (np.zeros(20, np.int64), False),
        (None, False),
    ],
)
def test_pictures_show_digits_where_their_labels_are_the_ten(labels: np.ndarray | None, digits: bool) -> None:
    assert Pictures(np.zeros((20, 4, 4, 1), np.uint8), labels).show_digits == digits


def test_digits_come_with_what_they_show() -> None:
    images, labels = data.load_digits("digits8", "test", 16)
    assert images.shape == (len(labels), 16, 16, 1)
    assert set(labels.tolist()) == set(range(10))
