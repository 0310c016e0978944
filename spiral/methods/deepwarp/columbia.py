"""The Columbia gaze set (Smith et al., 2013), in its layout: photos of people who look in known directions.

One is `SUBJECT/SUBJECT_2m_POSEP_VERTICALV_HORIZONTALH.jpg` with angles in degrees, as in `0001_2m_-15P_10V_-5H.jpg`:
56 people, five poses of the head, seven gazes aside and three up or down. Feature points are not part of it; a file
`landmarks.csv` in the folder must hold those that a face alignment library has found (`landmarks.py`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spiral.data.picture_file import open_picture
from spiral.data.pictures import DatasetMissing
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
from spiral.methods.deepwarp.model import WIDTH

NAME = re.compile(r"(?P<subject>\d{4})_2m_(?P<pose>-?\d+)P_(?P<up>-?\d+)V_(?P<right>-?\d+)H\.jpe?g", re.IGNORECASE)
MARGIN = 24  # pixels that are kept around a region, since the eyes of a pair are cut at the same place
WAY_OUT = "give a folder of SUBJECT/SUBJECT_2m_POSEP_VERTICALV_HORIZONTALH.jpg and landmarks.csv, of all photos"


@dataclass(frozen=True)
class Gaze:
    """What the name of a photo says: who, the pose of the head, and the gaze up and to the right, in degrees."""

    subject: str
    pose: int
    up: int
    right: int


@dataclass(frozen=True)
class Shots:
    """One eye of one person in one pose, who looks in several directions.

    Attributes:
        pictures: uint8 [K, 3, H + 2m, W + 2m], all cut at the same place.
        gazes: up and to the right, in degrees, [K, 2].
        points: feature points in pixels of the pictures, [K, 7, 2].
    """

    subject: str
    pictures: Tensor
    gazes: Tensor
    points: Tensor


def parsed(name: str) -> Gaze | None:
    """What the name of a photo says, or None if it is no such name."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    return Gaze(found["subject"], int(found["pose"]), int(found["up"]), int(found["right"]))


def read_columbia(folder: Path, most_pose: int) -> list[Shots]:
    """All sequences of heads that are turned by `most_pose` degrees at most, both eyes of each.

    Raises:
        DatasetMissing: there are no such photos, no two of one pose, or no landmarks of a photo.
        DatasetCorrupt: a photo or the landmarks cannot be read.
    """
    groups: dict[tuple[str, int], list[tuple[Gaze, Path]]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        gaze = parsed(path.name)
        if gaze is not None and abs(gaze.pose) <= most_pose:
            groups[gaze.subject, gaze.pose].append((gaze, path))
    found = {key: shots for key, shots in groups.items() if len(shots) > 1}
    if not found:
        raise DatasetMissing(
            f"{folder} has no two photos of one person in one pose of at most {most_pose} degrees: {WAY_OUT}"
        )
    landmarks = read_landmarks(folder / "landmarks.csv")
    return [sequence for key in sorted(found) for sequence in _of_shots(found[key], landmarks)]


def split(every: Sequence[Shots]) -> tuple[list[Shots], list[Shots]]:
    """To learn from and to measure on, by person: about one in five is held out, as in the thesis, and at least one.

    Raises:
        DatasetMissing: there is one person alone.
    """
    subjects = sorted({shots.subject for shots in every})
    if len(subjects) < 2:
        raise DatasetMissing(f"all photos are of the person {', '.join(subjects)}: at least two are needed")
    held = set(subjects[:: max(2, round(len(subjects) / max(1, round(0.21 * len(subjects)))))])
    return [s for s in every if s.subject not in held], [s for s in every if s.subject in held]


def _of_shots(shots: list[tuple[Gaze, Path]], landmarks: dict[str, Tensor]) -> list[Shots]:
    for _, path in shots:
        if path.stem not in landmarks:
            raise DatasetMissing(f"landmarks.csv has no row with the id {path.stem!r}: {WAY_OUT}")
    points = [torch.stack([eye_points(landmarks[path.stem], first) for _, path in shots]) for first in EYES]
    usual = [each.mean(0) for each in points]
    cuts: list[list[Tensor]] = [[] for _ in EYES]
    for _, path in shots:  # photos are large: one at a time
        photo = torch.from_numpy(np.array(open_picture(path, color=True))).permute(2, 0, 1)
        for eye, own in enumerate(usual):
            cuts[eye].append(region(photo, own, box_middle(own), MARGIN))
    gazes = torch.tensor([(float(gaze.up), float(gaze.right)) for gaze, _ in shots])
    return [
        _shots(shots[0][0].subject, torch.stack(cuts[eye]), gazes, points[eye], usual[eye]) for eye in range(len(EYES))
    ]


def _shots(subject: str, cuts: Tensor, gazes: Tensor, points: Tensor, usual: Tensor) -> Shots:
    """One eye, cut around its `usual` points [6, 2]; `points` [K, 6, 2] are in pixels of the photos."""
    moved = in_region(points, box_middle(usual), corner_distance(usual) / WIDTH) + MARGIN
    with_pupils = torch.stack([with_pupil(cut, each) for cut, each in zip(cuts, moved, strict=True)])
    return Shots(subject, (255 * cuts).round().byte(), gazes, with_pupils)
