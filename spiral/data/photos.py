"""Colour photographs that patches are cut from: those that packages carry, or BSDS500 where the user has it.

`china.jpg` and `flower.jpg` come with scikit-learn, `grace_hopper.jpg` with matplotlib. BSDS500 (Arbeláez et al., 2011)
is a folder with `images/train`, `images/val` and `images/test`; its test photographs are held out. Of photographs
without a split, the right quarter is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.package import Package
from spiral.data.picture_file import open_picture
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Split

CARRIED = (
    Package("scikit-learn", "sklearn/datasets/images/china.jpg", "photographs"),
    Package("scikit-learn", "sklearn/datasets/images/flower.jpg", "photographs"),
    Package("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg", "photographs"),
)
BSDS500 = ("", "data", "BSDS500/data", "BSR/BSDS500/data")  # where in its folder `images` may be
FOLDERS: dict[Split, tuple[str, ...]] = {"train": ("train", "val"), "test": ("test",)}
TRAIN_SHARE = 0.75  # of the width of a photograph


@dataclass(frozen=True)
class Photos:
    """The photographs of BSDS500 in a folder, or else those of packages."""

    folder: Path

    @property
    def where(self) -> str:
        """Which photographs they are."""
        return str(_bsds500(self.folder) or "the packages scikit-learn and matplotlib")

    def missing(self) -> str:
        """What to do where a package is not there."""
        return "" if _bsds500(self.folder) else next(filter(None, (file.missing() for file in CARRIED)), "")

    def read(self, split: Split) -> list[NDArray[np.uint8]]:
        """The photographs of a split, each uint8 [H, W, 3]; no pixel is in both splits.

        Raises:
            DatasetMissing: a package or a folder of BSDS500 is not there.
            DatasetCorrupt: a photograph is damaged.
        """
        images = _bsds500(self.folder)
        if images:
            return [np.asarray(open_picture(path, color=True)) for path in _files(images, split)]
        photos = [np.asarray(open_picture(file.path(), color=True)) for file in CARRIED]
        edges = [int(TRAIN_SHARE * photo.shape[1]) for photo in photos]
        return [p[:, :edge] if split == "train" else p[:, edge:] for p, edge in zip(photos, edges, strict=True)]


def patches(photos: list[NDArray[np.uint8]], count: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Squares of the photographs, uint8 [count, size, size, 3]; more of them begin with the same ones.

    Raises:
        DatasetCorrupt: a photograph is smaller than a square.
    """
    smallest = min(min(photo.shape[:2]) for photo in photos)
    if smallest < size:
        raise DatasetCorrupt(f"a photograph has a side of {smallest} pixels: give photographs of {size} or more")
    cut = np.empty((count, size, size, 3), np.uint8)
    for patch, (which, down, right) in zip(cut, rng.random((count, 3)), strict=True):
        photo = photos[int(which * len(photos))]
        y, x = int(down * (photo.shape[0] - size + 1)), int(right * (photo.shape[1] - size + 1))
        patch[:] = photo[y : y + size, x : x + size]
    return cut


def _bsds500(folder: Path) -> Path | None:
    """The folder `images` of BSDS500; None where there is none."""
    return next((folder / place / "images" for place in BSDS500 if (folder / place / "images").is_dir()), None)


def _files(images: Path, split: Split) -> list[Path]:
    files = [path for name in FOLDERS[split] for path in sorted((images / name).glob("*.jpg"))]
    if not files:
        raise DatasetMissing(
            f"{images} has no {' or '.join(f'{name}/*.jpg' for name in FOLDERS[split])}: put the photographs of "
            "BSDS500 there, or move the folder away to use those that packages carry"
        )
    return files
