"""OMNIGLOT (Lake et al., 2015) as published: two archives of line drawings, black on white, 105 x 105 pixels.

`images_background.zip` has 30 alphabets to train on, `images_evaluation.zip` 20 others that are held out. A drawing is
`ALPHABET/CHARACTER/NNNN_HH.png`: H is one of 20 hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from spiral.data.archive import Archive, install, lacking
from spiral.data.decode import decode_all
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split

ARCHIVES: dict[Split, str] = {"train": "images_background", "test": "images_evaluation"}
MD5 = {
    "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
    "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
}
HOW = f"run `spiral data prepare omniglot --from FOLDER` with {' and '.join(MD5)}"


@dataclass(frozen=True)
class Omniglot:
    """The data set."""

    folder: Path
    size = "19,280 + 13,180"
    what = "1,623 handwritten characters of 50 alphabets, each by 20 hands"

    @property
    def where(self) -> str:
        """The folder of the two archives."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put them there."""
        return HOW if lacking(self.folder, list(ARCHIVES.values()), []) else ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The drawings of a split, labelled by the character, from 0 in the order of alphabets.

        All characters by the first hand come first, then all by the second, so that any few show many characters.
        """
        if absent := lacking(self.folder, [ARCHIVES[split]], []):
            raise DatasetMissing(f"{self.folder} lacks {', '.join(absent)}: {HOW}")
        with Archive(self.folder, ARCHIVES[split]) as archive:
            drawings = [PurePosixPath(name) for name in archive.pictures()]
            drawings = [drawing for drawing in drawings if len(drawing.parts) == 3 and drawing.stem[-3:-2] == "_"]
            if not drawings:
                raise DatasetCorrupt(f"{archive.path} has no ALPHABET/CHARACTER/NNNN_HH.png: put a whole copy there")
            drawings.sort(key=lambda drawing: (drawing.stem[-2:], drawing))
            images = np.empty((len(drawings), canvas_size, canvas_size, 3 if color else 1), np.uint8)
            decode_all([str(drawing) for drawing in drawings], archive.read, images)
        _, labels = np.unique([str(drawing.parent) for drawing in drawings], return_inverse=True)
        return Pictures(images, labels.astype(np.int64))

    def prepare(self, source: Path | None) -> Path:
        """The folder of the archives, whose checksums are the published ones."""
        return install(source or self.folder, self.folder, list(ARCHIVES.values()), [], MD5)
