"""NYU RGBD (Silberman & Fergus, 2011; version 2) as it is published: rooms with their depths, and the split.

`nyu_depth_v2_labeled.mat` is in HDF5, in which the axes of MATLAB come the other way round: `images` [N, 3, W, H],
`depths` [N, W, H] in metres, and for each pixel the class in `labels` and the number among its like in `instances`.
`splits.mat` has the places of the pictures, counted from 1. What nobody labelled, mostly thin gaps between things,
counts as part of the nearest thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from spiral.data.annotated import Annotated
from spiral.data.mat_file import read_arrays
from spiral.data.picture_file import MOST_SIDE
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Split

LABELED, SPLITS = "nyu_depth_v2_labeled.mat", "splits.mat"
PLACES: dict[Split, str] = {"train": "trainNdxs", "test": "testNdxs"}
FARTHEST = 6.5535  # metres: what depths of 16 bits hold, where they are translated


@dataclass(frozen=True)
class NyuRgbd:
    """The data set; the fourth channel of a picture is its depth."""

    folder: Path
    size = "795 + 654"
    what = "rooms with depth and their segments"
    thin = False

    @property
    def where(self) -> str:
        """Its folder."""
        return str(self.folder)

    def missing(self) -> str:
        """What to put where."""
        lacking = [name for name in (LABELED, SPLITS) if not (self.folder / name).is_file()]
        other = "images, depth and groundTruth in the layout of BSDS500"
        return f"put {' and '.join(lacking)} into {self.folder}, or {other}" if lacking else ""

    def read(self, split: Split, most: int) -> list[Annotated]:
        """The pictures of a split in the order of the file, so many at most."""
        if missing := self.missing():
            raise DatasetMissing(f"{self.folder} lacks NYU RGBD: {missing}")
        try:
            from h5py import File
        except ModuleNotFoundError as error:
            raise DatasetMissing("NYU RGBD needs the package h5py: pip install 'spiral-painter[methods]'") from error
        path = self.folder / LABELED
        try:
            with File(path, "r") as file:
                count = _count(file)
                places = read_places(self.folder / SPLITS, PLACES[split], count)
                return [_annotated(file, place) for place in places[:most]]
        except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
            raise DatasetCorrupt(f"{path} is damaged or another file ({error}): put a whole copy there") from None


def read_places(path: Path, name: str, count: int) -> list[int]:
    """The places from 0 of a split's pictures among so many, in their order.

    Raises:
        DatasetCorrupt: the file is damaged or another.
    """
    try:
        numbers = np.sort(read_arrays(path.read_bytes())[name].astype(np.float64).ravel())
        if not len(numbers) or (numbers % 1).any() or numbers[0] < 1 or numbers[-1] > count:
            raise ValueError(f"{name} is not of {count} pictures")
    except (ValueError, KeyError, OSError) as error:
        raise DatasetCorrupt(f"{path} is damaged or another file ({error!r}): put a whole copy there") from None
    return [int(number) - 1 for number in numbers]


def _count(file: Any) -> int:
    """How many pictures there are.

    Raises:
        ValueError: the arrays are not of one size.
    """
    count, channels, width, height = file["images"].shape
    shapes = {name: file[name].shape for name in ("depths", "labels", "instances")}
    if channels != 3 or max(width, height) > MOST_SIDE or set(shapes.values()) != {(count, width, height)}:
        raise ValueError(f"images have the shape {(count, channels, width, height)} and others {shapes}")
    return int(count)


def _annotated(file: Any, place: int) -> Annotated:
    depth = 255 * (np.nan_to_num(file["depths"][place].T) / FARTHEST).clip(0, 1)
    image = np.concatenate((file["images"][place].transpose(2, 1, 0), depth[..., None]), -1).astype(np.uint8)
    labels = file["labels"][place].T.astype(np.int64)
    things = np.unique(labels << 16 | file["instances"][place].T.astype(np.int64), return_inverse=True)[1]
    segments = filled(things.reshape(labels.shape).astype(np.int32), labels > 0)
    return Annotated(image, segments[None], np.ones(labels.shape, bool))


def filled(segments: NDArray[np.int32], known: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Segments [H, W] in which each pixel that is not known has the number of the nearest that is."""
    if not known.any():
        return np.zeros_like(segments)
    down, right = distance_transform_edt(~known, return_distances=False, return_indices=True)
    nearest: NDArray[np.int32] = segments[down, right]
    return nearest
