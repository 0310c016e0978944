"""What strokes an agent would make in a part of the canvas, and what they are on the whole canvas.

The agent sees the part of the canvas beside the same part of the picture, both at the size at which it was trained, and
is told the level. It is asked many times at once: all see the same canvas, but each goes its own way, with a pen and a
memory of its own. On the way of one the stroke that was kept is painted; the others have only moved their pens.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cluster.run.engine import inspect_environment
from cluster.run.folder import RunError
from cluster.studio.agents import FinishedAgent
from cluster.studio.painting.pyramid import SIDE, Square
from envs import PAINT_ID
from envs.area_means import area_means
from envs.paint_settings import PaintSettings
from envs.program import Program
from spiral.agent import Agent, Observation
from spiral.begun import LEVELS
from spiral.state import load_network

PLACES = ("control", "end")  # heads that are cells of the grid
MOST_GRID = 128  # of an agent, so that the grid of the whole has 1024 rows at most


class Hand:
    """An agent that paints parts of a canvas.

    Args:
        agent: a finished one, which copies in colour.
        brush: with which the whole is painted, by name or file.
        ways: how many commands are asked for at once.
        seed: decides them.

    Attributes:
        settings: of the whole canvas, for one command.

    Raises:
        RunError: the agent does not copy in colour, or its canvas does not fit the pyramid.
    """

    def __init__(self, agent: FinishedAgent, brush: str, ways: int, seed: int) -> None:
        self._small = trained_settings(agent)
        self._spec, _ = inspect_environment(agent.config)
        self._agent = Agent(self._spec, agent.canvas_shape, agent.config.agent).eval()
        load_network(self._agent, agent.weights.fetch("agent")[1])
        self._ways, self._temperature = ways, agent.config.sample_temperature
        self._generator = torch.Generator().manual_seed(seed)
        radii = {radius * self._scale(level) for radius in self._small.brush_sizes for level in range(LEVELS)}
        self._radii = tuple(sorted(radii))
        self.settings = PaintSettings(
            canvas_size=SIDE,
            episode_length=1,
            grid_size=self._small.grid_size << LEVELS - 1,
            brush=brush,
            brush_sizes=self._radii,
            color=True,
        )

    def begin(self, square: Square, target: NDArray[np.uint8]) -> None:
        """Turn to a part of the picture, uint8 [SIDE, SIDE, 3], with the pens in its upper left corner."""
        self._square = square
        self._target = self._view(target)
        self._state = self._agent.lstm.initial_state(self._ways)
        self._actions = np.zeros((self._ways, len(self._spec.heads)), np.int64)
        self._mask = np.zeros(self._actions.shape, np.int8)
        self._pens = np.zeros(self._ways, np.int64)

    @torch.inference_mode()
    def propose(self, canvas: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """The next command of each way, in the part that was begun.

        Args:
            canvas: the whole, uint8 [SIDE, SIDE, 3].

        Returns:
            Moves to where the strokes begin, and the strokes, each int64 [ways, heads] of `settings`; and which ways
            paint one [ways], and do not only move.
        """
        told = torch.zeros(self._ways, self._agent.config.told)
        told[:, : self._agent.config.noise].normal_(generator=self._generator)
        if self._agent.config.level:
            told[:, -1] = self._square.level
        seen = Observation(
            self._view(canvas), self._target, torch.from_numpy(self._actions), torch.from_numpy(self._mask), told
        )
        decision = self._agent.act(seen, self._state, self._generator, self._temperature)
        self._state, self._actions = decision.state, decision.actions.numpy()
        self._mask = self._spec.mask(self._actions)
        moves = np.zeros_like(self._actions)
        moves[:, self._spec.index("end")] = self._pens
        self._pens = self._actions[:, self._spec.index("end")]
        return self._on_whole(moves), self._on_whole(self._actions), self._actions[:, self._spec.index("flag")] == 1

    def program(self, commands: NDArray[np.int64], page: tuple[int, int], fingerprint: str | None) -> Program:
        """The program of the commands [steps, heads] of `settings`, for a page of this width and height."""
        settings = {**self.settings.to_json(), "episode_length": max(1, len(commands))}
        return Program(PAINT_ID, settings, commands, fingerprint, None if page == (SIDE, SIDE) else page)

    def _view(self, picture: NDArray[np.uint8]) -> Tensor:
        """The part of a picture [SIDE, SIDE, 3] as each way sees it, uint8 [ways, canvas_size, canvas_size, 3]."""
        part = self._square.cut(picture)
        small = area_means(part[None], self._square.side // self._small.canvas_size)
        return torch.from_numpy(small).expand(self._ways, -1, -1, -1)

    def _scale(self, level: int) -> float:
        """Pixels of the whole canvas for one of the agent's."""
        return (SIDE >> level) / self._small.canvas_size

    def _on_whole(self, actions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The commands [N, heads] of a part as those of the whole canvas."""
        whole, grid = actions.copy(), self._small.grid_size
        cells = 1 << LEVELS - 1 - self._square.level  # of the whole grid for one of the part, along each side
        first_row, first_column = (place * self.settings.grid_size // SIDE for place in self._square[1::-1])
        for name in PLACES:
            row, column = np.divmod(actions[:, self._spec.index(name)], grid)
            row, column = row * cells + first_row, column * cells + first_column
            whole[:, self._spec.index(name)] = row * self.settings.grid_size + column
        if len(self._small.brush_sizes) > 1:
            place = self._spec.index("size")
            radii = [self._radii.index(radius * self._scale(self._square.level)) for radius in self._small.brush_sizes]
            whole[:, place] = np.array(radii)[actions[:, place]]
        return whole


def trained_settings(agent: FinishedAgent) -> PaintSettings:
    """The settings of the environment in which an agent learned to paint.

    Raises:
        RunError: it does not copy in colour and in curves, or its canvas or grid does not fit the pyramid.
    """
    config = agent.config
    if config.environment.id != PAINT_ID or not config.agent.conditional or agent.canvas_shape[2] != 3:
        raise RunError(f"{agent.name} does not copy pictures in colour: name one by --agent that does")
    settings = PaintSettings.from_keywords(config.environment.settings)
    if settings.strokes != "curves":
        raise RunError(f"{agent.name} draws {settings.strokes}: name one by --agent that paints in curves")
    # The finest squares are seen as they are or smaller, and begin at a cell of the grid of the whole.
    finest = SIDE >> LEVELS - 1
    if finest % settings.canvas_size or settings.grid_size % 2 or settings.grid_size > MOST_GRID:
        raise RunError(
            f"{agent.name} has a canvas of {settings.canvas_size} pixels and a grid of {settings.grid_size}: name one "
            f"by --agent with {finest} pixels, a half or a quarter, and an even grid of {MOST_GRID} at most"
        )
    return settings
