"""Which photographs of packages may be learned from, and ten that are held out from all that trains.

There are not ten of them beside enough to learn from, and so two are parts: the right quarters of `china` and `flower`,
of which `Photos` trains on the rest. Those whose package does not say that they are free have no place in either list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spiral.data.package import Package
from spiral.data.photos import TRAIN_SHARE
from spiral.data.picture_file import open_picture

NO_KNOWN = "no known copyright restrictions"


@dataclass(frozen=True)
class Photo:
    """A photograph, or a part of one.

    Attributes:
        name: of the photograph.
        package: that carries it.
        licence: under which it may be shown.
        columns: which part of its width, from 0 to 1.
    """

    name: str
    package: Package
    licence: str
    columns: tuple[float, float] = (0.0, 1.0)

    def read(self) -> NDArray[np.uint8]:
        """Its pixels, uint8 [H, W, 3].

        Raises:
            DatasetMissing: the package is not there.
            DatasetCorrupt: the file is damaged.
        """
        pixels = np.asarray(open_picture(self.package.path(), color=True))
        left, right = (int(share * pixels.shape[1]) for share in self.columns)
        return pixels[:, left:right]


def _of_skimage(file: str, licence: str) -> Photo:
    name = file.partition(".")[0]
    return Photo(name, Package("scikit-image", f"skimage/data/{file}", "photographs"), licence)


def _of_sklearn(name: str, part: str = "", columns: tuple[float, float] = (0.0, TRAIN_SHARE)) -> Photo:
    package = Package("scikit-learn", f"sklearn/datasets/images/{name}.jpg", "photographs")
    return Photo(name + part, package, "CC BY 2.0", columns)


TO_LEARN_FROM = (
    _of_sklearn("china"),  # by danielbuechele
    _of_sklearn("flower"),  # by vultilion
    Photo(
        "grace_hopper",
        Package("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg", "photographs"),
        "public domain",
        (0.0, TRAIN_SHARE),
    ),
    _of_skimage("retina.jpg", "CC0"),
    _of_skimage("ihc.png", NO_KNOWN),
    _of_skimage("brick.png", "CC0"),
    _of_skimage("grass.png", "CC0"),
    _of_skimage("gravel.png", "CC0"),
)
HELD_OUT = (
    _of_skimage("astronaut.png", "public domain"),
    _of_skimage("camera.png", "CC0"),
    _of_skimage("chelsea.png", "CC0"),
    _of_skimage("clock_motion.png", "public domain"),
    _of_skimage("coffee.png", "CC0"),
    _of_skimage("coins.png", NO_KNOWN),
    _of_skimage("hubble_deep_field.jpg", "public domain"),
    _of_skimage("rocket.jpg", "public domain"),
    _of_sklearn("china", "-right", (TRAIN_SHARE, 1.0)),
    _of_sklearn("flower", "-right", (TRAIN_SHARE, 1.0)),
)
