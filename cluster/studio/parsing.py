"""What comes of a picture that an agent has painted many times: the nearest painting, or one still nearer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actors.evaluation import Paintings
from envs.program import Program
from spiral.picture_error import mean_squared_error


@dataclass(frozen=True)
class Parsing:
    """A picture and paintings of it.

    Attributes:
        square: the picture at its own size, in a square.
        target: what the agent saw of it, uint8 [S, S, C].
        paintings: all that the agent painted of it by itself.
        found: the nearest of them, or what a search made of it.
    """

    square: Image.Image
    target: NDArray[np.uint8]
    paintings: Paintings
    found: Paintings

    @cached_property
    def errors(self) -> list[float]:
        """The mean squared error of each painting that the agent made by itself."""
        return [mean_squared_error(render, self.target) for render in self.paintings.renders]

    @property
    def error(self) -> float:
        """That of the program."""
        return mean_squared_error(self.found.renders[0], self.target)

    @property
    def empty_error(self) -> float:
        """That of an empty canvas."""
        return mean_squared_error(self.paintings.empty, self.target)

    @cached_property
    def program(self) -> Program:
        """The nearest painting."""
        return self.found.program(0)
