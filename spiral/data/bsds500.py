"""BSDS500 (Arbeláez et al., 2011) with its annotations, and NYU RGBD (Silberman & Fergus, 2011) in the same layout.

BSDS500 has photographs `images/SPLIT/NAME.jpg` and annotations `groundTruth/SPLIT/NAME.mat`: cells `groundTruth`, one
an annotator, each with `Segmentation` and `Boundaries`. NYU RGBD is translated into that (Ren & Bo, 2012), with
pictures `.png` and depths `depth/SPLIT/NAME.png` of 16 bits, in tenths of a millimetre, which become a fourth channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from spiral.data.annotated import Annotated
from spiral.data.mat_file import Value, read_values
from spiral.data.photos import BSDS500, FOLDERS
from spiral.data.picture_file import MOST_SIDE, open_picture
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Split

FARTHEST = 6.5535e4  # of the depths in a file: what 16 bits hold


@dataclass(frozen=True)
class Bsds500:
    """The data set in a folder, or in one of those that its archive unpacks to below it.

    Attributes:
        depth: whether there are depths too.
    """

    folder: Path
    depth: bool = False
    thin = False

    @property
    def size(self) -> str:
        """As published; of the rooms, in the split of their authors."""
        return "795 + 654" if self.depth else "300 + 200"

    @property
    def where(self) -> str:
        """Its folder."""
        return str(self.folder)

    @property
    def what(self) -> str:
        """What the pictures show."""
        return "rooms with depth and their segments" if self.depth else "photographs with several people's segments"

    def missing(self) -> str:
        """What to put where."""
        return "" if self._root() else self._wanted

    def read(self, split: Split, most: int) -> list[Annotated]:
        """The pictures of a split in the order of their names, so many at most; BSDS500's `val` is for training."""
        root = self._root()
        if root is None:
            raise DatasetMissing(f"{self.folder} has no images and groundTruth: {self.missing()}")
        folders = [root / "images" / part for part in FOLDERS[split]]
        files = [path for each in folders for path in sorted((*each.glob("*.jpg"), *each.glob("*.png")))]
        if not files:
            raise DatasetMissing(f"{root / 'images'} has no pictures {'/'.join(FOLDERS[split])}: {self._wanted}")
        return [self._annotated(root, path) for path in files[:most]]

    @property
    def _wanted(self) -> str:
        parts = ("images", "depth", "groundTruth") if self.depth else ("images", "groundTruth")
        return f"put {', '.join(f'{part}/train, {part}/test' for part in parts)} into {self.folder}"

    def _root(self) -> Path | None:
        places = (self.folder / place for place in BSDS500)
        return next((p for p in places if (p / "images").is_dir() and (p / "groundTruth").is_dir()), None)

    def _annotated(self, root: Path, path: Path) -> Annotated:
        inside = Path(path.parent.name, path.stem)
        image = np.asarray(open_picture(path, color=True))
        segments = read_segments(root / "groundTruth" / inside.with_suffix(".mat"))
        if self.depth:
            image = np.concatenate((image, read_depth(root / "depth" / inside.with_suffix(".png"))[..., None]), -1)
        if segments.shape[1:] != image.shape[:2]:
            raise DatasetCorrupt(
                f"{path} has {image.shape[:2]} pixels and its annotations {segments.shape[1:]}: put a whole copy there"
            )
        return Annotated(image, segments, np.ones(image.shape[:2], bool))


def read_segments(path: Path) -> NDArray[np.int32]:
    """The segments of all annotators, [A, H, W].

    Raises:
        DatasetMissing: there is no such file.
        DatasetCorrupt: it is damaged or another.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetMissing(f"{path} cannot be read ({error.strerror}): put a whole copy there") from None
    try:
        cells = read_values(content)["groundTruth"]
        if not isinstance(cells, list):
            raise ValueError("groundTruth has no cells")
        segments = [_segmentation(cell) for cell in cells]
        if not segments or len({each.shape for each in segments}) > 1:
            raise ValueError("the annotators' segments are of several sizes or none")
    except (ValueError, KeyError) as error:
        raise DatasetCorrupt(f"{path} is damaged or no file of BSDS500 ({error!r}): put a whole copy there") from None
    return np.stack(segments).astype(np.int32)


def read_depth(path: Path) -> NDArray[np.uint8]:
    """The depths of a 16-bit picture, 255 for the farthest that it can hold, [H, W].

    Raises:
        DatasetMissing: there is no such file.
        DatasetCorrupt: it is damaged or another.
    """
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if max(picture.size) > MOST_SIDE or picture.mode not in ("I", "I;16", "L"):
                raise DatasetCorrupt(f"{path} is no picture of depths in 16 bits: put a whole copy there")
            depth = np.asarray(picture, dtype=np.float32)
    except FileNotFoundError:
        raise DatasetMissing(f"{path} is not there: put the depths of NYU RGBD there") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DatasetCorrupt(f"{path} is damaged ({error}): put a whole copy there") from None
    return (255 * (depth / FARTHEST).clip(0, 1)).astype(np.uint8)


def _segmentation(cell: Value) -> NDArray[np.generic]:
    """The segments of one annotator, [H, W]."""
    segments = cell["Segmentation"] if isinstance(cell, Mapping) else None
    if not isinstance(segments, np.ndarray) or segments.ndim != 2:
        raise ValueError("an annotator has no Segmentation")
    return segments
