"""GTSRB (Stallkamp et al., 2012): photographs of German traffic signs of 43 kinds, in the folders of the benchmark.

`Final_Training/Images/CCCCC/GT-CCCCC.csv` lists the pictures (PPM) beside it with their class. The pictures to be held
out are all in `Final_Test/Images`; their classes are in `GT-final_test.csv`, which is published by itself. (The list in
their folder, `GT-final_test.test.csv`, has none.) The signs have a margin of about a tenth, which stays.
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spiral.data.archive import copy_folder
from spiral.data.decode import decode_all
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split
from spiral.files import written_whole

TOP, TRAIN, TEST, ANSWERS = "GTSRB", "Final_Training", "Final_Test", "GT-final_test.csv"
CLASSES = 43
HOW = (
    "unpack GTSRB_Final_Training_Images.zip, GTSRB_Final_Test_Images.zip and GTSRB_Final_Test_GT.zip in one folder, "
    "and run `spiral data prepare gtsrb --from FOLDER`"
)

Row = tuple[Path, int]


@dataclass(frozen=True)
class Gtsrb:
    """The data set, in its colours: the middle square of each picture."""

    folder: Path
    size = "39,209 + 12,630"
    what = "photographs of German traffic signs of 43 kinds"

    @property
    def where(self) -> str:
        """The folder that the archives were unpacked in."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put it there."""
        return HOW if _lacking(self.folder) else ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The signs of a split, labelled 0 to 42."""
        if absent := _lacking(self.folder):
            raise DatasetMissing(f"{self.folder} lacks {', '.join(absent)}: {HOW}")
        rows = _train_rows(self.folder) if split == "train" else _test_rows(self.folder)
        images = np.empty((len(rows), canvas_size, canvas_size, 3 if color else 1), np.uint8)
        decode_all([str(path) for path, _ in rows], _content, images)
        return Pictures(images, np.array([label for _, label in rows], np.int64))

    def prepare(self, source: Path | None) -> Path:
        """The folder, once every picture was read."""
        checked = Gtsrb(source or self.folder)
        for split in ("train", "test"):
            checked.read(split, 8, color=False)
        if checked.folder.resolve() != self.folder.resolve():
            for part in (TRAIN, TEST):
                copy_folder(_top(checked.folder) / part, self.folder / TOP / part)
            with written_whole(self.folder / ANSWERS) as unfinished:
                shutil.copyfile(_answers(checked.folder), unfinished)
        return self.folder


def read_list(file: Path, images: Path) -> list[Row]:
    """The pictures in the folder `images` that a list names, with their classes.

    Raises:
        DatasetCorrupt: the file is no list with the columns Filename and ClassId, or names nothing.
    """
    try:
        with file.open(newline="", encoding="ascii") as lines:
            rows = [(images / row["Filename"], int(row["ClassId"])) for row in csv.DictReader(lines, delimiter=";")]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DatasetCorrupt(f"{file} is damaged or no list of GTSRB ({error!r}): put a whole copy there") from None
    if not rows or not all(path.parent == images and 0 <= label < CLASSES for path, label in rows):
        raise DatasetCorrupt(
            f"{file} names no picture, one that is not in {images}, or a class outside 0 to {CLASSES - 1}: "
            "put a whole copy there"
        )
    return rows


def _train_rows(folder: Path) -> list[Row]:
    lists = sorted((_top(folder) / TRAIN / "Images").glob("*/GT-*.csv"))
    return [row for file in lists for row in read_list(file, file.parent)]


def _test_rows(folder: Path) -> list[Row]:
    return read_list(_answers(folder), _top(folder) / TEST / "Images")


def _top(folder: Path) -> Path:
    """The folder that the archives have on top, where it is there."""
    return folder / TOP if (folder / TOP).is_dir() else folder


def _answers(folder: Path) -> Path:
    """The classes of the pictures that are held out, wherever their archive was unpacked; there may be none."""
    places = (folder, _top(folder), _top(folder) / TEST, _top(folder) / TEST / "Images")
    return next((place / ANSWERS for place in places if (place / ANSWERS).is_file()), folder / ANSWERS)


def _lacking(folder: Path) -> list[str]:
    train, test = (_top(folder) / part / "Images" for part in (TRAIN, TEST))
    there = {
        f"{TRAIN}/Images/*/GT-*.csv": any(train.glob("*/GT-*.csv")),
        f"{TEST}/Images": test.is_dir(),
        ANSWERS: _answers(folder).is_file(),
    }
    return [name for name, found in there.items() if not found]


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise DatasetCorrupt(f"{path!r} cannot be read ({error}): put a whole copy there") from None
