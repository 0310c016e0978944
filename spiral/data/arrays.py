"""Data sets that are made on the user's machine: a numpy archive of plain arrays for each split, whole or not there."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.data.pictures import DatasetCorrupt, Split
from spiral.files import written_whole

SPLITS: tuple[Split, ...] = ("train", "test")


def path(folder: Path, split: Split) -> Path:
    """The file of a split."""
    return folder / f"{split}.npz"


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
