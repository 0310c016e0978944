"""Pictures with their labels, and the resizing that all data sets share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Split = Literal["train", "test"]
HELD_OUT_EVERY = 10
Item = TypeVar("Item")


class DatasetError(Exception):
    """A data set cannot be used; the message says why and what to do."""


class DatasetMissing(DatasetError):
    """The data set, or a part of it, is not where it should be."""


class DatasetCorrupt(DatasetError):
    """A file of the data set is damaged, cut off or of another kind."""


@dataclass(frozen=True)
class Pictures:
    """One split of a data set.

    Attributes:
        images: uint8 [N, H, W, C], dark ink on white where they are drawings.
        labels: int64 [N], or None where the data set has none.
        attributes: what else is known of each picture, by name, each float32 [N].
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    attributes: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def show_digits(self) -> bool:
        """Whether the labels are the ten digits."""
        return self.labels is not None and np.array_equal(np.unique(self.labels), np.arange(10))


def part_of(items: Sequence[Item], split: Split) -> list[Item]:
    """The items of a split, where the data set has none of its own: the first and then every tenth are held out."""
    return [item for i, item in enumerate(items) if (i % HELD_OUT_EVERY == 0) == (split == "test")]


def fitted(images: NDArray[np.uint8], size: int, color: bool) -> NDArray[np.uint8]:
    """The pictures [N, H, W, 1 or 3] at size x size: 3 channels if color (grey ones repeated), and else their luma."""
    images = resize(images, size)
    if color:
        return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    return images if images.shape[-1] == 1 else in_grey(images)


def resize(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The pictures [N, H, W, C] at size x size, uint8 [N, size, size, C], each channel by `resize_grey`."""
    if images.shape[1:3] == (size, size):
        return images
    return np.stack([resize_grey(images[..., channel], size) for channel in range(images.shape[3])], axis=-1)


def in_grey(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The luma of pictures [N, H, W, 3] as [N, H, W, 1] (ITU-R 601, as Pillow has it)."""
    luma: NDArray[np.float32] = images.astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)
    return (luma + 0.5).astype(np.uint8)[..., None]


def resize_grey(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The pictures at size x size, uint8 [N, size, size], for grey pictures [N, H, W], by Pillow's bilinear filter.

    A row does not see its neighbours, so all rows of all pictures are resized as one tall picture, and then all columns
    as another: two calls instead of N. Where Pillow itself would begin with the columns, a pixel may differ by 1.
    """
    if images.shape[1:] == (size, size):
        return images
    columns = _resize_rows(images, size).transpose(0, 2, 1)
    return np.ascontiguousarray(_resize_rows(np.ascontiguousarray(columns), size).transpose(0, 2, 1))


def _resize_rows(images: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    count, height, old_width = images.shape
    tall = Image.fromarray(images.reshape(count * height, old_width))
    return np.asarray(tall.resize((width, count * height), Image.Resampling.BILINEAR)).reshape(count, height, width)
