"""Pictures of a run for the eye: contact sheets."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spiral.files import write_bytes

GAP = 2  # pixels between pictures
LINE = 190  # grey of the ground, so that white pictures have an edge
QUICKLY, SMALL = 1, 6  # how hard a PNG is compressed
LEAST_PICTURE = 64  # smaller pictures are enlarged to about this size, in whole steps


def contact_sheet(
    renders: NDArray[np.uint8], targets: NDArray[np.uint8] | None = None, columns: int = 10
) -> NDArray[np.uint8]:
    """One picture of many, uint8 [height, width, 3], `columns` side by side.

    With targets, each row of renders stands below the row of the targets that they answer.

    Args:
        renders: uint8 [N, H, W, C], C = 1 or 3.
        targets: None, or of the same shape.
        columns: pictures in a row.
    """
    rows = math.ceil(len(renders) / columns)
    bands = []
    for row in range(rows):
        part = slice(row * columns, (row + 1) * columns)
        if targets is not None:
            bands.append(_band(targets[part], columns, GAP))
        last_of_pair = 3 * GAP if targets is not None and row < rows - 1 else GAP
        bands.append(_band(renders[part], columns, last_of_pair))
    sheet = np.concatenate([_ground(GAP, bands[0].shape[1]), *bands])
    zoom = max(1, round(LEAST_PICTURE / renders.shape[1]))
    return sheet.repeat(zoom, axis=0).repeat(zoom, axis=1)


def save_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write uint8 [H, W, C] as PNG, whole or not at all."""
    write_bytes(path, png(picture))


def png(picture: NDArray[np.uint8], compression: int = SMALL) -> bytes:
    """A picture uint8 [H, W, C] as PNG."""
    file = io.BytesIO()
    pixels = picture[..., 0] if picture.shape[-1] == 1 else picture
    Image.fromarray(pixels).save(file, "PNG", compress_level=compression)
    return file.getvalue()


def _band(pictures: NDArray[np.uint8], columns: int, below: int) -> NDArray[np.uint8]:
    """One row of pictures with their gaps, filled up to `columns` and followed by `below` pixels of ground."""
    count, height, width, _ = pictures.shape
    cells = np.full((columns, height + below, width + GAP, 3), LINE, np.uint8)
    cells[:count, :height, :width] = pictures
    row = np.concatenate(list(cells), axis=1)
    return np.concatenate([_ground(GAP, len(row)).swapaxes(0, 1), row], axis=1)


def _ground(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), LINE, np.uint8)
