"""OMNIGLOT and CELEBA in their published file formats, made small: the names, the layout and the lists are theirs."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiral import data
from spiral.data import celeba, omniglot

HANDS = 20
ALPHABETS = {
    "images_background": {"Greek": 3, "Latin": 2},
    "images_evaluation": {"Tibetan": 2},
}
FACES = 30  # of which every fifth is for validation, and each after it held out


def png(row: int) -> bytes:
    """A drawing of one bit, black on white, whose line lies in this row."""
    file = io.BytesIO()
    drawing = np.ones((105, 105), bool)
    drawing[row : row + 5] = False
    Image.fromarray(drawing).save(file, "PNG")
    return file.getvalue()


def jpeg(red: int) -> bytes:
    """A face of 178 x 218 pixels: grey in the middle square of 148, a frame of this red around it."""
    file = io.BytesIO()
    face = np.full((218, 178, 3), (red, 0, 0), np.uint8)
    face[35:183, 15:163] = red
    Image.fromarray(face).save(file, "JPEG", quality=100, subsampling=0)
    return file.getvalue()


def write_omniglot(folder: Path) -> None:
    folder.mkdir(parents=True)
    number = 0
    for name, alphabets in ALPHABETS.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for alphabet, characters in alphabets.items():
                for character in range(1, characters + 1):
                    number += 1
                    for hand in range(1, HANDS + 1):
                        path = f"{name}/{alphabet}/character{character:02}/{number:04}_{hand:02}.png"
                        archive.writestr(path, png(10 * number + hand))


def write_celeba(folder: Path) -> None:
    folder.mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(1, FACES + 1)]
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for i, name in enumerate(names, 1):
            archive.writestr(f"img_align_celeba/{name}", jpeg(8 * i))
    attributes = [f"{name}  {1 if i % 2 else -1} {1 if i > 20 else -1}" for i, name in enumerate(names, 1)]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(FACES), "Smiling Young ", *attributes]) + "\n")
    parts = {0: 1, 1: 2}
    partition = [f"{name} {parts.get(i % 5, 0)}" for i, name in enumerate(names, 1)]
    (folder / "list_eval_partition.txt").write_text("\n".join(partition) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_omniglot(tmp_path / "root" / "omniglot")
    write_celeba(tmp_path / "root" / "celeba")
    return tmp_path / "root"


def unpack(folder: Path) -> None:
    for archive in folder.glob("*.zip"):
        zipfile.ZipFile(archive).extractall(folder)
        archive.unlink()


def test_alphabets_of_the_evaluation_are_held_out(root: Path) -> None:
    train, test = (data.load_pictures("omniglot", split, 105, root=root) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((100, 105, 105, 1), (40, 105, 105, 1))
    assert train.labels is not None and test.labels is not None
    # The first hand's characters come first, in the order of the alphabets.
    assert train.labels[:7].tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert np.bincount(train.labels).tolist() == [HANDS] * 5 and np.bincount(test.labels).tolist() == [HANDS] * 2
    for position, row in ((0, 11), (4, 51), (5, 12)):
        drawing = train.images[position, ..., 0]
        assert np.all(drawing[row : row + 5] == 0) and np.all(np.delete(drawing, slice(row, row + 5), 0) == 255)
    assert data.load("omniglot", "test", 16, color=True, root=root).shape == (40, 16, 16, 3)


def test_the_partition_and_the_attributes_are_those_of_the_lists(root: Path) -> None:
    train, test = (data.load_pictures("celeba", split, 64, color=True, root=root) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((18, 64, 64, 3), (6, 64, 64, 3))
    assert set(train.attributes) == {"Smiling", "Young"} and train.attributes["Young"].dtype == np.float32
    held_out = [1, 6, 11, 16, 21, 26]
    np.testing.assert_allclose(test.images[:, 32, 32, 0], 8 * np.array(held_out), atol=2)
    assert test.attributes["Smiling"].tolist() == [i % 2 for i in held_out]
    assert test.attributes["Young"].tolist() == [0, 0, 0, 0, 1, 1]


def test_the_middle_square_of_148_pixels_is_taken(root: Path) -> None:
    faces = data.load("celeba", "test", 148, color=True, root=root).astype(int)
    assert np.abs(faces[..., 0] - faces[..., 1]).max() <= 8, "grey up to the edge: nothing of the red frame is left"
    assert np.abs(faces[:, 0, 0, 1] - faces[:, 74, 74, 1]).max() <= 8


@pytest.mark.parametrize("name", ["omniglot", "celeba"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_unpacked_folders_are_as_good_as_the_archives(root: Path, name: str, split: data.Split) -> None:
    packed = data.load_pictures(name, split, 16, color=True, root=root)
    copy = packed.images.copy()
    unpack(root / name)
    unpacked = data.load_pictures(name, split, 16, color=True, root=root)
    np.testing.assert_array_equal(copy, unpacked.images)
    np.testing.assert_equal(unpacked.labels, packed.labels)
    assert {entry.name: entry.ready for entry in data.catalogue(root)}[name]


def test_resized_faces_are_kept_and_made_anew_when_the_archive_is_newer(root: Path) -> None:
    first = data.load("celeba", "train", 16, root=root)
    (kept,) = (root / "celeba" / "resized").iterdir()
    assert kept.name == "train-16x16x1.npy" and isinstance(first, np.memmap) and not first.flags.writeable
    before = kept.stat()
    np.testing.assert_array_equal(data.load("celeba", "train", 16, root=root), first)
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    os.utime(root / "celeba" / "img_align_celeba.zip", (before.st_mtime + 10, before.st_mtime + 10))
    np.testing.assert_array_equal(data.load("celeba", "train", 16, root=root), first)
    assert kept.stat().st_mtime_ns > before.st_mtime_ns


def test_a_reading_that_fails_keeps_nothing(root: Path) -> None:
    archive = root / "celeba" / "img_align_celeba.zip"
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"\xff\xd8\xff", b"\0\0\0"))
    with pytest.raises(data.DatasetCorrupt, match=r"\d{6}\.jpg"):
        data.load("celeba", "train", 16, root=root)
    assert not list((root / "celeba" / "resized").iterdir())


def checksums(folder: Path, names: dict[str, str]) -> dict[str, str]:
    return {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in names}


@pytest.mark.parametrize(("name", "module"), [("omniglot", omniglot), ("celeba", celeba)])
def test_prepare_takes_the_published_files_and_no_others(root, tmp_path, monkeypatch, name, module) -> None:
    target = tmp_path / "target"
    with pytest.raises(data.DatasetCorrupt, match=f"and {next(iter(module.MD5.values()))} is expected"):
        data.prepare(name, root / name, target)
    assert not target.exists()
    monkeypatch.setattr(module, "MD5", checksums(root / name, module.MD5))
    assert data.prepare(name, root / name, target) == target / name
    assert {path.name for path in (target / name).iterdir()} == set(module.MD5)
    assert data.prepare(name, root=target) == target / name
    first = target / name / next(iter(module.MD5))
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(data.DatasetCorrupt, match=f"{first.name} is not the published"):
        data.prepare(name, root=target)


@pytest.mark.parametrize(("name", "module"), [("omniglot", omniglot), ("celeba", celeba)])
def test_what_is_missing_is_named_with_the_way_out(root, name, module) -> None:
    for file in module.MD5:
        (root / name / file).rename(root / name / "away")
        with pytest.raises(data.DatasetMissing, match=f"lacks {file}: run `spiral data prepare {name} --from FOLDER`"):
            for split in ("train", "test"):
                data.load(name, split, 8, root=root)
        with pytest.raises(data.DatasetMissing, match=f"lacks {file}"):
            data.prepare(name, root=root)
        assert not {entry.name: entry.ready for entry in data.catalogue(root)}[name]
        (root / name / "away").rename(root / name / file)


def test_damaged_lists_are_named(root: Path) -> None:
    partition, attributes = (root / "celeba" / name for name in (celeba.PARTITION, celeba.ATTRIBUTES))
    whole = attributes.read_text()
    for damaged in (whole[: len(whole) // 2], "hello", whole.replace("Smiling ", ""), whole.replace("-1", "no")):
        attributes.write_text(damaged)
        with pytest.raises(data.DatasetCorrupt, match="list_attr_celeba.txt is damaged"):
            data.load("celeba", "train", 8, root=root)
    attributes.write_text(whole)
    for damaged in ("", "000001.jpg\n", "000001.jpg 1\n"):
        partition.write_text(damaged)
        with pytest.raises(data.DatasetCorrupt, match="list_eval_partition.txt is damaged"):
            data.load("celeba", "train", 8, root=root)


def test_an_archive_of_other_pictures_is_refused(root: Path) -> None:
    with zipfile.ZipFile(root / "omniglot" / "images_background.zip", "w") as archive:
        archive.writestr("images_background/1.png", png(5))
    with pytest.raises(data.DatasetCorrupt, match="has no ALPHABET/CHARACTER"):
        data.load("omniglot", "train", 8, root=root)
