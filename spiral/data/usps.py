"""USPS (LeCun et al., 1990; Hull, 1994): digits of postal codes, 16 x 16 pixels, in one of two forms of text.

`zip.train` and `zip.test` (Hastie et al.) have a digit a line: the label, and 256 numbers from −1, paper, to 1, ink.
`usps` and `usps.t` (LIBSVM) have the same as `LABEL INDEX:NUMBER ...`, where labels and indices begin with 1 and a
number that is 0 may be left out. Each may be compressed, as `.gz` or `.bz2`.
"""

from __future__ import annotations

import bz2
import gzip
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, fitted
from spiral.files import written_whole

NAMES: dict[Split, tuple[str, str]] = {"train": ("zip.train", "usps"), "test": ("zip.test", "usps.t")}
SUFFIXES = ("", ".gz", ".bz2")
SIDE = 16
HOW = "run `spiral data prepare usps --from FOLDER` with zip.train.gz and zip.test.gz, or usps.bz2 and usps.t.bz2"


@dataclass(frozen=True)
class Usps:
    """The data set, dark on white."""

    folder: Path
    size = "7,291 + 2,007"
    what = "handwritten digits of postal codes"

    @property
    def where(self) -> str:
        """The folder of the two files."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put them there."""
        return "" if all(find(self.folder, split) for split in NAMES) else HOW

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The digits of a split, labelled 0 to 9."""
        ink, labels = read(_there(self.folder, split))
        return Pictures(fitted(255 - ink[..., None], canvas_size, color), labels)

    def prepare(self, source: Path | None) -> Path:
        """The folder of the files, once both were read."""
        files = [_there(source or self.folder, split) for split in NAMES]
        for file in files:
            read(file)
        if source is not None and source.resolve() != self.folder.resolve():
            for file in files:
                with written_whole(self.folder / file.name) as unfinished:
                    shutil.copyfile(file, unfinished)
        return self.folder


def find(folder: Path, split: Split) -> Path | None:
    """The file of a split; the first form wins where there are several."""
    forms = (folder / f"{name}{suffix}" for name in NAMES[split] for suffix in SUFFIXES)
    return next((path for path in forms if path.is_file()), None)


def _there(folder: Path, split: Split) -> Path:
    file = find(folder, split)
    if file is None:
        names = " or ".join(f"{name} (plain, .gz or .bz2)" for name in NAMES[split])
        raise DatasetMissing(f"{folder} lacks {names}: {HOW}")
    return file


def read(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The digits of a file, white on black, uint8 [N, 16, 16], and their labels, int64 [N].

    Raises:
        DatasetCorrupt: the file is damaged or another.
    """
    try:
        lines = _uncompressed(file).decode("ascii").splitlines()
        rows = [line.split() for line in lines if line.strip()]
        if not rows:
            raise ValueError("it is empty")
        table = _libsvm(rows) if file.name.startswith("usps") else np.array(rows, np.float64)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DatasetCorrupt(f"{file} is damaged or no file of USPS ({error}): put a whole copy there") from None
    labels, ink = table[:, 0], table[:, 1:]
    if ink.shape[1] != SIDE * SIDE or not np.isin(labels, range(10)).all() or not (np.abs(ink) <= 1).all():
        raise DatasetCorrupt(
            f"{file} has other numbers than a digit from 0 to 9 and {SIDE * SIDE} pixels from -1 to 1 a line: "
            "put a whole copy there"
        )
    return np.round((ink + 1) * 127.5).astype(np.uint8).reshape(-1, SIDE, SIDE), labels.astype(np.int64)


def _uncompressed(file: Path) -> bytes:
    content = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(content)
    return bz2.decompress(content) if file.suffix == ".bz2" else content


def _libsvm(rows: list[list[str]]) -> NDArray[np.float64]:
    """The lines of LIBSVM's form as a table: the digit, and 256 numbers."""
    table = np.zeros((len(rows), 1 + SIDE * SIDE))
    for row, (label, *entries) in zip(table, rows, strict=True):
        row[0] = float(label) - 1
        for entry in entries:
            index, number = entry.split(":")
            if not 1 <= int(index) <= SIDE * SIDE:
                raise ValueError(f"there is no pixel {index}")
            row[int(index)] = float(number)
    return table
