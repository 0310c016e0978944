"""A page that turns eyes by a slider, in one file: the frames were made beforehand, and no server is needed."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spiral.files import written_whole
from spiral.methods.deepwarp.model import Warper
from spiral.methods.deepwarp.page_template import PAGE, SLOT
from spiral.methods.deepwarp.pairs import WIDEST, Axis
from spiral.methods.deepwarp.training import turned
from spiral.methods.pictures import as_pixels

PAGE_FILE = "eyes.html"
ALONG, EACH = 31, 13  # frames along one axis, and along each of two


@dataclass(frozen=True)
class Subject:
    """Whose eyes are turned.

    Attributes:
        frames: uint8 [up, right, H, W, 3]: the first are turned down and left as far as it goes.
    """

    frames: NDArray[np.uint8]


def axis_angles(axis: Axis) -> tuple[Tensor, Tensor]:
    """The angles of the frames, up [U] and to the right [R]."""
    nothing, along, each = torch.zeros(1), torch.linspace(-WIDEST, WIDEST, ALONG), torch.linspace(-WIDEST, WIDEST, EACH)
    return {"vertical": (along, nothing), "horizontal": (nothing, along), "both": (each, each)}[axis]


def grid_angles(axis: Axis) -> Tensor:
    """All of them, [U · R, 2]."""
    return torch.cartesian_prod(*axis_angles(axis))


def eye_subject(network: Warper, eye: Tensor, anchors: Tensor, axis: Axis) -> Subject:
    """An eye [3, H, W] with its feature points [7, 2]."""
    angles = grid_angles(axis)
    count = len(angles)
    made = turned(network, eye.expand(count, -1, -1, -1), anchors.expand(count, -1, -1), angles)
    return Subject(in_grid(as_pixels(made.output), axis))


def in_grid(frames: NDArray[np.uint8], axis: Axis) -> NDArray[np.uint8]:
    """Frames [U · R, H, W, 3] as [U, R, H, W, 3]."""
    up, right = axis_angles(axis)
    return frames.reshape(len(up), len(right), *frames.shape[1:])


def save_page(subjects: Sequence[Subject], path: Path) -> None:
    """Write the page."""
    document = [
        {
            "up": subject.frames.shape[0],
            "right": subject.frames.shape[1],
            "height": subject.frames.shape[2],
            "width": subject.frames.shape[3],
            "sheet": _as_url(subject.frames),
        }
        for subject in subjects
    ]
    with written_whole(path) as unfinished:
        unfinished.write_text(PAGE.replace(SLOT, json.dumps(document)), encoding="utf-8")


def _as_url(frames: NDArray[np.uint8]) -> str:
    """All frames in one JPEG, as a URL that holds it."""
    up, right, height, width, _ = frames.shape
    flat = frames.transpose(0, 2, 1, 3, 4).reshape(up * height, right * width, 3)
    stream = io.BytesIO()
    Image.fromarray(flat).save(stream, format="JPEG", quality=92)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
