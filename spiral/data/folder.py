"""A folder of pictures as a data set: every PNG and JPEG below it, in the order of their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spiral.data.decode import SUFFIXES, decode_all
from spiral.data.pictures import DatasetMissing, Pictures, Split, part_of


@dataclass(frozen=True)
class Folder:
    """The data set: the middle square of each picture; the first and then every tenth one is held out."""

    folder: Path
    size = "9 in 10 + the rest"
    what = "every PNG and JPEG below a folder of yours"

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder)

    def missing(self) -> str:
        """Nothing: which folder it is will be known when one is named."""
        return ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, without labels."""
        paths = part_of(files(self.folder), split)
        images = np.empty((len(paths), canvas_size, canvas_size, 3 if color else 1), np.uint8)
        decode_all([str(path) for path in paths], lambda path: Path(path).read_bytes(), images)
        return Pictures(images)

    def prepare(self, source: Path | None) -> Path:
        """The folder, where it has pictures; there is nothing to copy."""
        files(self.folder)
        return self.folder


def files(folder: Path) -> list[Path]:
    """The pictures below the folder, sorted by path.

    Raises:
        DatasetMissing: there is no such folder, or it has fewer than two pictures.
    """
    if not folder.is_dir():
        raise DatasetMissing(f"{folder} is not a folder: give folder:PATH with a folder of PNG or JPEG pictures")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if len(found) < 2:
        raise DatasetMissing(
            f"{folder} holds {len(found)} pictures ({', '.join(SUFFIXES)}); at least 2 are needed, "
            "one to train on and one to hold out"
        )
    return found
