"""An environment of one's own, in one file: stamps that darken a small grey canvas.

    PYTHONPATH=examples spiral train --preset mnist-small --env dots:Dots --minutes 5 --out runs/dots \
        --set 'rewards=[{"name": "discriminator", "when": "step"}]'

It needs three things: the settings with their action heads, what N canvases do with N actions, and a name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec, Head
from envs.canvas_env import CanvasEnv
from envs.episodes import Counts, Episodes, Images
from envs.random_programs import random_programs
from envs.settings import Settings

GRID = 8
SKIP, STAMP = 0, 1


@dataclass(frozen=True)
class DotSettings(Settings):
    """A canvas of 32 pixels and ten stamps."""

    canvas_size: int = 32
    episode_length: int = 10

    @property
    def action_spec(self) -> ActionSpec:
        """Where the stamp goes, how dark it is, and whether it is pressed at all."""
        heads = (Head("place", GRID**2, (GRID, GRID)), Head("tone", 4), Head("press", 2))
        return ActionSpec(heads, ("press", "place", "tone"), "press", (("press",), ("place", "tone", "press")))

    @property
    def channels(self) -> int:
        """1: grey."""
        return 1

    def at_size(self, size: int) -> DotSettings:
        """The same stamps on a canvas of another size."""
        return replace(self, canvas_size=size, render_size=None)

    def natural_programs(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Stamps anywhere."""
        return random_programs(self.action_spec, count, self.episode_length, rng)


class Stamping(Episodes):
    """N canvases."""

    def __init__(self, settings: DotSettings, count: int, num_threads: int = 1) -> None:
        self._canvases = np.full((count, settings.canvas_size, settings.canvas_size, 1), 255, np.uint8)
        self._cell = settings.canvas_size // GRID
        super().__init__(settings, count)

    def drawn(self) -> Images:
        """A copy of the canvases."""
        return self._canvases.copy()

    def close(self) -> None:
        """Nothing is held but memory."""

    def _no_counts(self) -> Counts:
        return {"stamps": np.zeros(self._count, np.int64)}

    def _clear(self) -> Images:
        self._canvases[:] = 255
        return self.drawn()

    def _act(self, actions: NDArray[np.integer[Any]]) -> Images:
        for index, (place, tone, press) in enumerate(actions):
            if press == STAMP:
                row, column = (int(part) * self._cell for part in divmod(int(place), GRID))
                self._canvases[index, row : row + self._cell, column : column + self._cell] = 60 * tone
                self.counts["stamps"][index] += 1
        return self.drawn()


class Dots(CanvasEnv):
    """The environment; as `--env dots:Dots` it is trained in."""

    settings_type = DotSettings
    episodes_type = Stamping
