"""SVHN, USPS, GTSRB and Office-31 in their published file formats, made small: names, layouts and lists are theirs."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from spiral import data
from spiral.data import mat_file, svhn
from spiral.data.arrays import SPLITS
from spiral.data.office31 import KINDS

RNG = np.random.default_rng(0)
SVHN_X = {"train": RNG.integers(256, size=(32, 32, 3, 23), dtype=np.uint8), "test": np.zeros((32, 32, 3, 12), np.uint8)}
USPS_INK = {"train": RNG.integers(0, 256, (25, 256)) / 127.5 - 1, "test": RNG.integers(0, 256, (13, 256)) / 127.5 - 1}
USPS_LABELS = {split: np.arange(len(ink)) % 10 for split, ink in USPS_INK.items()}


@cache  # the time is written into each file
def svhn_file(split: str) -> bytes:
    file, x = io.BytesIO(), SVHN_X[split]
    y = (np.arange(x.shape[3]) % 10 + 1).astype(np.uint8)[:, None]
    savemat(file, {"X": x, "y": y}, do_compression=True)
    return file.getvalue()


def write_svhn(folder: Path) -> None:
    folder.mkdir(parents=True)
    for split in SVHN_X:
        (folder / f"{split}_32x32.mat").write_bytes(svhn_file(split))


def esl_text(split: str) -> bytes:
    rows = zip(USPS_LABELS[split], USPS_INK[split], strict=True)
    return "".join(f"{label}.0000 {' '.join(f'{v:.4f}' for v in ink)} \n" for label, ink in rows).encode()


def libsvm_text(split: str) -> bytes:
    rows = zip(USPS_LABELS[split], USPS_INK[split], strict=True)
    lines = (
        f"{label + 1} {' '.join(f'{i}:{v:.6f}' for i, v in enumerate(ink, 1) if v != 0)} \n" for label, ink in rows
    )
    return "".join(lines).encode()


USPS_FORMS = {
    "zip.train.gz": lambda: gzip.compress(esl_text("train")),
    "zip.test.gz": lambda: gzip.compress(esl_text("test")),
    "zip.train": lambda: esl_text("train"),
    "zip.test": lambda: esl_text("test"),
    "usps.bz2": lambda: bz2.compress(libsvm_text("train")),
    "usps.t.bz2": lambda: bz2.compress(libsvm_text("test")),
    "usps": lambda: libsvm_text("train"),
    "usps.t": lambda: libsvm_text("test"),
}


def write_usps(folder: Path, names: tuple[str, str] = ("zip.train.gz", "zip.test.gz")) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(USPS_FORMS[name]())


def ppm(path: Path, red: int, size: tuple[int, int] = (33, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (red, 40, 90)).save(path, "PPM")


def gtsrb_list(names: list[str], labels: list[int] | None) -> str:
    header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2" + (";ClassId" if labels else "")
    rows = [f"{name};33;30;5;5;28;25" + (f";{labels[i]}" if labels else "") for i, name in enumerate(names)]
    return "\r\n".join([header, *rows]) + "\r\n"


def write_gtsrb(folder: Path) -> None:
    """Three classes to train on with two tracks each, and four pictures held out, as the three archives unpack."""
    for label in (0, 7, 42):
        images = folder / "GTSRB" / "Final_Training" / "Images" / f"{label:05}"
        names = [f"{track:05}_{photo:05}.ppm" for track in range(2) for photo in range(3)]
        for i, name in enumerate(names):
            ppm(images / name, 5 * label + i)
        (images / f"GT-{label:05}.csv").write_text(gtsrb_list(names, [label] * len(names)))
    images, names = folder / "GTSRB" / "Final_Test" / "Images", [f"{i:05}.ppm" for i in range(4)]
    for i, name in enumerate(names):
        ppm(images / name, 50 * i, (40, 36))
    (images / "GT-final_test.test.csv").write_text(gtsrb_list(names, None))
    (folder / "GT-final_test.csv").write_text(gtsrb_list(names, [16, 1, 38, 33]))


def write_office(folder: Path, domain: str = "dslr", each: int = 4) -> None:
    for number, kind in enumerate(KINDS):
        images = folder / domain / "images" / kind
        images.mkdir(parents=True)
        for i in range(1, each + 1):
            Image.new("RGB", (36, 30), (8 * number, 30, 60)).save(images / f"frame_{i:04}.jpg", quality=100)


WRITERS = {"svhn": write_svhn, "usps": write_usps, "gtsrb": write_gtsrb, "office-dslr": write_office}
FOLDERS = {"svhn": "svhn", "usps": "usps", "gtsrb": "gtsrb", "office-dslr": "office31"}


@pytest.fixture
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A root with the data set that the test is about: its parameter `name`, or the one that its own name has."""
    asked = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    for name, write in WRITERS.items():
        if asked == name or (asked is None and name.partition("-")[0] in request.node.name):
            write(tmp_path / FOLDERS[name])
    return tmp_path


@pytest.fixture(autouse=True, scope="module")
def checksums() -> Iterator[None]:
    """The small files of SVHN count as the published ones."""
    sums = {f"{split}_32x32.mat": hashlib.md5(svhn_file(split)).hexdigest() for split in SVHN_X}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svhn, "MD5", sums)
        yield


def test_svhn_has_its_pictures_and_ten_stands_for_nought(root: Path) -> None:
    train = data.load_pictures("svhn", "train", 32, color=True, root=root)
    np.testing.assert_array_equal(train.images, SVHN_X["train"].transpose(3, 0, 1, 2))
    assert np.asarray(train.labels).tolist() == [*[*range(1, 10), 0] * 2, 1, 2, 3]
    assert data.load("svhn", "test", 28, root=root).shape == (12, 28, 28, 1)


@pytest.mark.parametrize(
    "names",
    [("zip.train.gz", "zip.test.gz"), ("zip.train", "zip.test"), ("usps.bz2", "usps.t.bz2"), ("usps", "usps.t")],
)
def test_usps_is_read_in_both_forms_dark_on_white(tmp_path: Path, names: tuple[str, str]) -> None:
    write_usps(tmp_path / "usps", names)
    for split in SPLITS:
        ink = USPS_INK[split]
        pictures = data.load_pictures("usps", split, 16, root=tmp_path)
        np.testing.assert_array_equal(255 - pictures.images.reshape(-1, 256), np.round((ink + 1) * 127.5))
        np.testing.assert_array_equal(pictures.labels, USPS_LABELS[split])
    assert data.load("usps", "test", 32, color=True, root=tmp_path).shape == (13, 32, 32, 3)
    assert data.prepare("usps", tmp_path / "usps", tmp_path / "new") == tmp_path / "new" / "usps"
    assert sorted(path.name for path in (tmp_path / "new" / "usps").iterdir()) == sorted(names)


def test_gtsrb_is_read_in_both_layouts(root: Path) -> None:
    train, test = (data.load_pictures("gtsrb", split, 32, color=True, root=root) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((18, 32, 32, 3), (4, 32, 32, 3))
    assert np.asarray(train.labels).tolist() == [0] * 6 + [7] * 6 + [42] * 6
    assert np.asarray(test.labels).tolist() == [16, 1, 38, 33]
    np.testing.assert_array_equal(train.images[:, 16, 16], [(5 * c + i, 40, 90) for c in (0, 7, 42) for i in range(6)])
    np.testing.assert_array_equal(test.images[:, 0, 0, 0], [0, 50, 100, 150])


@pytest.mark.parametrize("place", ["", "GTSRB", "GTSRB/Final_Test", "GTSRB/Final_Test/Images"])
def test_the_classes_held_out_of_gtsrb_are_found_where_people_unpack_them(root: Path, place: str) -> None:
    answers = root / "gtsrb" / "GT-final_test.csv"
    answers.rename(root / "gtsrb" / place / answers.name)
    assert np.asarray(data.load_pictures("gtsrb", "test", 8, root=root).labels).tolist() == [16, 1, 38, 33]
    data.prepare("gtsrb", root / "gtsrb", root / "new")
    assert data.load("gtsrb", "train", 8, root=root / "new").shape == (18, 8, 8, 1)


def test_gtsrb_needs_no_folder_of_its_name_on_top(root: Path) -> None:
    for part in (root / "gtsrb" / "GTSRB").iterdir():
        part.rename(root / "gtsrb" / part.name)
    (root / "gtsrb" / "GTSRB").rmdir()
    assert data.load("gtsrb", "train", 8, root=root).shape == (18, 8, 8, 1)


def test_office_is_labelled_by_kind_the_same_in_every_domain(root: Path) -> None:
    write_office(root / "office31", "amazon", each=1)
    train, test = (data.load_pictures("office-dslr", split, 32, color=True, root=root) for split in ("train", "test"))
    assert len(train.images) + len(test.images) == 31 * 4 and len(test.images) == 13
    for pictures in (train, test, data.load_pictures("office-amazon", "train", 32, color=True, root=root)):
        np.testing.assert_allclose(pictures.images[:, 16, 16, 0], 8 * np.asarray(pictures.labels), atol=2)
    assert set(np.asarray(train.labels).tolist()) == set(range(31))


@pytest.mark.parametrize("name", WRITERS)
def test_prepare_copies_what_is_whole(root: Path, name: str) -> None:
    target = root / "new"
    assert data.prepare(name, root / FOLDERS[name], target) == target / FOLDERS[name]
    for split in ("train", "test"):
        one, two = (data.load_pictures(name, split, 16, color=True, root=place) for place in (root, target))
        np.testing.assert_array_equal(one.images, two.images)
        np.testing.assert_array_equal(one.labels, two.labels)
    assert data.prepare(name, root=target) == data.prepare(name, root / FOLDERS[name], target)
    assert {entry.name: entry.ready for entry in data.catalogue(target)}[name]


@pytest.mark.parametrize("name", ["svhn", "usps", "gtsrb", "office-amazon", "office-dslr", "office-webcam"])
def test_where_there_is_nothing_it_is_said_what_to_put_where(tmp_path: Path, name: str) -> None:
    with pytest.raises(data.DatasetMissing, match=rf"lacks .*run `spiral data prepare {name} --from FOLDER`"):
        data.load(name, "train", 8, root=tmp_path)
    for source in (None, tmp_path / "nothing"):
        with pytest.raises(data.DatasetMissing, match="lacks .*--from FOLDER"):
            data.prepare(name, source, tmp_path)
    (entry,) = (entry for entry in data.catalogue(tmp_path) if entry.name == name)
    assert not entry.ready and f"prepare {name}" in entry.note


PARTS = {
    "svhn": ["train_32x32.mat", "test_32x32.mat"],
    "usps": ["zip.train.gz", "zip.test.gz"],
    "gtsrb": ["GT-final_test.csv", "GTSRB/Final_Test/Images", "GTSRB/Final_Training/Images"],
    "office-dslr": ["dslr"],
}


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, parts in PARTS.items() for part in parts])
def test_what_is_missing_is_named(root: Path, name: str, part: str) -> None:
    (root / FOLDERS[name] / part).rename(root / "away")
    with pytest.raises(data.DatasetMissing, match=rf"lacks .*{part.removeprefix('GTSRB/').removesuffix('.gz')}"):
        data.prepare(name, root=root)
    assert not {entry.name: entry.ready for entry in data.catalogue(root)}[name]


FILES = {
    "svhn": "train_32x32.mat",
    "usps": "zip.test.gz",
    "gtsrb": "GTSRB/Final_Training/Images/00007/00001_00001.ppm",
    "office-dslr": "dslr/images/mug/frame_0002.jpg",
}


@pytest.mark.parametrize("damage", ["cut off", "empty", "text", "another kind"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_nothing_is_copied(root: Path, name: str, damage: str) -> None:
    file = root / FOLDERS[name] / FILES[name]
    whole = file.read_bytes()
    other = gzip.compress(b"1 2 3\n") if name == "usps" else b"\x89PNG\r\n\x1a\n" + bytes(200)
    file.write_bytes(
        {"cut off": whole[: len(whole) // 2], "empty": b"", "text": b"hello", "another kind": other}[damage]
    )
    with pytest.raises(data.DatasetCorrupt, match=file.name):
        for split in ("train", "test"):
            data.load(name, split, 8, root=root)
    with pytest.raises(data.DatasetCorrupt, match=file.name):
        data.prepare(name, root / FOLDERS[name], root / "new")
    assert not (root / "new").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        {"X": SVHN_X["test"]},
        {"X": SVHN_X["test"], "y": np.arange(5)},
        {"X": SVHN_X["test"], "y": np.zeros(12)},
        {"X": SVHN_X["test"].astype(float), "y": np.ones(12)},
        {"X": np.zeros((12, 32, 32, 3), np.uint8), "y": np.ones(12)},
    ],
)
def test_a_file_of_other_arrays_is_no_svhn(root: Path, arrays: dict[str, np.ndarray]) -> None:
    savemat(root / "svhn" / "test_32x32.mat", arrays)
    with pytest.raises(data.DatasetCorrupt, match="test_32x32.mat"):
        data.load("svhn", "test", 8, root=root)


def test_prepare_takes_no_other_svhn(root: Path) -> None:
    savemat(root / "svhn" / "test_32x32.mat", {"X": SVHN_X["test"] + 1, "y": np.ones(12)})
    with pytest.raises(data.DatasetCorrupt, match="is not the published test_32x32.mat"):
        data.prepare("svhn", root=root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "11 " + " ".join(f"{i}:0.5" for i in range(1, 257)),
        "0 1:0.5",
        "1 257:0.5",
        "1 0:0.5",
        "1 1:2.5",
        "1 1:nan",
        "1 0.5 0.5",
        "one 1:0.5",
        "1.5 1:0.5",
        "1 1:0.5é",
    ],
)
def test_other_lines_are_no_usps(tmp_path: Path, text: str) -> None:
    (tmp_path / "usps").mkdir()
    (tmp_path / "usps" / "usps").write_text(text, encoding="latin-1")
    with pytest.raises(data.DatasetCorrupt, match="usps"):
        data.load("usps", "train", 16, root=tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "Filename;ClassId\n", "Filename;ClassId\n00000.ppm;43\n", "Filename;ClassId\n00000.ppm;x\n",
     "Filename;ClassId\n00000.ppm\n", "Filename;ClassId\n/dev/zero;1\n", "Filename;ClassId\n../0.ppm;1\n",
     "Filename,ClassId\n00000.ppm,1\n", "Filename;ClassId\né.ppm;1\n"],
)  # fmt: skip
def test_damaged_lists_of_gtsrb_are_named(root: Path, text: str) -> None:
    (root / "gtsrb" / "GT-final_test.csv").write_text(text, encoding="latin-1")
    with pytest.raises(data.DatasetCorrupt, match="GT-final_test.csv"):
        data.load("gtsrb", "test", 8, root=root)


def test_a_picture_that_a_list_of_gtsrb_names_and_is_not_there_is_named(root: Path) -> None:
    (root / "gtsrb" / "GTSRB" / "Final_Test" / "Images" / "00002.ppm").unlink()
    with pytest.raises(data.DatasetCorrupt, match="00002.ppm' cannot be read"):
        data.load("gtsrb", "test", 8, root=root)


def test_a_domain_of_office_without_a_kind_is_refused(root: Path) -> None:
    (root / "office31" / "dslr" / "images" / "mug").rename(root / "office31" / "dslr" / "images" / "cup")
    with pytest.raises(data.DatasetCorrupt, match=r"has no pictures images/KIND/\*.jpg of mug: put a whole copy there"):
        data.load("office-dslr", "train", 8, root=root)


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_of_matlab_are_those_that_were_written(compressed: bool) -> None:
    rng, file = np.random.default_rng(0), io.BytesIO()
    kinds = ("uint8", "int8", "uint16", "int32", "int64", "uint64", "float32", "float64")
    written = {kind: (100 * rng.random((3, 1, 4))).astype(kind) for kind in kinds}
    written |= {"X": rng.integers(256, size=(2, 3, 4, 5), dtype=np.uint8), "y": np.arange(3.0)[:, None], "s": np.eye(1)}
    others = {"text": "a", "cell": np.array(["a", 1], object), "struct": {"a": 1}, "complex": np.array([1j])}
    savemat(file, written | others, do_compression=compressed)
    found = mat_file.read_arrays(file.getvalue())
    assert set(found) == set(written)
    for name, array in written.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_damaged_file_of_matlab_is_refused_or_read_and_nothing_else() -> None:
    rng, file = Random(0), io.BytesIO()
    savemat(file, {"X": SVHN_X["test"], "y": np.ones(12)})
    for whole in (svhn_file("train"), file.getvalue()):
        for _ in range(300):
            content = bytearray(whole)
            content[rng.randrange(rng.choice((len(whole), 200)))] ^= 1 << rng.randrange(8)
            with suppress(ValueError):
                found = mat_file.read_arrays(bytes(content[: rng.choice((None, rng.randrange(len(whole))))]))
                assert all(isinstance(array, np.ndarray) for array in found.values())
