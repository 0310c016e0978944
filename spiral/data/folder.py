"""A folder of pictures as a data set: every PNG and JPEG below it, in the order of their names."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from spiral.data.picture_file import open_picture
from spiral.data.pictures import DatasetMissing, Split

SUFFIXES = (".png", ".jpg", ".jpeg")
HELD_OUT_EVERY = 10


def read(folder: Path, split: Split, canvas_size: int, color: bool) -> NDArray[np.uint8]:
    """The pictures of a split, centre-cropped to a square and resized, uint8 [N, canvas_size, canvas_size, C].

    The first and then every tenth picture, in the order of the names, is held out. Transparent pixels show white.

    Raises:
        DatasetMissing: there is no such folder, or it has fewer than two pictures.
        PictureError: a picture cannot be read; the message names it.
    """
    held_out = slice(0, None, HELD_OUT_EVERY)
    paths = files(folder)
    if split == "test":
        paths = paths[held_out]
    else:
        del paths[held_out]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = list(pool.map(lambda path: _read(path, canvas_size, color), paths))
    return np.stack(pictures)


def files(folder: Path) -> list[Path]:
    """The pictures below the folder, sorted by path."""
    if not folder.is_dir():
        raise DatasetMissing(f"{folder} is not a folder: give folder:PATH with a folder of PNG or JPEG pictures")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if len(found) < 2:
        raise DatasetMissing(
            f"{folder} holds {len(found)} pictures ({', '.join(SUFFIXES)}); at least 2 are needed, "
            "one to train on and one to hold out"
        )
    return found


def _read(path: Path, canvas_size: int, color: bool) -> NDArray[np.uint8]:
    square = ImageOps.fit(open_picture(path, color), (canvas_size, canvas_size), Image.Resampling.BILINEAR)
    return np.asarray(square).reshape(canvas_size, canvas_size, 3 if color else 1)
