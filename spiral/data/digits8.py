"""The 1,797 digits of 8 x 8 pixels that the package scikit-learn carries (Alpaydin and Kaynak, 1998): a small real set.

They were written by 13 people. A pixel is the number of inked ones, 0 to 16, in a cell of a bitmap of 32 x 32.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.package import Package
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted

SKLEARN = Package("scikit-learn", "sklearn/datasets/data/digits.csv.gz", "the digits of digits8")
COUNT, TRAIN = 1797, 1200
MOST_INK = 16


@dataclass(frozen=True)
class Digits8:
    """The data set, dark on white: the first 1,200 of the file train, what comes after them is held out."""

    size = "1,200 + 597"
    what = "digits of 8x8 pixels that come with the package scikit-learn"
    where = "the package scikit-learn"

    def missing(self) -> str:
        """What to do where the package is not there."""
        return SKLEARN.missing()

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The digits of a split, labelled 0 to 9."""
        rows = _rows()
        rows = rows[:TRAIN] if split == "train" else rows[TRAIN:]
        ink = np.round(rows[:, :-1] * (255 / MOST_INK)).astype(np.uint8).reshape(-1, 8, 8, 1)
        return Pictures(fitted(255 - ink, canvas_size, color), rows[:, -1].astype(np.int64))

    def prepare(self, source: Path | None) -> Path:
        """The file of digits; there is nothing to copy."""
        _rows()
        return SKLEARN.path()


def _rows() -> NDArray[np.float64]:
    """The table of the file: 64 pixels and the label, float64 [1797, 65]."""
    file = SKLEARN.path()
    try:
        text = gzip.decompress(file.read_bytes()).decode("ascii")
        table = np.array([line.split(",") for line in text.split()], np.float64)
    except (EOFError, OSError, zlib.error, ValueError) as error:
        raise DatasetCorrupt(f"{file} is damaged ({error}): install scikit-learn again") from None
    if table.shape != (COUNT, 65):
        raise DatasetCorrupt(f"{file} holds numbers {table.shape}, not ({COUNT}, 65): install scikit-learn again")
    return table
