"""MUJOCO SCENES (thesis 6.4.1): pictures of a few objects on a platform, with the programs that build them.

No one published the set, so that it is made on the user's machine (`spiral data make scenes`). Its two files are numpy
archives of plain arrays, written under another name and renamed when they are whole.
"""

from __future__ import annotations

import os
import secrets
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Split

SPLITS: tuple[Split, ...] = ("train", "test")
WHAT = "up to 5 objects on a platform, drawn by MuJoCo"
HOW = "run `spiral data make scenes`"


@dataclass(frozen=True)
class SceneSet:
    """One split of the scenes.

    Attributes:
        images: uint8 [N, 64, 64, 3].
        actions: the programs on `spiral/Scenes-v0`, int64 [N, T, heads]; what follows the last object skips the move.
    """

    images: NDArray[np.uint8]
    actions: NDArray[np.int64]


def path(folder: Path, split: Split) -> Path:
    """The file of a split."""
    return folder / f"{split}.npz"


def read(folder: Path, split: Split) -> SceneSet:
    """One split.

    Raises:
        DatasetMissing: its file is not there.
        DatasetCorrupt: its file is damaged or another.
    """
    file = path(folder, split)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            images, actions = arrays["images"], arrays["actions"]
    except FileNotFoundError:
        raise DatasetMissing(f"{file} is not there: {HOW}") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetCorrupt(f"{file} is damaged or no set of scenes ({error}): take it away and {HOW}") from None
    if images.dtype != np.uint8 or images.ndim != 4 or actions.ndim != 3 or len(images) != len(actions):
        raise DatasetCorrupt(
            f"{file} holds images {images.dtype} {images.shape} and actions {actions.shape}, not pictures [N, H, W, 3] "
            f"with their programs [N, T, heads]: take it away and {HOW}"
        )
    return SceneSet(images, actions.astype(np.int64))


def write(folder: Path, split: Split, scenes: SceneSet) -> Path:
    """The file of a split, once it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file = path(folder, split)
    unfinished = file.with_name(f".{file.stem}.{secrets.token_hex(4)}.npz")
    try:
        np.savez_compressed(unfinished, images=scenes.images, actions=scenes.actions.astype(np.int16))
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file
