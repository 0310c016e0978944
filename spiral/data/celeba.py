"""CELEBA (Liu et al., 2015) as published: 202,599 aligned faces of 178 x 218 pixels, with 40 attributes.

`img_align_celeba.zip` has the pictures, `list_attr_celeba.txt` says of each attribute 1 or −1, and
`list_eval_partition.txt` which picture is for training (0), validation (1, unused here) or test (2). The middle square
of 148 pixels is taken, as is usual. The first reading takes minutes, so that the resized pictures are kept beside the
archive; later they are read from the disk as they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.archive import Archive, install, lacking
from spiral.data.decode import decode_all
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split
from spiral.files import written_whole

IMAGES, ATTRIBUTES, PARTITION = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
MD5 = {
    "img_align_celeba.zip": "00d2c5bc6d35e252742224ab0c1e8fcb",
    "list_attr_celeba.txt": "75e246fa4810816ffd6ee81facbd244c",
    "list_eval_partition.txt": "d32c9cbf5e040fd4025c592c306e6668",
}
NUMBERS: dict[Split, str] = {"train": "0", "test": "2"}
MIDDLE = (15, 35, 163, 183)  # left, upper, right, lower
HOW = f"run `spiral data prepare celeba --from FOLDER` with {', '.join(MD5)}"


@dataclass(frozen=True)
class CelebA:
    """The data set."""

    folder: Path
    size = "162,770 + 19,962"
    what = "faces of celebrities, with 40 attributes"

    @property
    def where(self) -> str:
        """The folder of the archive and the lists."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put them there."""
        return HOW if lacking(self.folder, [IMAGES], [ATTRIBUTES, PARTITION]) else ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The faces of a split, with each attribute as 1 or 0; the pictures are mapped from a file, and read-only."""
        if absent := lacking(self.folder, [IMAGES], [ATTRIBUTES, PARTITION]):
            raise DatasetMissing(f"{self.folder} lacks {', '.join(absent)}: {HOW}")
        names = read_partition(self.folder / PARTITION, split)
        attributes = read_attributes(self.folder / ATTRIBUTES, names)
        return Pictures(self._resized(split, names, canvas_size, 3 if color else 1), None, attributes)

    def prepare(self, source: Path | None) -> Path:
        """The folder of the archive and the lists, whose checksums are the published ones."""
        return install(source or self.folder, self.folder, [IMAGES], [ATTRIBUTES, PARTITION], MD5)

    def _resized(self, split: Split, names: list[str], size: int, channels: int) -> NDArray[np.uint8]:
        kept = self.folder / "resized" / f"{split}-{size}x{size}x{channels}.npy"
        with Archive(self.folder, IMAGES) as archive:
            sources = (archive.path, self.folder / PARTITION)
            if not kept.is_file() or kept.stat().st_mtime < max(path.stat().st_mtime for path in sources):
                with written_whole(kept) as unfinished:
                    images = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (len(names), size, size, channels))
                    decode_all(names, archive.read, images, MIDDLE)
                    images.flush()
        resized: NDArray[np.uint8] = np.load(kept, mmap_mode="r")
        return resized


def read_partition(file: Path, split: Split) -> list[str]:
    """The names of the pictures of a split, from lines such as `000001.jpg 0`.

    Raises:
        DatasetCorrupt: the file has other lines, or none of this split.
    """
    rows = [line.split() for line in file.read_text(encoding="ascii", errors="replace").splitlines()]
    names = [row[0] for row in rows if row[1:] == [NUMBERS[split]]]
    if not names or any(len(row) != 2 for row in rows):
        raise DatasetCorrupt(f"{file} is damaged or no partition of CelebA: put a whole copy there")
    return names


def read_attributes(file: Path, names: list[str]) -> dict[str, NDArray[np.float32]]:
    """Of each attribute, by its name, whether it is there (1) or not (0) in the pictures of these names, float32 [N].

    The file begins with a line that counts the pictures, and one with the names of the attributes.

    Raises:
        DatasetCorrupt: the file is another, or lacks a picture.
    """
    try:
        _, header, *lines = file.read_text(encoding="ascii", errors="replace").splitlines()
        rows = {name: values for name, *values in map(str.split, lines)}
        there = np.array([rows[name] for name in names], np.int8) > 0
        return dict(zip(header.split(), there.T.astype(np.float32), strict=True))
    except (KeyError, ValueError) as error:
        raise DatasetCorrupt(
            f"{file} is damaged or no list of attributes ({error!r}): put a whole copy there"
        ) from None
