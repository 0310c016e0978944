"""Both eyes of a photo are turned: flows are found at the networks' size, and move the photo's own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spiral.data import data_root
from spiral.data.archive import Archive
from spiral.data.picture_file import open_picture
from spiral.methods.deepwarp.landmarks import (
    EYES,
    box_middle,
    corner_distance,
    eye_points,
    in_region,
    read_landmarks,
    region,
    with_pupil,
)
from spiral.methods.deepwarp.model import HEIGHT, WIDTH, Redirected, Warper, lightened, sample
from spiral.methods.deepwarp.page import Subject, grid_angles, in_grid
from spiral.methods.deepwarp.pairs import Axis
from spiral.methods.deepwarp.training import turned
from spiral.methods.pictures import as_pixels
from spiral.section import ConfigError

FADING = 4  # pixels of a region, over which a flow falls to nothing at its border
AT_HAND = "00010"  # a synthetic face, shown where nobody names a photo
MOST_SIDE = 320  # pixels of a frame on the page


@dataclass(frozen=True)
class Face:
    """A photo [3, H, W] in [0, 1], with the feature points of its eyes, each [7, 2]."""

    picture: Tensor
    eyes: tuple[Tensor, ...]


def read_face(picture: str, landmarks: str) -> Face | None:
    """The photo of that name with landmarks from a table, or a synthetic face if none is named and these are at hand.

    Raises:
        ConfigError: one of both is named without the other, or the table has not that photo.
        DatasetError: a file is missing or damaged.
    """
    if bool(picture) != bool(landmarks):
        raise ConfigError(
            f"picture={picture!r} and landmarks={landmarks!r}: name both, a photo and the table of its landmarks, or "
            "neither"
        )
    if picture:
        path = Path(picture)
        table = read_landmarks(Path(landmarks))
        if path.stem not in table:
            raise ConfigError(f"{landmarks} has no row with the id {path.stem!r}: add the landmarks of {picture}")
        return face_of(open_picture(path, color=True), table[path.stem])
    folder = data_root() / "faces"
    if not (folder / "labels.csv").is_file() or not (folder / "faces128.zip").is_file():
        return None
    points = read_landmarks(folder / "labels.csv").get(AT_HAND)
    if points is None:
        return None
    with Archive(folder, "faces128") as archive:
        name = f"{AT_HAND}.jpg"
        return face_of(open_picture(Path(name), color=True, content=archive.read(name)), points)


def face_of(photo: Image.Image, points: Tensor) -> Face:
    """A face from a picture, made smaller if it is too large for a page, and its 68 points."""
    picture = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float() / 255
    shrink = max(1, -(-max(picture.shape[-2:]) // MOST_SIDE))
    small = torch.nn.functional.avg_pool2d(picture.unsqueeze(0), shrink)[0]
    moved = (points + 0.5) / shrink - 0.5
    return Face(small, tuple(with_pupil(small, eye_points(moved, first)) for first in EYES))


def turn_face(network: Warper, face: Face, angles: Tensor) -> Tensor:
    """The photo with both eyes turned by angles [N, 2], [N, 3, H, W]."""
    frames = face.picture.expand(len(angles), -1, -1, -1)
    for points in face.eyes:
        around = box_middle(points)
        pixel = corner_distance(points) / WIDTH
        eye, anchors = region(face.picture, points, around), in_region(points, around, pixel)
        made = turned(network, eye.expand(len(angles), -1, -1, -1), anchors.expand(len(angles), -1, -1), angles)
        frames = _moved(frames, made, around, float(pixel))
    return frames


def face_frames(network: Warper, face: Face, axis: Axis) -> Subject:
    """The photo with its eyes turned to all sides, for the page."""
    angles = grid_angles(axis)
    frames: list[NDArray[np.uint8]] = [as_pixels(turn_face(network, face, some)) for some in angles.split(16)]
    return Subject(in_grid(np.concatenate(frames), axis))


def _moved(frames: Tensor, made: Redirected, around: Tensor, pixel: float) -> Tensor:
    """Frames whose pixels within a region come from where its flow says."""
    height, width = frames.shape[-2:]
    # Where a pixel of the photo is in the region, so that all that is known there can be sampled at it.
    x = (torch.arange(width) - around[0]) / pixel + (WIDTH - 1) / 2
    y = (torch.arange(height) - around[1]) / pixel + (HEIGHT - 1) / 2
    places = torch.stack((x.expand(height, width), y.unsqueeze(1).expand(height, width)))
    edge = torch.minimum(
        torch.minimum(places[0], WIDTH - 1 - places[0]), torch.minimum(places[1], HEIGHT - 1 - places[1])
    )
    share = (edge / FADING).clamp(0, 1)
    grid = torch.stack((2 * places[0] / (WIDTH - 1) - 1, 2 * places[1] / (HEIGHT - 1) - 1), -1)
    grid = grid.expand(len(frames), -1, -1, -1)

    def at_photo(maps: Tensor) -> Tensor:
        found: Tensor = torch.nn.functional.grid_sample(maps, grid, padding_mode="border", align_corners=True)
        return share * found

    warped = sample(frames, pixel * at_photo(made.flow))
    return warped if made.lightness is None else lightened(warped, at_photo(made.lightness))
