"""Photos of faces open their mouths as far as drawn faces do.

The drawn faces are those of the DTN, with mouths open as far as is wanted. The photos are of people who do not exist;
their landmarks say how far a mouth is open, and by them a linear reader learns to see it in a picture.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from spiral.data import data_root, load_pictures
from spiral.data.faces import FILES, read_labels
from spiral.data.pictures import DatasetMissing, Split, part_of
from spiral.methods.deepwarp.landmarks import read_landmarks
from spiral.methods.dtn.drawn_faces import draw_face, random_face
from spiral.methods.dtn.model import as_inputs
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.puppet_gan.comparing import Comparing, ComparingOptions
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.section import Size

LIPS, CORNERS = (62, 66), (36, 45)  # landmarks: inner lips, the upper first, and the outer corners of the eyes
OPEN, FURTHER = (0.0, 0.1), (0.06, 0.16)  # how far mouths are drawn open, in widths of the picture
SLIGHTEST = 0.005  # smile: a mouth that turns down is not drawn open
RIDGE = 100.0  # penalty of the reader's weights, for pixels in [−1, 1]


class MouthOptions(ComparingOptions):
    """In colour, fewer steps, and fewer faces, which take longer to draw."""

    steps: Size = 2500
    channels: Literal[3] = 3
    rests: Size = 250
    measured: Size = 50


class Mouth(Comparing):
    """The attribute is how far the mouth is open; who it is stays."""

    Options = MouthOptions
    options: MouthOptions

    def pixels(self, split: Split) -> Pixels:
        """Photos; the labels are their numbers."""
        images = load_pictures("faces", split, self.options.side, True).images[: self.options.pictures]
        return Pixels(torch.from_numpy(images).to(self.device), torch.arange(len(images), device=self.device))

    def demonstrated(self, rests: int, levels: int, seed: int, far: bool) -> Demonstrations:
        """Drawn faces; a rest is who is drawn, and its number is how light the upper half is."""
        rng = np.random.default_rng(seed)
        values = np.linspace(*(FURTHER if far else OPEN), levels)
        images = np.empty((rests, levels, self.options.side, self.options.side, 3), np.uint8)
        for place in range(rests):
            face = random_face(rng)
            face = replace(face, smile=max(face.smile, SLIGHTEST))
            for level, value in enumerate(values):
                images[place, level] = draw_face(replace(face, open_mouth=float(value)), self.options.side)
        drawn = torch.from_numpy(images).to(self.device)
        return Demonstrations(
            drawn, torch.from_numpy(values).float().to(self.device), self.rest(as_inputs(drawn[:, 0]))
        )

    def attribute(self, pictures: Tensor) -> Tensor:
        """How far mouths are open, in distances of the eyes' corners, as the linear reader sees it."""
        return torch.from_numpy(self.reader.predict(_lower(pictures)))

    def rest(self, pictures: Tensor) -> Tensor:
        """How light the upper half is."""
        return _upper(pictures).mean(1)

    def accuracy(self, drawn: Tensor) -> float:
        """The share whose upper half is nearest to that of the same photo, among those that are shown."""
        places = torch.cdist(_upper(drawn.flatten(0, 1)), _upper(self.shown.inputs())).argmin(1)
        return float((places.view(drawn.shape[:2]) == self.shown.labels.unsqueeze(1)).float().mean())

    @cached_property
    def reader(self) -> Any:
        """A linear reader of the lower half, of the photos that are learned from."""
        from sklearn.linear_model import Ridge

        return Ridge(RIDGE).fit(_lower(self.real.inputs()), openings("train")[: len(self.real)])


def openings(split: Split) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """How far the mouths of the photos are open, in distances of the outer corners of the eyes, [N].

    Raises:
        DatasetMissing: there are no landmarks of a photo.
    """
    file = data_root() / "faces" / FILES[0]
    points, names = read_landmarks(file), part_of(read_labels(file)[0], split)
    found = []
    for name in names:
        if (own := points.get(name.removesuffix(".jpg"))) is None:
            raise DatasetMissing(f"{file} has no landmarks of {name}: give a table with those of every picture")
        apart = torch.linalg.vector_norm(own[CORNERS[1]] - own[CORNERS[0]])
        found.append(float((own[LIPS[1], 1] - own[LIPS[0], 1]) / apart))
    return np.array(found, np.float32)


def _upper(pictures: Tensor) -> Tensor:
    return pictures[..., : pictures.shape[-2] // 2, :].flatten(1)


def _lower(pictures: Tensor) -> Any:
    return pictures[..., pictures.shape[-2] // 2 :, :].flatten(1).cpu().numpy()
