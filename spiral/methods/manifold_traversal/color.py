"""Grey faces get their colours (figure 5): from grey photos to those in colour, which nobody tells where a face is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from spiral.data.pictures import in_grey
from spiral.methods.experiment import Row, Table
from spiral.methods.manifold_traversal.kinds import FACE, inside
from spiral.methods.manifold_traversal.learning import inputs_of
from spiral.methods.manifold_traversal.traversing import Journey, TraversalOptions, Traversals
from spiral.methods.pictures import save_rows
from spiral.section import ConfigError, Size

SHOWN = 10


class ColorOptions(TraversalOptions):
    """As few grey pictures as in the paper, and as little said of where a face is: all is held alike."""

    steps: Size = 10
    set_size: Size = 200
    kept: float = Field(default=0.02, ge=0)
    kept_outside: float = Field(default=0.02, ge=0)
    variation: float = Field(default=0.001, ge=0)


class Color(Traversals):
    """Held-out faces without their colours."""

    Options = ColorOptions
    options: ColorOptions

    def __init__(self, options: ColorOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        known, held_out = self.read("train").images, self.read("test").images
        if options.set_size > len(known) // 2 or options.steps > len(held_out):
            raise ConfigError(
                f"set_size={options.set_size} and steps={options.steps} need twice as many pictures as the first, and "
                f"as many held out as the second, and there are {len(known)} and {len(held_out)}: give less, or more "
                "pictures"
            )
        grey = np.repeat(in_grey(known[: options.set_size]), 3, axis=-1)
        images = np.concatenate((known, grey))
        target = np.arange(options.set_size, 2 * options.set_size)  # others than those who are grey
        shown = held_out[: options.steps]
        self.truth = inputs_of(shown, device)
        trips = [(i, options.penalty) for i in range(options.steps)]
        source, region = np.arange(len(known), len(images)), inside(FACE, options.side)
        self.travel(Journey(images, source, target, np.repeat(in_grey(shown), 3, axis=-1), region, trips))

    def measure(self) -> list[Table]:
        """How colourful the pictures are, and how far from their true colours."""
        rows: list[Row] = [
            (name, *self._judged(pictures))
            for name, pictures in (
                ("grey", self.traversing.sources()),
                ("colourised", self.traversing.results()),
                ("as they were", self.truth),
            )
        ]
        columns = (
            "pictures",
            "colour in the face",
            "colour outside",
            "error of colour in the face",
            "LPIPS to the truth",
        )
        note = "colour: the mean difference of channels from their mean, in grey levels; its error likewise"
        return [Table(f"Figure 5: {len(self.truth)} held-out faces get their colours", columns, rows, note)]

    def draw(self, folder: Path) -> None:
        """Grey, colourised, and as they were."""
        rows = [self.traversing.sources(), self.traversing.results(), self.truth]
        save_rows([row[:SHOWN] for row in rows], folder / "color.png")

    def _judged(self, pictures: Tensor) -> tuple[float, float, float, float]:
        region, colors = self.traversing.region, _colors(pictures)
        return (
            _mean(colors.abs(), region),
            _mean(colors.abs(), 1 - region),
            _mean((colors - _colors(self.truth)).abs(), region),
            float(self.lpips(pictures, self.truth).mean()),
        )


def _colors(pictures: Tensor) -> Tensor:
    return 255 * (pictures - pictures.mean(1, keepdim=True))


def _mean(values: Tensor, region: Tensor) -> float:
    return float((values.mean((0, 1)) * region).sum() / region.sum())
