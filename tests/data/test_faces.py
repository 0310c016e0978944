"""Faces with their attributes, from an archive or its folder; and what archives promise to every data set."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiral import data
from spiral.data.archive import Archive, install

COUNT = 21


def jpeg(level: int, size: tuple[int, int] = (16, 16)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (level, 255 - level, 0)).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with 21 faces: face i is red by 10·i, and i years old."""
    folder = tmp_path / "root" / "faces"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "faces128.zip", "w") as archive:
        for i in range(COUNT):
            archive.writestr(f"{i:05}.jpg", jpeg(10 * i))
    rows = [f'{i:05},1,{i},{i % 2},"0.5,0.5;1,2"' for i in range(COUNT)]
    (folder / "labels.csv").write_text("\n".join(["id,detected,age,happy,landmarks", *rows]) + "\n")
    return tmp_path / "root"


def unpack(root: Path) -> None:
    archive = root / "faces" / "faces128.zip"
    zipfile.ZipFile(archive).extractall(root / "faces" / "faces128")
    archive.unlink()


def test_faces_come_with_their_own_attributes(root: Path) -> None:
    train, test = (data.load_pictures("faces", split, 8, color=True, root=root) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((18, 8, 8, 3), (3, 8, 8, 3))
    assert set(test.attributes) == {"detected", "age", "happy"}
    assert test.attributes["age"].tolist() == [0, 10, 20] and test.attributes["age"].dtype == np.float32
    for faces in (train, test):
        np.testing.assert_allclose(faces.images[:, 4, 4, 0], 10 * faces.attributes["age"], atol=3)
        np.testing.assert_allclose(faces.images[:, 4, 4, 1], 255 - 10 * faces.attributes["age"], atol=3)
    assert data.load("faces", "test", 8, root=root).shape == (3, 8, 8, 1)


def test_the_unpacked_folder_is_as_good_as_the_archive(root: Path) -> None:
    packed = data.load_pictures("faces", "train", 8, color=True, root=root)
    unpack(root)
    unpacked = data.load_pictures("faces", "train", 8, color=True, root=root)
    np.testing.assert_array_equal(packed.images, unpacked.images)
    assert [entry.ready for entry in data.catalogue(root) if entry.name == "faces"] == [True]


@pytest.mark.parametrize("unpacked", [False, True], ids=["archive", "folder"])
def test_prepare_puts_them_where_data_sets_live(root: Path, tmp_path: Path, unpacked: bool) -> None:
    if unpacked:
        unpack(root)
    target = tmp_path / "target"
    stale = target / "faces" / "faces128.zip"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"left from before")
    assert data.prepare("faces", root / "faces", target) == target / "faces"
    names = {path.name for path in (target / "faces").iterdir()}
    assert names == {"faces128" if unpacked else "faces128.zip", "labels.csv"}
    np.testing.assert_array_equal(data.load("faces", "test", 8, root=target), data.load("faces", "test", 8, root=root))
    assert data.prepare("faces", root=target) == target / "faces"


@pytest.mark.parametrize("damage", ["cut off", "no archive", "flipped bit", "picture missing", "no picture", "table"])
def test_damaged_files_are_named_and_nothing_is_copied(root: Path, tmp_path: Path, damage: str) -> None:
    archive, labels = root / "faces" / "faces128.zip", root / "faces" / "labels.csv"
    whole = bytearray(archive.read_bytes())
    if damage == "cut off":
        archive.write_bytes(whole[: len(whole) // 2])
    elif damage == "no archive":
        archive.write_bytes(b"hello")
    elif damage == "flipped bit":
        whole[whole.index(b"00007.jpg") + 100] ^= 1
        archive.write_bytes(whole)
    elif damage == "picture missing":
        labels.write_text(labels.read_text() + '00099,1,3,0,""\n')
    elif damage == "no picture":
        with zipfile.ZipFile(archive, "a") as file:
            file.writestr("00099.jpg", b"hello")
        labels.write_text(labels.read_text() + '00099,1,3,0,""\n')
    else:
        labels.write_text("id,age\n00000,old\n")
    named = {"flipped bit": "00007.jpg", "picture missing": "00099.jpg", "no picture": "00099.jpg", "table": "labels"}
    with pytest.raises(data.DatasetCorrupt, match=named.get(damage, "faces128.zip")):
        data.prepare("faces", root / "faces", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_what_is_missing_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(data.DatasetMissing, match=r"lacks faces128\.zip, labels\.csv: run `spiral data prepare faces"):
        data.load("faces", "train", 8, root=tmp_path)
    (entry,) = (entry for entry in data.catalogue(tmp_path) if entry.name == "faces")
    assert not entry.ready and "prepare faces --from FOLDER" in entry.note
    with pytest.raises(data.DatasetMissing, match="lacks"):
        data.prepare("faces", tmp_path, tmp_path)


def test_names_of_an_archive_leave_out_the_folder_on_top(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("set/b/2.png", "set/a/1.PNG", "set/readme.txt"):
            archive.writestr(name, name)
    with Archive(tmp_path, "set") as packed:
        assert packed.pictures() == ["a/1.PNG", "b/2.png"]
        assert packed.read("b/2.png") == b"set/b/2.png"
    zipfile.ZipFile(tmp_path / "set.zip").extractall(tmp_path)
    (tmp_path / "set.zip").unlink()
    with Archive(tmp_path, "set") as unpacked:
        assert unpacked.pictures() == ["a/1.PNG", "b/2.png"]
        assert unpacked.read("b/2.png") == b"set/b/2.png"


def test_a_published_checksum_is_held_against_the_archive_before_anything_is_copied(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a.zip").write_bytes(b"hello")
    hello = "5d41402abc4b2a76b9719d911017c592"
    with pytest.raises(data.DatasetCorrupt, match=f"its MD5 is {hello}, and 00 is expected"):
        install(source, target, ["a"], [], {"a.zip": "00"})
    assert not target.exists()
    assert install(source, target, ["a"], [], {"a.zip": hello}) == target
    assert (target / "a.zip").read_bytes() == b"hello"


def test_a_copy_that_fails_leaves_what_was_there(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target" / "faces"
    data.prepare("faces", root / "faces", tmp_path / "target")
    before = (target / "faces128.zip").read_bytes()

    def fail(source: Path, to: Path) -> None:
        Path(to).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(shutil, "copyfile", fail)
    with pytest.raises(OSError, match="disk full"):
        data.prepare("faces", root / "faces", tmp_path / "target")
    assert (target / "faces128.zip").read_bytes() == before
    assert len(list(target.iterdir())) == 2


def test_the_faces_at_hand_are_read_whole() -> None:
    if data.find("faces").missing():
        pytest.skip("needs faces under $SPIRAL_DATA/faces")
    faces = data.load_pictures("faces", "test", 32, color=True)
    assert faces.images.shape == (300, 32, 32, 3)
    assert 20 < np.median(faces.attributes["age"]) < 40
