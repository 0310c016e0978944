"""An environment with one of our rewards around it, for agents that are not ours.

The environments give no reward, since what makes a picture good is a question of its own. This wrapper asks the rewards
of `spiral/rewards` and hands the agent their sum, so that any library that learns in Gymnasium environments learns to
paint. A conditional task shows the picture to copy as `target` beside the canvas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from spiral.config import RewardTerm, RunConfig
from spiral.rewards import build_reward, setting_of
from spiral.rewards.base import Context
from spiral.section import ConfigError

Observation = dict[str, NDArray[Any]]


class Shared(np.ndarray[Any, np.dtype[np.uint8]]):
    """Pictures that copies of an environment share; Gymnasium, too, copies what it was made with at every wrapper."""

    def __deepcopy__(self, memo: dict[int, Any] | None) -> Shared:
        return self


class Scored(gymnasium.Wrapper[Observation, NDArray[Any], Observation, NDArray[Any]], RecordConstructorArgs):
    """`env` with rewards.

    Args:
        env: an environment with a `canvas` in its observations.
        terms: the rewards by name; those `when="step"` count as the difference that a step makes,
            those `when=k` after k commands.
        targets: the pictures to copy, uint8 [N, H, W, C] of the canvas's shape; one is drawn at each reset. None where
            there is nothing to copy.
        config: settings of a learned reward; the defaults serve the others.

    Raises:
        ConfigError: a reward does not exist, none was given, or the targets have another shape than the canvas.
    """

    def __init__(
        self,
        env: gymnasium.Env[Observation, NDArray[Any]],
        terms: Sequence[RewardTerm],
        targets: NDArray[np.uint8] | None = None,
        config: RunConfig | None = None,
    ) -> None:
        self.targets = None if targets is None else targets.view(Shared)
        RecordConstructorArgs.__init__(self, terms=terms, targets=self.targets, config=config)
        gymnasium.Wrapper.__init__(self, env)
        assert isinstance(env.observation_space, spaces.Dict), "an environment of ours observes a dict with a canvas"
        canvas = env.observation_space["canvas"]
        shape = canvas.shape
        assert shape is not None and len(shape) == 3, "a canvas has a shape"
        if not terms:
            raise ConfigError("no rewards were given; name one at least, such as RewardTerm(name='squared_error')")
        spec = getattr(env.unwrapped, "action_spec", None)
        setting = setting_of(config or RunConfig(), (shape[0], shape[1], shape[2]), spec=spec)
        self.terms = [(term, build_reward(term, setting)) for term in terms]
        if targets is not None:
            if targets.shape[1:] != shape or targets.dtype != np.uint8 or not len(targets):
                wanted = ", ".join(map(str, shape))
                raise ConfigError(
                    f"targets are {targets.dtype} {targets.shape}; give uint8 pictures [N, {wanted}], like the canvas"
                )
            self.observation_space = spaces.Dict({**env.observation_space.spaces, "target": canvas})
        self._target: NDArray[np.uint8] | None = None
        self._scores: list[float] = []
        self._actions: list[NDArray[Any]] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """The observation after a reset, with the picture to copy if there are such, and info."""
        observation, info = self.env.reset(seed=seed, options=options)
        if self.targets is not None:
            self._target = np.asarray(self.targets)[self.np_random.integers(len(self.targets))]
        self._actions = []
        self._scores = self._score(observation["canvas"], info)
        return self._with_target(observation), info

    def step(self, action: NDArray[Any]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """What the environment answers, with the sum of the rewards."""
        observation, _, terminated, truncated, info = self.env.step(action)
        self._actions.append(np.asarray(action))
        scores = self._score(observation["canvas"], info)
        reward = 0.0
        for (term, _), before, after in zip(self.terms, self._scores, scores, strict=True):
            if term.when == "step":
                reward += term.weight * (after - before)
            elif len(self._actions) == term.when or (term.when == "end" and (terminated or truncated)):
                reward += term.weight * after
        self._scores = scores
        return self._with_target(observation), reward, terminated, truncated, info

    def _score(self, canvas: NDArray[np.uint8], info: dict[str, Any]) -> list[float]:
        counts = {name: np.array([count]) for name, count in info.items() if isinstance(count, int)}
        heads = self.action_space.shape
        assert heads is not None, "actions are arrays"
        actions = np.array(self._actions, np.int64).reshape(1, -1, *heads)
        targets = None if self._target is None else self._target[None]
        context = Context(targets, counts, actions, np.array([len(self._actions)]))
        return [float(reward.score(canvas[None], context)[0]) for _, reward in self.terms]

    def _with_target(self, observation: Observation) -> Observation:
        return observation if self._target is None else {**observation, "target": self._target.copy()}
