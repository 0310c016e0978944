"""From picture files to arrays: many at once, each straight to the size of the canvas, so that none pile up."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from spiral.data.pictures import DatasetCorrupt

SUFFIXES = (".png", ".jpg", ".jpeg")
BLOCK = 256  # pictures a thread reads in a row
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

Box = tuple[int, int, int, int]


def decode_all(
    names: Sequence[str], read: Callable[[str], bytes], out: NDArray[np.uint8], box: Box | None = None
) -> None:
    """Fills `out`, uint8 [N, size, size, C], with the pictures of these names, as `decode` gives them.

    Raises:
        DatasetCorrupt: a picture cannot be read; the message names it.
    """

    def decode_block(start: int) -> None:
        for i in range(start, min(start + BLOCK, len(names))):
            out[i] = decode(read(names[i]), names[i], out.shape[1], out.shape[3] == 3, box)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode_block, range(0, len(names), BLOCK)))


def decode(content: bytes, name: str, size: int, color: bool, box: Box | None = None) -> NDArray[np.uint8]:
    """The picture in a file, upright, uint8 [size, size, C]: its middle square, resized. Transparent pixels show white.

    Args:
        content: all bytes of the file.
        name: what an error calls it.
        size: height and width, in pixels.
        color: 3 channels if so, and else 1.
        box: left, upper, right and lower edge of the part to take first, in pixels.

    Raises:
        DatasetCorrupt: it cannot be read as a picture of 8 bits a channel.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            upright = ImageOps.exif_transpose(picture)
            upright.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetCorrupt(f"{name} cannot be read as a picture ({error}): repair it or take it away") from None
    if upright.mode not in _EIGHT_BIT_MODES:
        raise DatasetCorrupt(f"{name} has pixels of kind {upright.mode}: save it with 8 bits for each channel")
    rgba = upright.convert("RGBA").crop(box)
    opaque = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB" if color else "L")
    return np.asarray(ImageOps.fit(opaque, (size, size), Image.Resampling.BILINEAR)).reshape(size, size, -1)
