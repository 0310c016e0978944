"""Data sets that are made on the user's machine: a numpy archive of plain arrays for each split, whole or not there."""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Split
from spiral.files import written_whole

SPLITS: tuple[Split, ...] = ("train", "test")


def path(folder: Path, split: Split) -> Path:
    """The file of a split."""
    return folder / f"{split}.npz"


@dataclass(frozen=True)
class MadeSet(ABC):
    """A data set of two files that `spiral data make` draws, in the folder of its name."""

    folder: Path

    @property
    def place(self) -> Path:
        """The folder of the two files."""
        return self.folder

    @property
    def where(self) -> str:
        """The folder of the two files."""
        return str(self.place)

    @property
    def how(self) -> str:
        """What to do where they are not there."""
        return how_to_make(self.folder)

    def missing(self) -> str:
        """How to draw them where they are not drawn."""
        drawn = all(path(self.place, split).is_file() for split in SPLITS)
        return "" if drawn else self.how

    def prepare(self, source: Path | None) -> Path:
        """The folder, when both files are there and whole; there is nothing to copy."""
        for split in SPLITS:
            self.whole(split)
        return self.place

    @abstractmethod
    def whole(self, split: Split) -> object:
        """All that the file of a split holds.

        Raises:
            DatasetMissing: it is not there.
            DatasetCorrupt: it is damaged or another.
        """


def how_to_make(folder: Path, *arguments: str) -> str:
    """What to do where the data set of this folder is not there."""
    return f"run `{' '.join(('spiral data make', folder.name, *arguments))}`"


def read_made(file: Path, names: tuple[str, ...], what: str, how: str) -> list[NDArray[Any]]:
    """The arrays of these names.

    Raises:
        DatasetMissing: there is no such file; the message ends with `how` to make it.
        DatasetCorrupt: it is damaged, or no set of `what`.
    """
    try:
        return read_arrays(file, names, what, f"move it away and {how}")
    except FileNotFoundError:
        raise DatasetMissing(f"{file} is not there: {how}") from None


def read_arrays(file: Path, names: tuple[str, ...], what: str, way_out: str) -> list[NDArray[Any]]:
    """The arrays of these names.

    Raises:
        FileNotFoundError: there is no such file.
        DatasetCorrupt: it is damaged, or no set of `what`; the message ends with the `way_out`.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetCorrupt(f"{file} is damaged or no set of {what} ({error}): {way_out}") from None


def write_arrays(file: Path, **arrays: NDArray[np.generic]) -> Path:
    """The file, once it is whole."""
    with written_whole(file) as unfinished, unfinished.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]  # numpy's own stub takes `allow_pickle` for one
    return file
