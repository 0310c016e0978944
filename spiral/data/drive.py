"""DRIVE (Staal et al., 2004): micrographs of retinas with the mask of their vessels, twenty in each split.

In `training` and `test` there are `images/NN_PART.tif`, the field of view `mask/NN_PART_mask.gif`, the vessels
`1st_manual/NN_manual1.gif`, and for the test a second annotator's `2nd_manual/NN_manual2.gif`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spiral.data.annotated import Annotated
from spiral.data.picture_file import MOST_SIDE
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Split

FOLDERS: dict[Split, str] = {"train": "training", "test": "test"}
TOPS = ("", "DRIVE")  # where in its folder the two may be


@dataclass(frozen=True)
class Drive:
    """The data set."""

    folder: Path
    size = "20 + 20"
    what = "micrographs of retinas with the mask of their vessels"
    thin = True

    @property
    def where(self) -> str:
        """Its folder."""
        return str(self.folder)

    def missing(self) -> str:
        """What to put where."""
        return "" if self._top() else self._wanted

    def read(self, split: Split, most: int) -> list[Annotated]:
        """The pictures of a split in the order of their numbers, so many at most."""
        top = self._top()
        if top is None:
            raise DatasetMissing(f"{self.folder} lacks training or test: {self.missing()}")
        files = sorted((top / FOLDERS[split] / "images").glob("*.tif"))
        if not files:
            raise DatasetMissing(f"{top / FOLDERS[split]} has no images/*.tif: {self._wanted}")
        return [_annotated(path) for path in files[:most]]

    @property
    def _wanted(self) -> str:
        return f"put the folders training and test of DRIVE into {self.folder}"

    def _top(self) -> Path | None:
        tops = (self.folder / top for top in TOPS)
        return next((top for top in tops if all((top / part).is_dir() for part in FOLDERS.values())), None)


def _annotated(path: Path) -> Annotated:
    part, number = path.parent.parent, path.stem.partition("_")[0]
    image = _read(path, "TIFF", "RGB")
    inside = _read(part / "mask" / f"{path.stem}_mask.gif", "GIF", "L") > 127
    second = part / "2nd_manual" / f"{number}_manual2.gif"
    drawn = [part / "1st_manual" / f"{number}_manual1.gif", *([second] if second.is_file() else [])]
    vessels = [_read(file, "GIF", "L") > 127 for file in drawn]
    for file, mask in zip((part / "mask", *drawn), (inside, *vessels), strict=True):
        if mask.shape != image.shape[:2]:
            raise DatasetCorrupt(f"{file} has {mask.shape} pixels and {path} {image.shape[:2]}: put a whole copy there")
    return Annotated(image, np.stack(vessels).astype(np.int32), inside)


def _read(path: Path, kind: str, mode: str) -> NDArray[np.uint8]:
    """A picture of this kind.

    Raises:
        DatasetMissing: it is not there.
        DatasetCorrupt: it is damaged or another.
    """
    try:
        with Image.open(path, formats=(kind,)) as picture:
            if max(picture.size) > MOST_SIDE:
                raise DatasetCorrupt(f"{path} is too large: put a whole copy of DRIVE there")
            return np.asarray(picture.convert(mode))
    except FileNotFoundError:
        raise DatasetMissing(f"{path} is not there: put a whole copy of DRIVE there") from None
    except DatasetCorrupt:
        raise
    except Exception as error:  # of a damaged file Pillow raises whatever its decoders do
        raise DatasetCorrupt(f"{path} is damaged ({error!r}): put a whole copy of DRIVE there") from None
