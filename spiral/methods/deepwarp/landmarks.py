"""Feature points of eyes in photos: from the 68 points of a face, as alignment libraries give them, and the pixels.

The order of the 68 points is that of 300-W: 36 to 41 are around the eye on the left of the picture, 42 to 47 around the
other one, each from its left corner over the upper lid to the right corner and back. The pupil is sought where the eye
is darkest.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spiral.data.pictures import DatasetCorrupt, DatasetMissing
from spiral.methods.deepwarp.model import HEIGHT, WIDTH

POINTS = 68
EYES = (36, 42)  # the first point of each
ORDER = (0, 3, 1, 2, 5, 4)  # corners, upper lid, lower lid, as drawn eyes have them
DARKER = 20.0  # how much more a pixel counts that is darker by 1
WAY_OUT = (
    "give a table with the columns id (the picture's name without its ending) and landmarks (68 points in the order of "
    "300-W, x,y joined by ; in pixels), as face alignment libraries find them"
)


def read_landmarks(file: Path) -> dict[str, Tensor]:
    """The points of each picture by its id, float32 [68, 2].

    Raises:
        DatasetMissing: there is no such file.
        DatasetCorrupt: it is no such table.
    """
    if not file.is_file():
        raise DatasetMissing(f"{file} is not there: {WAY_OUT}")
    found = {}
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                points = [[float(value) for value in point.split(",")] for point in row["landmarks"].split(";")]
                if np.shape(points) != (POINTS, 2) or not np.isfinite(points).all():
                    raise ValueError(f"{row['id']} has landmarks of shape {np.shape(points)}, or of no place")
                if any(points[first] == points[first + 3] for first in EYES):
                    raise ValueError(f"{row['id']} has an eye whose corners are at the same place")
                found[row["id"]] = torch.tensor(points)
    except (KeyError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise DatasetCorrupt(f"{file} is no table of landmarks ({error}): {WAY_OUT}") from None
    return found


def eye_points(points: Tensor, first: int) -> Tensor:
    """Of 68 points, the six of one eye, [6, 2]."""
    return points[[first + place for place in ORDER]]


def with_pupil(picture: Tensor, points: Tensor) -> Tensor:
    """Points [6, 2] and the pupil, the middle of what is dark between the lids of a picture [3, H, W], [7, 2]."""
    height, width = picture.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    middle, radius = points.mean(0), corner_distance(points)
    opening = (points[4:, 1].mean() - points[2:4, 1].mean()).clamp(min=2.0) / 2
    near = ((x - middle[0]) / (0.3 * radius)).square() + ((y - middle[1]) / opening).square() <= 1
    if not near.any():
        return torch.cat((points, middle.unsqueeze(0)))
    darkness = (-DARKER * picture.mean(0)[near]).softmax(0)
    pupil = torch.stack(((darkness * x[near]).sum(), (darkness * y[near]).sum()))
    return torch.cat((points, pupil.unsqueeze(0)))


def corner_distance(points: Tensor) -> Tensor:
    """R, in pixels."""
    distance: Tensor = (points[1] - points[0]).norm()
    return distance


def box_middle(points: Tensor) -> Tensor:
    """The middle of the tight box around feature points, [2]."""
    return (points.amin(0) + points.amax(0)) / 2


def region(picture: Tensor, points: Tensor, around: Tensor, margin: int = 0) -> Tensor:
    """The region of an eye, R wide, of a picture [3, H, W], at the networks' size, [3, 41 + 2m, 51 + 2m].

    Args:
        picture: in [0, 1], or uint8.
        points: whose corners say how large R is.
        around: the region's middle, [2] in pixels.
        margin: in pixels of the region.
    """
    pixel = float(corner_distance(points)) / WIDTH
    x = around[0] + pixel * (torch.arange(-margin, WIDTH + margin) - (WIDTH - 1) / 2)
    y = around[1] + pixel * (torch.arange(-margin, HEIGHT + margin) - (HEIGHT - 1) / 2)
    left, right = _bounds(x, pixel, picture.shape[-1])
    top, bottom = _bounds(y, pixel, picture.shape[-2])
    near = picture[..., top:bottom, left:right]
    near, x, y = near.float() / (1 if picture.is_floating_point() else 255), x - left, y - top
    if pixel > 1:  # so that no pixel between two places is left out
        height, width = (max(2, round(side / pixel)) for side in near.shape[-2:])
        small = functional.interpolate(near.unsqueeze(0), (height, width), mode="area")[0]
        across, down = width / near.shape[-1], height / near.shape[-2]
        return _at(small, (x + 0.5) * across - 0.5, (y + 0.5) * down - 0.5)
    return _at(near, x, y)


def in_region(points: Tensor, around: Tensor, pixel: Tensor) -> Tensor:
    """Points [..., 2] of a picture in pixels of the region around [2], each of which is so many of the picture's."""
    return (points - around) / pixel + torch.tensor((WIDTH - 1, HEIGHT - 1)) / 2


def _bounds(places: Tensor, pixel: float, side: int) -> tuple[int, int]:
    """Where the part of a picture begins and ends that holds the places, two pixels of the region around, and more."""
    least, most = float(places[0]) - 2 * pixel - 2, float(places[-1]) + 2 * pixel + 2
    first = min(max(0, int(least)), side - 2)
    return first, max(min(side, int(most) + 1), first + 2)


def _at(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear, [3, len(y), len(x)]; beyond the border the picture goes on as it is there."""
    height, width = picture.shape[-2:]
    grid_x, grid_y = 2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1
    grid = torch.stack((grid_x.expand(len(y), len(x)), grid_y.unsqueeze(1).expand(len(y), len(x))), -1)
    found: Tensor = functional.grid_sample(
        picture.unsqueeze(0), grid.unsqueeze(0), padding_mode="border", align_corners=True
    )
    return found[0]
