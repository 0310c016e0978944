"""Painting with a real brush, one stroke at a time: `spiral/Paint-v0` (Ganin et al. 2018, section 6.4.2).

The agent holds a brush over a canvas. An action either paints a quadratic Bézier curve

    p(τ) = (1 − τ)² l_t + 2 (1 − τ) τ p_c + τ² l_{t+1},   τ in [0, 1],

from where the pen is, l_t, bent towards the control point p_c, to the end point l_{t+1}; or it moves the pen to l_{t+1}
without painting. The pen starts at the upper left corner. libmypaint decides what the stroke looks like.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from envs import PAINT_ID
from envs.painter import Painter
from envs.program import Program
from envs.settings import PaintSettings, SettingsError

Observation = dict[str, NDArray[Any]]
Actions = NDArray[np.integer[Any]]


class Paint(gymnasium.Env[Observation, Actions]):
    """One canvas and one brush.

    Keyword arguments are the fields of `PaintSettings`, and `render_mode`.

    Action: one index for each head of `action_spec`, in the order control, end, flag, pressure, size, red, green, blue;
    `size` is left out where there is one brush size, and the colours where `color` is False.

    | head | choices | meaning |
    |---|---|---|
    | control, end | grid_size² | row, column = divmod(index, grid_size); x = canvas_size · column / grid_size |
    | flag | 2 | 1 paints, 0 moves the pen; for a move only `end` and `flag` count |
    | pressure | 10 | 0.1 to 1.0; a stroke goes evenly from the last stroke's pressure to this one |
    | size | brush sizes | the brush's radius |
    | red, green, blue | 20 each | 0 to 1 |

    Observation:
        canvas: uint8 [canvas_size, canvas_size, 3], or [..., 1] if `color` is False.
        step: int32 [], the number of actions so far.
        action_mask: int8 [heads], 1 for the sub-actions that counted in the last action; zeros after a reset.

    Info: `strokes`, how many actions painted, and `disjoint_strokes`, how many of those came first or after a move.

    Reward is always 0.0: what makes a picture good is for others to say. The episode terminates after `episode_length`
    actions. The pixels depend on settings and actions alone; a seed changes nothing but `np_random`.

    `render()` gives the canvas at the size at which it is painted, in three channels.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
        PaintError: the engine has no such brush, or no room for such a canvas.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, *, render_mode: str | None = None, **settings: Any) -> None:
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self.settings = PaintSettings.from_keywords(settings)
        self.action_spec = self.settings.action_spec
        self.action_space = spaces.MultiDiscrete(self.action_spec.nvec)
        self.observation_space = observation_space(self.settings)
        self._painter = Painter(self.settings, count=1)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """The empty canvas, and info."""
        super().reset(seed=seed)
        return self._observation(self._painter.reset()), self._info()

    def step(self, action: Actions) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """What the canvas looks like after one more action: observation, reward, terminated, truncated, info.

        Raises:
            ActionError: the action is not in the action space.
            ResetNeeded: the episode has ended.
        """
        if self._painter.steps >= self.settings.episode_length:
            raise ResetNeeded(f"all {self.settings.episode_length} actions of the episode are done; call reset()")
        canvas = self._painter.step(np.asarray(action)[None])
        terminated = self._painter.steps == self.settings.episode_length
        return self._observation(canvas), 0.0, terminated, False, self._info()

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The canvas as painted, uint8 [render_size, render_size, 3], or None without a render mode."""
        return in_three_channels(self._painter.painted())[0] if self.render_mode else None

    def program(self) -> Program:
        """What has been painted in this episode, as a program that can be saved and replayed."""
        return Program(PAINT_ID, self.settings.to_json(), self._painter.actions(0))

    def _observation(self, canvas: NDArray[np.uint8]) -> Observation:
        return {
            "canvas": canvas[0],
            "step": np.array(self._painter.steps, np.int32),
            "action_mask": self._painter.action_mask[0].copy(),
        }

    def _info(self) -> dict[str, Any]:
        return {
            "strokes": int(self._painter.strokes[0]),
            "disjoint_strokes": int(self._painter.disjoint_strokes[0]),
        }


def observation_space(settings: PaintSettings) -> spaces.Dict:
    """The space of one environment's observations."""
    size = settings.canvas_size
    return spaces.Dict(
        {
            "canvas": spaces.Box(0, 255, (size, size, settings.channels), np.uint8),
            "step": spaces.Box(0, settings.episode_length, (), np.int32),
            "action_mask": spaces.MultiBinary(len(settings.action_spec.heads)),
        }
    )


def check_render_mode(render_mode: str | None) -> None:
    """Refuses a render mode that the painting environments do not have."""
    if render_mode not in (None, "rgb_array"):
        raise SettingsError(f"render_mode is {render_mode!r}; give 'rgb_array' or None")


def in_three_channels(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures of 1 or 3 channels as [..., 3]."""
    return pictures if pictures.shape[-1] == 3 else np.repeat(pictures, 3, axis=-1)
