"""Written digits take the size, or the rotation, of typeset ones: the slides' table."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from spiral.data.pictures import Split
from spiral.judge import DigitNet, classify, fit
from spiral.methods.dtn.model import as_inputs
from spiral.methods.dtn.pixels import Pixels, read_digits
from spiral.methods.pictures import as_pixels
from spiral.methods.puppet_gan.comparing import Comparing, ComparingOptions, Model
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.posing import Attribute, Poses, Written, posed, typeset, write
from spiral.moments import ink_of, length_of, slant_of
from spiral.section import Size as Count


class DigitsOptions(ComparingOptions):
    """Which digits are written, and for how many passes over them the reader learns that takes the accuracy."""

    channels: Literal[1] = 1
    data: str = "digits"
    reader_epochs: Count = 5


class TableOptions(DigitsOptions):
    """All models, and so fewer steps of each."""

    steps: Count = 1500
    models: tuple[Model, ...] = get_args(Model)


class Digits(Comparing):
    """Digits in poses, of which one part is the attribute and the other belongs to the rest.

    Attributes:
        changed: the attribute.
        poses, further: of both domains, and of the demonstrations of †.
    """

    Options = DigitsOptions
    options: DigitsOptions
    changed: ClassVar[Attribute]
    poses: ClassVar[Poses]
    further: ClassVar[Poses]

    def pixels(self, split: Split) -> Pixels:
        """Written digits in random poses."""
        return self._written(split).pixels

    def demonstrated(self, rests: int, levels: int, seed: int, far: bool) -> Demonstrations:
        """Typeset digits."""
        made = typeset(self.changed, self.further if far else self.poses, rests, levels, self.options.side, seed)
        return Demonstrations(made.images.to(self.device), made.values.to(self.device), made.rests.to(self.device))

    def attribute(self, pictures: Tensor) -> Tensor:
        """Size or slant, by moments."""
        return (length_of if self.changed == "size" else slant_of)(ink_of(pictures))

    def rest(self, pictures: Tensor) -> Tensor:
        """The other of the two."""
        return (slant_of if self.changed == "size" else length_of)(ink_of(pictures))

    def accuracy(self, drawn: Tensor) -> float:
        """The share that the reader takes for the same digit."""
        read, _ = classify(self.reader, as_pixels(drawn.flatten(0, 1), black=-1))
        return float(np.mean(read.reshape(drawn.shape[:2]) == self.shown.labels.cpu().numpy()[:, None]))

    def ideal(self, references: Demonstrations) -> Tensor:
        """The written digits, posed anew by what is known of them and of the references."""
        known, rests = self._written("test"), len(references.rests)
        rows = []
        for place in range(len(self.shown)):
            values = references.values
            own = torch.full_like(values, float((known.angles if self.changed == "size" else known.sizes)[place]))
            pose = (values, own) if self.changed == "size" else (own, values)
            ink = known.ink[place].expand(len(values), -1, -1, -1)
            rows.append(as_inputs(posed(ink, *pose, self.options.side)).repeat(rests, 1, 1, 1))
        return torch.stack(rows)

    @cached_property
    def reader(self) -> DigitNet:
        """A reader of the written digits in their poses; no model has a part in it."""
        images, labels = self.real.images.cpu().numpy(), self.real.labels.cpu().numpy()
        return fit(images, labels, 10, self.seed, self.options.reader_epochs)

    def _written(self, split: Split) -> Written:
        options = self.options
        most = options.pictures if split == "train" else options.measured
        pixels = read_digits(options.data, split, False, most, self.device)
        return write(pixels, self.poses, options.side, self.seed + (split == "test"))


class Size(Digits):
    """The size is taken over; digit, hand and rotation stay."""

    changed = "size"
    poses = Poses(sizes=(0.45, 1.05), angles=(-0.3, 0.3))
    further = Poses(sizes=(0.35, 0.8), angles=(-0.1, 0.5))
    paper = {  # noqa: RUF012
        "puppet_gan": (0.73, 0.85, 0.02, 0.02),
        "cyclegan": (0.10, 0.28, 0.06, 0.28),
        "dida": (0.71, 0.18, 0.09, 0.02),
        "munit": (0.96, 0.06, 0.09, 0.01),
        "cycle-vae": (0.17, 0.92, 0.16, 0.01),
        "dagger": (0.64, 0.28, 0.07, 0.01),
    }
    paper_discrepancies = ((0.27, 0.78), (0.90, 0.92))


class Rotation(Digits):
    """The rotation is taken over; digit, hand and size stay."""

    changed = "rotation"
    poses = Poses(sizes=(0.75, 1.05), angles=(-0.45, 0.45))
    further = Poses(sizes=(0.42, 0.5), angles=(-0.45, 0.45))
    paper = {  # noqa: RUF012
        "puppet_gan": (0.97, 0.40, 0.11, 0.01),
        "cyclegan": (0.11, 0.54, 0.37, 0.33),
        "dida": (0.86, 0.04, 0.35, 0.02),
        "munit": (1.00, 0.00, 0.15, 0.01),
        "cycle-vae": (0.29, 0.45, 0.10, 0.01),
        "dagger": (0.10, 0.06, 0.04, 0.01),
    }
    paper_discrepancies = ((0.05, 2.20), (0.06, 108.0))


class SizeTable(Size):
    """Every row of the table."""

    Options = TableOptions


class RotationTable(Rotation):
    """Every row of the table."""

    Options = TableOptions
