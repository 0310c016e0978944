"""Faces of two drawn eyes with their landmarks, and a set of them in the layout of the Columbia gaze set."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from spiral.methods.deepwarp import eyes as drawn
from spiral.methods.pictures import as_pixels

EYE_MIDDLES = ((40.0, 50.0), (110.0, 54.0))  # in a face of 150 by 100


def landmarks() -> Tensor:
    """68 points of a face whose eyes have corners 40 pixels apart."""
    points = torch.zeros(68, 2)
    for first, middle in zip((36, 42), EYE_MIDDLES, strict=True):
        around = ((-20, 0), (-8, -8), (8, -8), (20, 0), (8, 5), (-8, 5))
        points[first : first + 6] = torch.tensor(around) + torch.tensor(middle)
    return points


def a_face(right: float = 0.0, up: float = 0.0) -> Image.Image:
    """Two drawn eyes, each 40 pixels wide, on skin."""
    look = {name: values[:1] for name, values in drawn.random_looks(1, 1, 3).items()} | {"tilt": torch.zeros(1)}
    eye = drawn.render(look, torch.tensor([[up, right]]), torch.zeros(1, 2))
    picture = Image.new("RGB", (150, 100), (214, 170, 140))
    small = Image.fromarray(as_pixels(eye)[0]).resize((40, 32))
    for x, y in EYE_MIDDLES:
        picture.paste(small, (int(x) - 20, int(y) - 16))
    return picture


def as_row(name: str, points: Tensor) -> str:
    return f'{name},"{";".join(f"{x},{y}" for x, y in points.tolist())}"'


def columbia(folder: Path, subjects: tuple[str, ...] = ("0001", "0002")) -> Path:
    """The set's layout with small photos of people that look up, ahead and aside."""
    rows = ["id,landmarks"]
    for subject in subjects:
        (folder / subject).mkdir(parents=True)
        for pose, up, right in ((0, 0, 0), (0, 0, 10), (0, 10, 0), (30, 0, 0), (30, 0, 5)):
            name = f"{subject}_2m_{pose}P_{up}V_{right}H"
            a_face(right, up).save(folder / subject / f"{name}.jpg")
            rows.append(as_row(name, landmarks()))
    (folder / "0001" / "notes.txt").write_text("no photo")
    (folder / "landmarks.csv").write_text("\n".join(rows) + "\n")
    return folder
