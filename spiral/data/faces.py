"""Faces of people who do not exist: 3,000 pictures by a generative network, with attributes guessed by others.

They stand in for CELEBA, which no package carries. `faces128.zip` holds pictures of 128 x 128 pixels, and `labels.csv`
says of each, `ID.jpg`, its `id` and numbers such as `age` and `happy`. Any faces in this form will do.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.archive import Archive, install, lacking
from spiral.data.decode import decode_all
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, part_of

ARCHIVES, FILES = ("faces128",), ("labels.csv",)
NO_NUMBERS = ("id", "landmarks")
HOW = "run `spiral data prepare faces --from FOLDER` with faces128.zip and labels.csv"


@dataclass(frozen=True)
class Faces:
    """The data set: the first and then every tenth face is held out."""

    folder: Path
    size = "2,700 + 300"
    what = "faces of people who do not exist, with attributes"

    @property
    def where(self) -> str:
        """The folder of the archive and the labels."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put them there."""
        return HOW if lacking(self.folder, ARCHIVES, FILES) else ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The faces of a split, in the order of the labels, with every number of these as an attribute."""
        if self.missing():
            raise DatasetMissing(f"{self.folder} lacks {', '.join(lacking(self.folder, ARCHIVES, FILES))}: {HOW}")
        names, attributes = read_labels(self.folder / FILES[0])
        chosen = part_of(range(len(names)), split)
        images = np.empty((len(chosen), canvas_size, canvas_size, 3 if color else 1), np.uint8)
        with Archive(self.folder, ARCHIVES[0]) as archive:
            decode_all([names[i] for i in chosen], archive.read, images)
        return Pictures(images, None, {name: values[chosen] for name, values in attributes.items()})

    def prepare(self, source: Path | None) -> Path:
        """The folder, once every face was read."""
        checked = Faces(source or self.folder)
        for split in ("train", "test"):
            checked.read(split, 8, color=False)
        return install(checked.folder, self.folder, ARCHIVES, FILES, md5={})


def read_labels(file: Path) -> tuple[list[str], dict[str, NDArray[np.float32]]]:
    """The pictures' names, and their attributes by name, each float32 [N].

    Raises:
        DatasetCorrupt: the file is no table with a column `id` and numbers.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        names = [f"{row['id']}.jpg" for row in rows]
        columns = [column for column in rows[0] if column not in NO_NUMBERS]
        return names, {column: np.array([float(row[column]) for row in rows], np.float32) for column in columns}
    except (IndexError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DatasetCorrupt(f"{file} is no table of faces, with their `id` and numbers ({error!r})") from None
