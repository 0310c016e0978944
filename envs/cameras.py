"""Cameras that look at a place from somewhere, in MuJoCo's own terms, and where they see points.

In a picture x goes to the right and y downwards, both from −1 to 1. A camera's axes are these two and z, away from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A camera that looks at a point from around it.

    Attributes:
        azimuth, elevation: where it looks, in degrees; it looks down where the elevation is negative.
        distance: from the point, in metres.
        lookat: the point.
        field_of_view: of the whole picture, in degrees.
    """

    azimuth: float
    elevation: float
    distance: float
    lookat: tuple[float, float, float]
    field_of_view: float

    @property
    def rotation(self) -> Points:
        """From the world's axes to the camera's, [3, 3]: its rows are right, down and away."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        away = np.array((np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)))
        right = np.array((np.sin(azimuth), -np.cos(azimuth), 0.0))
        return np.stack((right, np.cross(away, right), away))

    @property
    def position(self) -> Points:
        """Where it is, [3]."""
        position: Points = np.array(self.lookat) - self.distance * self.rotation[2]
        return position

    @property
    def focal(self) -> float:
        """The focal length, in halves of the picture's side."""
        return float(1 / np.tan(np.radians(self.field_of_view) / 2))

    def sees(self, points: Points) -> tuple[Points, Points]:
        """Where points [K, 3] are in the picture, [K, 2], and how far away along the axis, [K]."""
        there = (points - self.position) @ self.rotation.T
        return self.focal * there[:, :2] / there[:, 2:], there[:, 2]


def around(
    count: int,
    lookat: Sequence[float],
    extent: float,
    elevations: tuple[float, float],
    rng: np.random.Generator,
) -> list[Camera]:
    """Cameras from all sides in a random order, of which each sees `extent` metres around the point.

    Args:
        count: how many; they are as far from each other in azimuth as they can, give or take a third of that.
        lookat: what they look at, within a tenth of the extent.
        extent: half of what fits into a picture.
        elevations: the lowest and the highest, in degrees.
        rng: decides everything.
    """
    step = 360 / count
    azimuths = rng.uniform(0, 360) + step * (rng.permutation(count) + rng.uniform(-1 / 3, 1 / 3, count))
    cameras = []
    for azimuth in azimuths:
        distance = extent * rng.uniform(7, 12)
        about = np.asarray(lookat) + rng.uniform(-0.1, 0.1, 3) * extent
        half = np.degrees(np.arctan(rng.uniform(1.0, 1.3) * extent / distance))
        x, y, z = map(float, about)
        cameras.append(Camera(float(azimuth % 360), float(rng.uniform(*elevations)), distance, (x, y, z), 2 * half))
    return cameras


def covered(places: Points, depths: Points, focal: float, radii: Points) -> NDArray[np.bool_]:
    """Which points something nearer lies over, [K], if there is a ball of its radius around each.

    Args:
        places: in the picture, [K, 2].
        depths: along the axis, [K].
        focal: of the camera.
        radii: of the balls, in metres, [K].
    """
    nearer = depths[None] < depths[:, None] - radii[None]
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1) * depths[None] / focal
    over: NDArray[np.bool_] = (nearer & (apart < radii[None])).any(axis=1)
    return over
