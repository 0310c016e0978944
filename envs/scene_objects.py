"""The objects of a scene: what a person would list who looked at it.

All lengths are in metres. The platform is a square of 2 m around the origin; x points to the right, y away from the
camera, z up. Row 0 of the grid is the far edge, column 0 the left one, so that the grid lies over the picture as its
rows and columns do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ADD, SKIP, CHANGE = 0, 1, 2  # kinds of action
PLATFORM = 1.0  # half of the side
SHAPES = ("box", "sphere", "cylinder", "capsule")
RADII = (0.12, 0.17, 0.23)
COLOR_LEVELS = (0.0, 1 / 3, 2 / 3, 1.0)


@dataclass(frozen=True)
class SceneObject:
    """One object on the platform.

    Attributes:
        shape: "box", "sphere", "cylinder" (a low drum) or "capsule" (a slim upright pin).
        row, column: the cell of the grid.
        x, y: the middle of that cell.
        radius: its size; how wide and high that makes the shape is in `half_extents`.
        color: red, green and blue in [0, 1].
    """

    shape: str
    row: int
    column: int
    x: float
    y: float
    radius: float
    color: tuple[float, float, float]

    @property
    def half_extents(self) -> tuple[float, float, float]:
        """The three size parameters of MuJoCo's geom: half lengths of a box, else radius and half length."""
        r = self.radius
        return {
            "box": (0.8 * r, 0.8 * r, 0.8 * r),
            "sphere": (r, r, r),
            "cylinder": (1.2 * r, 0.3 * r, 0.0),
            "capsule": (0.45 * r, 1.2 * r, 0.0),
        }[self.shape]

    @property
    def height(self) -> float:
        """How high its middle is when it stands on the platform."""
        first, second, third = self.half_extents
        return {"box": third, "sphere": first, "cylinder": second, "capsule": first + second}[self.shape]

    def describe(self) -> str:
        """One line of text, such as `box of 0.17 m at row 3, column 12, color #ff5500`."""
        red, green, blue = (round(255 * level) for level in self.color)
        place = f"row {self.row}, column {self.column}"
        return f"{self.shape} of {self.radius:g} m at {place}, color #{red:02x}{green:02x}{blue:02x}"


def object_of(attributes: dict[str, int], grid_size: int) -> SceneObject:
    """The object that the indices of an action stand for, by the names of the heads."""
    row, column = divmod(attributes["place"], grid_size)
    cell = 2 * PLATFORM / grid_size
    return SceneObject(
        shape=SHAPES[attributes["shape"]],
        row=row,
        column=column,
        x=(column + 0.5) * cell - PLATFORM,
        y=PLATFORM - (row + 0.5) * cell,
        radius=RADII[attributes["size"]],
        color=(
            COLOR_LEVELS[attributes["red"]],
            COLOR_LEVELS[attributes["green"]],
            COLOR_LEVELS[attributes["blue"]],
        ),
    )


def apply_action(objects: list[SceneObject], attributes: dict[str, int], grid_size: int) -> int | None:
    """The place in `objects` of what an action added or changed, in that list, or None when nothing came of it."""
    if attributes["kind"] == ADD:
        objects.append(object_of(attributes, grid_size))
    elif attributes["kind"] == CHANGE and objects:
        objects[-1] = object_of(attributes, grid_size)
    else:
        return None
    return len(objects) - 1


def described(objects: Iterable[SceneObject]) -> str:
    """The list of objects as text, one on a line."""
    return "".join(f"{thing.describe()}\n" for thing in objects)


def positions(objects: Iterable[SceneObject]) -> NDArray[np.floating[Any]]:
    """Rows and columns of the objects' cells, float [objects, 2]."""
    return np.array([(thing.row, thing.column) for thing in objects], float).reshape(-1, 2)
