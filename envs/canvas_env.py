"""What the environments share: one picture an episode, one command a step, no reward.

`CanvasEnv` is a Gymnasium environment, `CanvasVectorEnv` its vector form. Each environment says in a subclass of both
what its settings are and what is behind its canvases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.copies import Copyable
from envs.episodes import Episodes
from envs.program import Program, ProgramError
from envs.settings import Settings, SettingsError

Observation = dict[str, NDArray[Any]]
Actions = NDArray[np.integer[Any]]
Step = tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class CanvasEnv(Copyable, gymnasium.Env[Observation, Actions]):
    """One canvas.

    Keyword arguments are the fields of the settings, and `render_mode`.

    Observation:
        canvas: uint8 [canvas_size, canvas_size, channels].
        step: int32 [1], the number of actions so far.
        action_mask: int8 [heads], 1 for the sub-actions that counted in the last action; zeros after a reset.

    Reward is always 0.0: what makes a picture good is for others to say. The episode terminates after `episode_length`
    actions. The pixels depend on settings and actions alone; a seed changes nothing but `np_random`.

    `render()` gives the canvas at the size at which it is drawn, in three channels.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}
    env_id: ClassVar[str]
    settings_type: ClassVar[type[Settings]]
    episodes_type: ClassVar[Callable[..., Episodes]]

    def __init_subclass__(cls) -> None:
        """An environment that names no id is known by its class (`envs/own.py`)."""
        super().__init_subclass__()
        if "env_id" not in vars(cls):
            cls.env_id = f"{cls.__module__}:{cls.__qualname__}"

    def __init__(self, *, render_mode: str | None = None, **settings: Any) -> None:
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self.settings = self.settings_type.from_keywords(settings)
        self.action_spec = self.settings.action_spec
        self.action_space = spaces.MultiDiscrete(self.action_spec.nvec)
        self.observation_space = observation_space(self.settings)
        self._episodes = self._new_episodes()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """The empty canvas, and info.

        Args:
            seed: of `np_random`.
            options: `{"canvas": picture}` begins on a picture, uint8 [canvas_size, canvas_size, channels].

        Raises:
            SettingsError: the picture is of another shape or type, or this environment begins on none.
        """
        super().reset(seed=seed)
        start = (options or {}).get("canvas")
        return self._observation(self._episodes.reset(None if start is None else np.asarray(start)[None])), self._info()

    def step(self, action: Actions) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """What the canvas looks like after one more action: observation, reward, terminated, truncated, info.

        Raises:
            ActionError: the action is not in the action space.
            ResetNeeded: the episode has ended.
        """
        if self._episodes.steps >= self.settings.episode_length:
            raise ResetNeeded(f"all {self.settings.episode_length} actions of the episode are done; call reset()")
        canvas = self._episodes.step(np.asarray(action)[None])
        terminated = self._episodes.steps == self.settings.episode_length
        return self._observation(canvas), 0.0, terminated, False, self._info()

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The canvas as drawn, uint8 [render_size, render_size, 3], or None without a render mode."""
        return in_three_channels(self._episodes.drawn())[0] if self.render_mode else None

    @property
    def brush_fingerprint(self) -> str | None:
        """Of the brush that paints, see `envs.pymypaint.brushes.Brush`; None where there is no brush."""
        return self._episodes.brush_fingerprint

    def program(self) -> Program:
        """What was done in this episode, as a program that can be saved and replayed.

        Raises:
            ProgramError: the episode began on a picture, which no program has.
        """
        require_empty_start(self._episodes)
        return Program(self.env_id, self.settings.to_json(), self._episodes.actions(0), self.brush_fingerprint)

    def close(self) -> None:
        """Give back the canvas."""
        self._episodes.close()
        self.closed = True

    def _new_episodes(self) -> Episodes:
        return type(self).episodes_type(self.settings, 1)

    def _observation(self, canvas: NDArray[np.uint8]) -> Observation:
        return {
            "canvas": canvas[0],
            "step": np.array([self._episodes.steps], np.int32),
            "action_mask": self._episodes.action_mask[0].copy(),
        }

    def _info(self) -> dict[str, Any]:
        return {name: int(count[0]) for name, count in self._episodes.counts.items()}


class CanvasVectorEnv(Copyable, VectorEnv[Observation, Actions, NDArray[Any]]):
    """`num_envs` canvases that advance together, so that a policy is asked once for all of them.

    Keyword arguments are those of the single environment, and `num_threads`, on how many threads canvases are drawn.

    Actions are integers [num_envs, heads]. Observations, rewards, flags and info are those of the single environment
    with a first axis of `num_envs`; pixel for pixel it is `num_envs` of them. Episodes have the same length and
    therefore end together. After the step that ends an episode, the next step resets all canvases and ignores its
    actions (Gymnasium's `AutoresetMode.NEXT_STEP`), unless `reset` came first.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
    """

    autoreset_mode = AutoresetMode.NEXT_STEP  # where TorchRL looks for it, as Gymnasium's own vector forms have it
    metadata = CanvasEnv.metadata | {"autoreset_mode": autoreset_mode}
    env_id: ClassVar[str]
    settings_type: ClassVar[type[Settings]]
    episodes_type: ClassVar[Callable[..., Episodes]]

    def __init__(
        self, num_envs: int = 1, *, num_threads: int = 1, render_mode: str | None = None, **settings: Any
    ) -> None:
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self.settings = self.settings_type.from_keywords(settings)
        self.num_envs, self._num_threads = num_envs, num_threads
        self._episodes = self._new_episodes()
        self.action_spec = self.settings.action_spec
        self.single_action_space = spaces.MultiDiscrete(self.action_spec.nvec)
        self.single_observation_space = observation_space(self.settings)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """The empty canvases, and info.

        Args:
            seed: of `np_random`; of a list of seeds, as other vector environments take, the first.
            options: `{"canvas": pictures}` begins on these, uint8 [num_envs, canvas_size, canvas_size, channels].

        Raises:
            SettingsError: the pictures are of another shape or type, or this environment begins on none.
        """
        super().reset(seed=seed if seed is None or isinstance(seed, int) else seed[0], options=options)
        return self._observation(self._episodes.reset((options or {}).get("canvas"))), self._info()

    def step(self, actions: Actions) -> Step:
        """What the canvases look like after one more action on each.

        Raises:
            ActionError: an action is not in the action space.
        """
        canvas = self._episodes.reset() if self._ended() else self._episodes.step(actions)
        rewards = np.zeros(self.num_envs)
        terminated = np.full(self.num_envs, self._ended())
        return self._observation(canvas), rewards, terminated, np.zeros(self.num_envs, bool), self._info()

    def take(
        self, sources: Sequence[int] | NDArray[np.integer[Any]], other: Self | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Observation and info, with each episode the one that `sources[i]` of the others is now.

        So a planner keeps what was good in place of what was not, and goes back to what it kept before.

        Args:
            sources: an index for each of the `num_envs`.
            other: of which environment, with equal settings, if not of this; it is left as it is.

        Raises:
            EpisodeError: the sources are of another shape or type, or there is no such episode.
            SettingsError: the others have other settings.
        """
        of = self if other is None else other
        if of.settings != self.settings:
            raise SettingsError(f"episodes of {of.settings} cannot go on as {self.settings}; make both alike")
        return self._observation(self._episodes.take(np.asarray(sources), of._episodes)), self._info()

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:  # type: ignore[override]
        """The canvases as drawn, each uint8 [render_size, render_size, 3], or None without a render mode."""
        return tuple(in_three_channels(self._episodes.drawn())) if self.render_mode else None

    @property
    def brush_fingerprint(self) -> str | None:
        """Of the brush that paints, see `envs.pymypaint.brushes.Brush`; None where there is no brush."""
        return self._episodes.brush_fingerprint

    def program(self, index: int) -> Program:
        """What was done on one canvas in this episode, as a program that can be saved and replayed.

        Raises:
            ProgramError: the episode began on a picture, which no program has.
        """
        require_empty_start(self._episodes)
        return Program(self.env_id, self.settings.to_json(), self._episodes.actions(index), self.brush_fingerprint)

    def close_extras(self, **kwargs: Any) -> None:
        """Give back the canvases."""
        if hasattr(self, "_episodes"):  # Gymnasium closes an environment, too, whose settings were refused
            self._episodes.close()

    def _new_episodes(self) -> Episodes:
        return type(self).episodes_type(self.settings, self.num_envs, self._num_threads)

    def _ended(self) -> bool:
        return self._episodes.steps == self.settings.episode_length

    def _observation(self, canvas: NDArray[np.uint8]) -> Observation:
        return {
            "canvas": canvas,
            "step": np.full((self.num_envs, 1), self._episodes.steps, np.int32),
            "action_mask": self._episodes.action_mask.copy(),
        }

    def _info(self) -> dict[str, Any]:
        """The counts, and in Gymnasium's manner for each of them which environments have it: all."""
        info: dict[str, Any] = {}
        for name, count in self._episodes.counts.items():
            info[name] = count.copy()
            info[f"_{name}"] = np.ones(self.num_envs, bool)
        return info


def observation_space(settings: Settings) -> spaces.Dict:
    """The space of one environment's observations."""
    size = settings.canvas_size
    return spaces.Dict(
        {
            "canvas": spaces.Box(0, 255, (size, size, settings.channels), np.uint8),
            "step": spaces.Box(0, settings.episode_length, (1,), np.int32),
            "action_mask": spaces.MultiBinary(len(settings.action_spec.heads)),
        }
    )


def require_empty_start(episodes: Episodes) -> None:
    """Refuses to make a program of an episode that began on a picture."""
    if episodes.start is not None:
        raise ProgramError("this episode began on a picture, which no program has; reset() without one begins empty")


def check_render_mode(render_mode: str | None) -> None:
    """Refuses a render mode that the environments do not have."""
    if render_mode not in (None, "rgb_array"):
        raise SettingsError(f"render_mode is {render_mode!r}; give 'rgb_array' or None")


def in_three_channels(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures of 1 or 3 channels as [..., 3]."""
    return pictures if pictures.shape[-1] == 3 else np.repeat(pictures, 3, axis=-1)
