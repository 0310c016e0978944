"""Rooms with one object, of which every factor is known, as 3D-Shapes has them; and domains that share some of them.

3D-Shapes (Burgess & Kim, 2018) is in no package, so that the rooms are drawn on the user's machine by MuJoCo
(`spiral data make shapes-3d`). Of the six factors, two are shared by the domains A and B of a split, two vary in A
alone and two in B alone: `shapes-3d-1a` has pictures of the first split's A. In `shapes-3d` itself all six vary. The
splits are those of RIFT (Usman, Bashkirova, Saenko).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.arrays import SPLITS, MadeSet, how_to_make, path, read_made, write_arrays
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted

NAME = "shapes-3d"
FACTORS = {"floor_hue": 10, "wall_hue": 10, "object_hue": 10, "size": 8, "shape": 4, "orientation": 15}
FIXED = {"floor_hue": 1, "wall_hue": 6, "object_hue": 0, "size": 5, "shape": 0, "orientation": 7}  # where they are
FREE = ""  # the part in which all factors vary
ROUND = 8  # of so many pictures two are of that part, and one of each domain


@dataclass(frozen=True)
class Roles:
    """Which factors the domains of a split share, and which vary in one of them alone."""

    shared: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]


ROLES = (
    Roles(("object_hue", "shape"), ("floor_hue", "wall_hue"), ("size", "orientation")),
    Roles(("wall_hue", "size"), ("object_hue", "orientation"), ("shape", "floor_hue")),
    Roles(("floor_hue", "orientation"), ("wall_hue", "shape"), ("size", "object_hue")),
)
PARTS = (FREE, FREE, *(f"{number}{domain}" for number in range(1, len(ROLES) + 1) for domain in "ab"))
NAMES = {f"{NAME}-{part}" if part else NAME: part for part in PARTS}


def varying(part: str) -> tuple[str, ...]:
    """The factors that vary in a part, such as `1a`."""
    if part == FREE:
        return tuple(FACTORS)
    roles = ROLES[int(part[0]) - 1]
    return roles.shared + (roles.a if part[1] == "a" else roles.b)


def factors_of(split: Split, seed: int, numbers: range) -> NDArray[np.int64]:
    """The factors of the pictures of these numbers, uniform where they vary, int64 [N, 6]."""
    factors = np.empty((len(numbers), len(FACTORS)), np.int64)
    for place, number in enumerate(numbers):
        drawn = np.random.default_rng((seed, SPLITS.index(split), number)).integers(0, list(FACTORS.values()))
        free = [name in varying(PARTS[number % ROUND]) for name in FACTORS]
        factors[place] = np.where(free, drawn, list(FIXED.values()))
    return factors


@dataclass(frozen=True)
class Shapes3d(MadeSet):
    """One part of the set: `folder` has the pictures of all parts, each in a folder of its name."""

    part: str = FREE

    @property
    def size(self) -> str:
        """How many there are as they are made by default."""
        return "12,500 + 250" if self.part == FREE else "6,250 + 125"

    @property
    def what(self) -> str:
        """What varies."""
        if self.part == FREE:
            return "an object in a room, drawn by MuJoCo, with all six factors"
        return "rooms in which these vary: " + ", ".join(name.replace("_", " ") for name in varying(self.part))

    @property
    def place(self) -> Path:
        """The folder of the two files."""
        return self.folder / (self.part or "free")

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, with their factors as attributes."""
        images, factors = self.whole(split)
        known = {name: factors[:, place].astype(np.float32) for place, name in enumerate(FACTORS)}
        return Pictures(fitted(images, canvas_size, color), None, known)

    def whole(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """All that the file of a split holds."""
        return read(self.place, split)


def read(folder: Path, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures of a part, uint8 [N, H, W, 3], and their factors, int64 [N, 6].

    Raises:
        DatasetMissing: its file is not there.
        DatasetCorrupt: its file is damaged or another.
    """
    file = path(folder, split)
    images, factors = read_made(file, ("images", "factors"), "rooms", HOW)
    pictures = images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3
    if not pictures or factors.dtype.kind not in "iu" or factors.shape != (len(images), len(FACTORS)):
        raise DatasetCorrupt(
            f"{file} holds images {images.dtype} {images.shape} and factors {factors.dtype} {factors.shape}, not "
            f"pictures [N, H, W, 3] with their factors [N, {len(FACTORS)}]: move it away and {HOW}"
        )
    return images, factors.astype(np.int64)


def write(folder: Path, split: Split, images: NDArray[np.uint8], factors: NDArray[np.int64]) -> None:
    """The files of a split, each once it is whole, of the pictures with the numbers 0 to N − 1.

    Raises:
        DatasetCorrupt: there is a file in the place of one that is no set of rooms; it stays as it is.
    """
    parts = np.arange(len(images)) % ROUND
    for part in NAMES.values():
        place = Shapes3d(folder, part).place
        if path(place, split).exists():
            read(place, split)
        place.mkdir(parents=True, exist_ok=True)
        own = np.isin(parts, [i for i, other in enumerate(PARTS) if other == part])
        write_arrays(path(place, split), images=images[own], factors=factors[own].astype(np.uint8))


HOW = how_to_make(Path(NAME))
