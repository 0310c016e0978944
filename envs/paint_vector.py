"""N canvases that advance together: the vector form of `spiral/Paint-v0`, for `gymnasium.make_vec`.

One call paints one action on every canvas, on several threads, so that a policy is asked once for all N. Episodes have
the same length and therefore end together. Pixel for pixel it is N single environments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs import PAINT_ID
from envs.paint import Actions, Observation, check_render_mode, in_three_channels, observation_space
from envs.painter import Painter
from envs.program import Program
from envs.settings import PaintSettings

Step = tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class PaintVector(VectorEnv[Observation, Actions, NDArray[Any]]):
    """`num_envs` environments of `spiral/Paint-v0`.

    Keyword arguments are those of `Paint`, and `num_threads`, on how many threads the canvases are painted.

    Actions are integers [num_envs, heads]. Observations, rewards, flags and info are those of `Paint` with a first axis
    of `num_envs`. After the step that ends an episode, the next step resets all canvases and ignores its actions
    (Gymnasium's `AutoresetMode.NEXT_STEP`), unless `reset` came first.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
        PaintError: the engine has no such brush, or cannot paint on so many canvases or with so many threads.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10, "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self, num_envs: int = 1, *, num_threads: int = 1, render_mode: str | None = None, **settings: Any
    ) -> None:
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self.settings = PaintSettings.from_keywords(settings)
        self._painter = Painter(self.settings, num_envs, num_threads)
        self.num_envs = num_envs
        self.action_spec = self.settings.action_spec
        self.single_action_space = spaces.MultiDiscrete(self.action_spec.nvec)
        self.single_observation_space = observation_space(self.settings)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """The empty canvases, and info. A list of seeds, as other vector environments take, counts by its first."""
        super().reset(seed=seed if seed is None or isinstance(seed, int) else seed[0], options=options)
        return self._observation(self._painter.reset()), self._info()

    def step(self, actions: Actions) -> Step:
        """What the canvases look like after one more action on each.

        Raises:
            ActionError: an action is not in the action space.
        """
        canvas = self._painter.reset() if self._ended() else self._painter.step(actions)
        rewards = np.zeros(self.num_envs)
        terminated = np.full(self.num_envs, self._ended())
        return self._observation(canvas), rewards, terminated, np.zeros(self.num_envs, bool), self._info()

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:  # type: ignore[override]
        """The canvases as painted, each uint8 [render_size, render_size, 3], or None without a render mode."""
        return tuple(in_three_channels(self._painter.painted())) if self.render_mode else None

    def program(self, index: int) -> Program:
        """What has been painted on one canvas in this episode, as a program that can be saved and replayed."""
        return Program(PAINT_ID, self.settings.to_json(), self._painter.actions(index))

    def _ended(self) -> bool:
        return self._painter.steps == self.settings.episode_length

    def _observation(self, canvas: NDArray[np.uint8]) -> Observation:
        return {
            "canvas": canvas,
            "step": np.full(self.num_envs, self._painter.steps, np.int32),
            "action_mask": self._painter.action_mask.copy(),
        }

    def _info(self) -> dict[str, Any]:
        """The counts, and in Gymnasium's manner for each of them which environments have it: all."""
        everyone = np.ones(self.num_envs, bool)
        return {
            "strokes": self._painter.strokes.copy(),
            "_strokes": everyone,
            "disjoint_strokes": self._painter.disjoint_strokes.copy(),
            "_disjoint_strokes": everyone,
        }
