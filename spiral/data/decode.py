"""From picture files to arrays: many at once, each straight to the size of the canvas, so that none pile up."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from spiral.data.picture_file import open_picture

SUFFIXES = (".png", ".jpg", ".jpeg")
BLOCK = 256  # pictures a thread reads in a row

Box = tuple[int, int, int, int]


def decode_all(
    names: Sequence[str], read: Callable[[str], bytes], out: NDArray[np.uint8], box: Box | None = None
) -> None:
    """Fills `out`, uint8 [N, size, size, C], with the pictures of these names, as `decode` gives them.

    Raises:
        PictureError: a picture cannot be read; the message names it.
    """

    def decode_block(start: int) -> None:
        for i in range(start, min(start + BLOCK, len(names))):
            out[i] = decode(read(names[i]), names[i], out.shape[1], out.shape[3] == 3, box)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode_block, range(0, len(names), BLOCK)))


def decode(content: bytes, name: str, size: int, color: bool, box: Box | None = None) -> NDArray[np.uint8]:
    """The middle square of a picture, resized, uint8 [size, size, C].

    Args:
        content: all bytes of the file.
        name: what an error calls it.
        size: height and width, in pixels.
        color: 3 channels if so, and else 1.
        box: left, upper, right and lower edge of the part to take first, in pixels.

    Raises:
        PictureError: `open_picture` refuses it.
    """
    picture = open_picture(Path(name), color, content).crop(box)
    return np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)).reshape(size, size, -1)
