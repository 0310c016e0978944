"""MNIST (LeCun et al. 1998) from its four IDX files, plain or gzip-compressed, each checked before it is used.

The checksum is that of the uncompressed content, so that any compression of the same digits is right.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, fitted
from spiral.files import written_whole

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_PREFIX: dict[Split, str] = {"train": "train", "test": "t10k"}


@dataclass(frozen=True)
class Mnist:
    """The data set: the whole 28x28 frame is resized, as the thesis does (section 6.4.1), and turned dark on white."""

    folder: Path
    size = "60,000 + 10,000"
    what = "all MNIST digits"

    @property
    def where(self) -> str:
        """The folder of the four files."""
        return str(self.folder)

    def missing(self) -> str:
        """What to do where a file is not there."""
        found = len(find(self.folder))
        if found == len(SHA256):
            return ""
        return f"{found} of 4 files: run `spiral data prepare mnist --from FOLDER` with all four"

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The digits of a split, labelled 0 to 9."""
        white_on_black, labels = read(self.folder, split)
        return Pictures(fitted(255 - white_on_black[..., None], canvas_size, color), labels)

    def prepare(self, source: Path | None) -> Path:
        """The folder with the four files."""
        if source is not None:
            return install(source, self.folder)
        read(self.folder, "train")
        read(self.folder, "test")
        return self.folder


def read(folder: Path, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The digits of a split as they are stored (white on black), uint8 [N, 28, 28], and their labels, int64 [N].

    Raises:
        DatasetMissing: one of the four files is not in the folder, whichever split is asked for.
        DatasetCorrupt: a file that the split needs is not the published one.
    """
    found = find(folder)
    missing = [name for name in SHA256 if name not in found]
    if missing:
        raise DatasetMissing(
            f"MNIST in {folder} lacks {', '.join(missing)} (plain or .gz); all four files are needed: "
            "run `spiral data prepare mnist --from FOLDER` with a folder that has them"
        )
    names = (f"{_PREFIX[split]}-images-idx3-ubyte", f"{_PREFIX[split]}-labels-idx1-ubyte")
    images, labels = (_uncompressed(found[name].read_bytes(), found[name], name) for name in names)
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
        np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
    )


def find(folder: Path) -> dict[str, Path]:
    """Those of the four files that the folder has, by their plain name; the plain form wins over the compressed."""
    forms = [(name, folder / form) for name in SHA256 for form in (f"{name}.gz", name)]
    return {name: path for name, path in forms if path.is_file()}


def install(source: Path, target: Path) -> Path:
    """The folder `target`, which holds the four files of `source` once every one of them was found right.

    Raises:
        DatasetMissing: `source` lacks one of the files.
        DatasetCorrupt: one of them is not the published one; then nothing is written.
    """
    found = find(source)
    missing = [name for name in SHA256 if name not in found]
    if missing:
        raise DatasetMissing(f"{source} lacks {', '.join(missing)} (plain or .gz): name a folder with all four files")
    files = {path.name: path.read_bytes() for path in found.values()}
    for name, path in found.items():
        _uncompressed(files[path.name], path, name)
    if source.resolve() == target.resolve():
        return target
    for name in SHA256:
        for form in (name, f"{name}.gz"):
            if form in files:
                with written_whole(target / form) as unfinished:
                    unfinished.write_bytes(files[form])
            elif (target / form).is_file() and _is_damaged(target / form, name):
                # Left from before, it must not win over the good one.
                (target / form).unlink()
    return target


def _is_damaged(path: Path, name: str) -> bool:
    try:
        _uncompressed(path.read_bytes(), path, name)
    except DatasetCorrupt:
        return True
    return False


def _uncompressed(raw: bytes, path: Path, name: str) -> bytes:
    """The uncompressed content of the file read from `path`, which is the published one called `name`."""
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise DatasetCorrupt(f"{path} is damaged or cut off ({error}): put a whole copy of {name} there") from None
    digest = hashlib.sha256(raw).hexdigest()
    if digest != SHA256[name]:
        raise DatasetCorrupt(
            f"{path} is not MNIST's {name}: {len(raw)} bytes with sha256 {digest}, "
            f"but {SHA256[name]} is expected: put a whole copy there"
        )
    return raw
