"""Which faces are of the source and which of the target: the most and the least of an attribute.

Smiles and ages are the labels of the faces, which a network guessed. Nobody has labelled hair and skin: how light they
are is read from the pictures, at the places where aligned faces have them, so that the light of the photo counts too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spiral.data.pictures import Pictures, in_grey
from spiral.section import ConfigError

AttributeName = Literal["smile", "frown", "older", "younger", "fair-hair", "dark-hair", "fair-skin", "dark-skin"]
Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the side
Ellipse = tuple[float, float, float, float]  # the middle's x and y, and the radii, as shares of the side
HAIR: tuple[Box, ...] = ((0.35, 0.05, 0.65, 0.16),)
CHEEKS: tuple[Box, ...] = ((0.32, 0.58, 0.42, 0.68), (0.58, 0.58, 0.68, 0.68))
FACE: Ellipse = (0.5, 0.64, 0.34, 0.3)
HEAD: Ellipse = (0.5, 0.5, 0.46, 0.5)
MOODS = ("happy", "neutral", "sad", "surprised", "angry")
LEAST = 1e-12  # of a probability


@dataclass(frozen=True)
class Attribute:
    """What is changed.

    Attributes:
        amount: how much of it pictures have, float [N].
        sign: 1 towards more, −1 towards less.
        region: what of the picture may change.
    """

    amount: Callable[[Pictures], NDArray[np.float32]]
    sign: int
    region: Ellipse

    def of(self, pictures: Pictures) -> NDArray[np.float32]:
        """How much each picture is like the target, [N]."""
        likeness: NDArray[np.float32] = self.sign * self.amount(pictures)
        return likeness


def happiness(pictures: Pictures) -> NDArray[np.float32]:
    """The log-odds of being happy: the probability itself runs out of digits."""
    happy, *others = (_label(pictures, name) for name in MOODS)
    odds: NDArray[np.float32] = np.log(happy + LEAST) - np.log(np.sum(others, axis=0) + LEAST)
    return odds


def age(pictures: Pictures) -> NDArray[np.float32]:
    """In years."""
    return _label(pictures, "age")


def lightness(boxes: tuple[Box, ...]) -> Callable[[Pictures], NDArray[np.float32]]:
    """The median luma within boxes, the mean over these, in grey levels."""

    def measured(pictures: Pictures) -> NDArray[np.float32]:
        images = pictures.images
        grey, side = in_grey(images)[..., 0] if images.shape[-1] == 3 else images[..., 0], images.shape[1]
        found = []
        for box in boxes:
            left, top, right, bottom = (round(share * side) for share in box)
            inside = grey[:, top : max(bottom, top + 1), left : max(right, left + 1)]
            found.append(np.median(inside.reshape(len(grey), -1), axis=1))
        amounts: NDArray[np.float32] = np.mean(found, axis=0).astype(np.float32)
        return amounts

    return measured


ATTRIBUTES: dict[AttributeName, Attribute] = {
    "smile": Attribute(happiness, 1, FACE),
    "frown": Attribute(happiness, -1, FACE),
    "older": Attribute(age, 1, HEAD),
    "younger": Attribute(age, -1, HEAD),
    "fair-hair": Attribute(lightness(HAIR), 1, HEAD),
    "dark-hair": Attribute(lightness(HAIR), -1, HEAD),
    "fair-skin": Attribute(lightness(CHEEKS), 1, FACE),
    "dark-skin": Attribute(lightness(CHEEKS), -1, FACE),
}


def extremes(amounts: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which have least of it, the least first, and which most, the most first; so many each.

    Raises:
        ConfigError: there are not as many.
    """
    if 2 * count > len(amounts):
        raise ConfigError(
            f"source and target of {count} pictures each need {2 * count}, and there are {len(amounts)}: give a "
            f"set_size of {len(amounts) // 2} or less, or more pictures"
        )
    order = np.argsort(amounts, kind="stable")
    return order[:count], order[::-1][:count]


def inside(ellipse: Ellipse, side: int) -> NDArray[np.float32]:
    """1 within the ellipse and 0 outside, [side, side]."""
    x, y, across, down = ellipse
    places = (np.arange(side) + 0.5) / side
    distance = ((places[None] - x) / across) ** 2 + ((places[:, None] - y) / down) ** 2
    return (distance <= 1).astype(np.float32)


def _label(pictures: Pictures, name: str) -> NDArray[np.float32]:
    if name not in pictures.attributes:
        there = ", ".join(pictures.attributes) or "none"
        raise ConfigError(
            f"these pictures have no label {name!r}, but {there}: name a data set with it such as faces, or an "
            "attribute of hair or skin, which need no label"
        )
    return pictures.attributes[name]
