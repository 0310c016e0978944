"""SVHN (Netzer et al., 2011), the cropped form: digits of house numbers, 32 x 32 pixels, in two files of MATLAB's.

`train_32x32.mat` and `test_32x32.mat` hold pictures X, [32, 32, 3, N], and labels y, [N, 1], where 10 stands for 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.archive import install, lacking
from spiral.data.mat_file import read_arrays
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, fitted

FILES: dict[Split, str] = {"train": "train_32x32.mat", "test": "test_32x32.mat"}
MD5 = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}
HOW = f"run `spiral data prepare svhn --from FOLDER` with {' and '.join(MD5)}"


@dataclass(frozen=True)
class Svhn:
    """The data set, in its colours."""

    folder: Path
    size = "73,257 + 26,032"
    what = "digits of house numbers on photographs"

    @property
    def where(self) -> str:
        """The folder of the two files."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put them there."""
        return HOW if lacking(self.folder, [], list(MD5)) else ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The digits of a split, labelled 0 to 9."""
        if absent := lacking(self.folder, [], [FILES[split]]):
            raise DatasetMissing(f"{self.folder} lacks {', '.join(absent)}: {HOW}")
        images, labels = read(self.folder / FILES[split])
        return Pictures(fitted(images, canvas_size, color), labels)

    def prepare(self, source: Path | None) -> Path:
        """The folder of the files, whose checksums are the published ones."""
        return install(source or self.folder, self.folder, [], list(MD5), MD5)


def read(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures of a file, uint8 [N, 32, 32, 3], and their labels, int64 [N].

    Raises:
        DatasetCorrupt: the file is damaged or another.
    """
    try:
        arrays = read_arrays(file.read_bytes())
        x, y = arrays["X"], arrays["y"]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetCorrupt(f"{file} is damaged or no file of SVHN ({error!r}): put a whole copy there") from None
    images = x.dtype == np.uint8 and x.ndim == 4 and x.shape[:3] == (32, 32, 3)
    if not images or y.size != x.shape[3] or not np.isin(y, range(1, 11)).all():
        raise DatasetCorrupt(
            f"{file} holds X {x.dtype} {x.shape} and y {y.dtype} {y.shape}, not X uint8 (32, 32, 3, N) with y from 1 "
            "to 10 for each: put a whole copy there"
        )
    return np.ascontiguousarray(x.transpose(3, 0, 1, 2)), y.ravel().astype(np.int64) % 10
