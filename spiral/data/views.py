"""Things seen from several sides at once: where a detector took their points to be, and, apart, where they are.

`spiral data make views-figure` draws a figure with limbs, `spiral data make views-scenes` the platform and objects of
`spiral/Scenes-v0`, whose first view is that of the environment. What is seen is what a method may learn from; what is
true is kept to measure it. A detector's finding is a heatmap, written as a mixture of Gaussians; beside it stands what
it takes the points for in three dimensions, each view by itself: nearly right across the picture, less so in depth.

In pictures x goes to the right and y downwards, from −1 to 1; the axes of a camera are these and z, away from it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.data.arrays import MadeSet, how_to_make, path, read_made, write_arrays
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """What is known of N things with K points from V views.

    Attributes:
        means: of the M Gaussians, the likeliest first, [N, V, K, M, 2].
        deviations: of the Gaussians, [N, V, K, M].
        weights: of the Gaussians, [N, V, K, M].
        monocular: positions by each view alone, in its camera's axes and in units of its own, [N, V, K, 3].
    """

    means: Floats
    deviations: Floats
    weights: Floats
    monocular: Floats


@dataclass(frozen=True)
class Truth:
    """What is true, to measure with: positions in metres, [N, K, 3], and the cameras.

    Attributes:
        points: in the world.
        rotations: from the world's axes to the cameras', [N, V, 3, 3].
        positions: of the cameras, [N, V, 3].
        focals: their focal lengths, in halves of a picture's side, [N, V].
    """

    points: Floats
    rotations: Floats
    positions: Floats
    focals: Floats

    def first(self, count: int) -> Truth:
        """Of the first things alone."""
        return Truth(self.points[:count], self.rotations[:count], self.positions[:count], self.focals[:count])


@dataclass(frozen=True)
class ViewSet:
    """One split.

    Attributes:
        images: the first view, uint8 [N, 64, 64, 3].
        seen, truth: of all views.
        links: which points are drawn with a line between them, int64 [L, 2].
    """

    images: NDArray[np.uint8]
    seen: Seen
    truth: Truth
    links: NDArray[np.int64]


SEEN, TRUTH = (tuple(field.name for field in fields(kind)) for kind in (Seen, Truth))


@dataclass(frozen=True)
class Views(MadeSet):
    """The data set, in the folder of its name."""

    what: str
    size = "as many as made"

    @property
    def how(self) -> str:
        """What to do where they are not there."""
        return _how(self.folder)

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of the first view, without labels."""
        return Pictures(fitted(self.whole(split).images, canvas_size, color))

    def whole(self, split: Split) -> ViewSet:
        """All that the file of a split holds."""
        return read(self.folder, split)


def read(folder: Path, split: Split) -> ViewSet:
    """One split.

    Raises:
        DatasetMissing: its file is not there.
        DatasetCorrupt: its file is damaged or another.
    """
    file = path(folder, split)
    names = ("images", *SEEN, *TRUTH, "links")
    arrays = read_made(file, names, "views", _how(folder))
    found = dict(zip(names, arrays, strict=True))
    if not _fit_together(found):
        shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in found.items())
        raise DatasetCorrupt(f"{file} holds {shapes}, which are no views of one set: move it away and {_how(folder)}")
    seen, truth = ({name: found[name].astype(np.float32) for name in names} for names in (SEEN, TRUTH))
    return ViewSet(found["images"], Seen(**seen), Truth(**truth), found["links"].astype(np.int64))


def write(folder: Path, split: Split, views: ViewSet) -> Path:
    """The file of a split, once it is whole.

    Raises:
        DatasetCorrupt: there is a file in its place that is no set of views; it stays as it is.
    """
    file = path(folder, split)
    if file.exists():
        read(folder, split)
    seen = {name: getattr(views.seen, name) for name in SEEN}
    truth = {name: getattr(views.truth, name) for name in TRUTH}
    return write_arrays(file, images=views.images, links=views.links, **seen, **truth)


def joined(parts: list[ViewSet]) -> ViewSet:
    """Several sets of the same kind as one."""

    def of(kind: str, names: tuple[str, ...]) -> dict[str, Floats]:
        return {name: np.concatenate([getattr(getattr(part, kind), name) for part in parts]) for name in names}

    images = np.concatenate([part.images for part in parts])
    return ViewSet(images, Seen(**of("seen", SEEN)), Truth(**of("truth", TRUTH)), parts[0].links)


def _fit_together(found: dict[str, NDArray[Any]]) -> bool:
    """Whether the arrays are of one set, of numbers that are finite."""
    means = found["means"]
    if means.ndim != 5 or 0 in means.shape or found["images"].dtype != np.uint8:
        return False
    n, v, k, m, _ = means.shape
    shapes = {
        "images": (n, 64, 64, 3),
        "means": (n, v, k, m, 2),
        "deviations": (n, v, k, m),
        "weights": (n, v, k, m),
        "monocular": (n, v, k, 3),
        "points": (n, k, 3),
        "rotations": (n, v, 3, 3),
        "positions": (n, v, 3),
        "focals": (n, v),
        "links": (len(found["links"]), 2),
    }
    numbers = [found[name] for name in (*SEEN, *TRUTH)]
    right = all(found[name].shape == shape for name, shape in shapes.items())
    finite = all(array.dtype.kind == "f" and bool(np.isfinite(array).all()) for array in numbers)
    links = found["links"]
    return right and finite and links.dtype.kind in "iu" and bool(((links >= 0) & (links < k)).all())


def _how(folder: Path) -> str:
    return how_to_make(folder, "--train 5000", "--held-out 500")
