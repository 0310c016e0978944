"""What a data set promises. Each module beside this one holds one, and `catalogue.py` gives them their names."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from spiral.data.pictures import Pictures, Split


class Dataset(Protocol):
    """Real pictures in two splits, and how they come to be there."""

    @property
    def size(self) -> str:
        """How many pictures there are to train on, and how many are held out."""

    @property
    def what(self) -> str:
        """What the pictures show, in a few words."""

    @property
    def where(self) -> str:
        """The folder or the package that they live in."""

    def missing(self) -> str:
        """What to do before they can be read; empty when all files are there. Their content is checked when read."""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """One split, its pictures resized to canvas_size, with C = 3 if color and else 1.

        Raises:
            DatasetMissing: a file is not there.
            DatasetCorrupt: a file is damaged or another.
        """

    def prepare(self, source: Path | None) -> Path:
        """The place of the data set, which can be read when this returns; its files are copied from `source` if given.

        Raises:
            DatasetMissing: `source` is needed and not given, or lacks a file.
            DatasetCorrupt: a file is damaged; then nothing is copied.
        """
