"""The task of the examples: a digit is shown, and a few commands are there to copy it.

Canvas, brush, length of the episode and layers are those of a preset: `mnist-small-conditional`, or with the published
network `mnist-conditional`. Agents of the first begin with cloning, and both have a discriminator. Here an agent begins
with nothing, and the rewards are fixed: how much each command lowers the squared error, and a penalty for a blank
canvas. Without the penalty our own learner stopped painting within 77,000 frames and had not begun again after 205,000,
since first strokes do more harm than good.

What agents of other libraries need beside that is here, too: an observation that tells where the pen is, and the error
on digits that were not trained on. What they see with is in `examples/eyes.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from numpy.typing import NDArray

import envs  # noqa: F401  (registers the environments)
from actors.scored import Observation, Scored
from cluster.run.contact_sheet import contact_sheet, save_picture
from envs.paint_settings import PaintSettings
from spiral.config import RunConfig
from spiral.data import Split, load
from spiral.picture_error import mean_squared_error
from spiral.presets import preset

MEASURED = 256  # held-out digits
SHOWN = 40  # of these on a sheet
ERROR_WEIGHT = 0.03 * 32**2  # of the mean squared error: the same on canvases of any size

Actions = NDArray[np.integer[Any]]
Network = Literal["small", "published"]


@cache
def digits(split: Split, task: Task) -> NDArray[np.uint8]:
    """All digits of a split as the task shows them, uint8 [N, H, W, 1]; read once in each process."""
    return load(task.config.data.name, split, task.settings.canvas_size, task.settings.color)


@dataclass(frozen=True)
class Task:
    """Copying digits on the canvas and with the layers of a preset, for the rewards that are said above.

    Attributes:
        preset: its name.
        episodes: how many are in a batch; None is as many as the preset has.
    """

    preset: str
    episodes: int | None = None

    @cached_property
    def config(self) -> RunConfig:
        """The settings of our own learner."""
        settings = preset(self.preset)
        size = PaintSettings.from_keywords(settings.environment.settings).canvas_size
        error = {"name": "squared_error", "weight": ERROR_WEIGHT / size**2, "when": "step"}
        changes: dict[str, Any] = {"cloning.share": 0.0, "rewards": [error, {"name": "blank"}]}
        return settings.with_changes(changes | {"policy.batch_size": self.episodes or settings.policy.batch_size})

    @cached_property
    def settings(self) -> PaintSettings:
        """Those of the environment."""
        return PaintSettings.from_keywords(self.config.environment.settings)

    def environment(self, targets: NDArray[np.uint8]) -> gymnasium.Env[Observation, Actions]:
        """The environment: one of the targets uint8 [N, H, W, 1] is to be copied in each episode."""
        painting = gymnasium.make(self.config.environment.id, **self.config.environment.settings)
        return LastAction(Scored(painting, self.config.rewards, targets))

    def copy_held_out(self, act: Callable[[Observation], Actions], count: int = MEASURED) -> Copies:
        """Copies of the first held-out digits by an agent, given as actions [N, heads] for N observations."""
        targets = digits("test", self)[:count]
        each = [partial(self.environment, targets[index : index + 1]) for index in range(len(targets))]
        environments = SyncVectorEnv(each)
        observation: Observation
        observation, _ = environments.reset(seed=0)
        for _ in range(self.settings.episode_length):
            observation, *_ = environments.step(act(observation))
        environments.close()
        return Copies(observation["canvas"], targets)


# An eighth of the published batch, so that processors get through one in seconds.
TASKS: dict[Network, Task] = {"small": Task("mnist-small-conditional"), "published": Task("mnist-conditional", 8)}
SMALL = TASKS["small"]


class LastAction(gymnasium.Wrapper[Observation, Actions, Observation, Actions]):
    """Shows the last action as `action`, zeros after a reset: nothing else says where the pen is.

    Our own agent keeps it in mind by itself; those of other libraries see the observation alone.
    """

    def __init__(self, env: gymnasium.Env[Observation, Actions]) -> None:
        super().__init__(env)
        assert isinstance(env.observation_space, spaces.Dict) and isinstance(env.action_space, spaces.MultiDiscrete)
        nvec = env.action_space.nvec
        action = spaces.Box(np.zeros_like(nvec), nvec - 1, dtype=np.int64)
        self.observation_space = spaces.Dict({**env.observation_space.spaces, "action": action})

    def reset(self, **keywords: Any) -> tuple[Observation, dict[str, Any]]:
        """The observation after a reset, and info."""
        observation, info = self.env.reset(**keywords)
        return {**observation, "action": np.zeros(self.action_space.shape or (), np.int64)}, info

    def step(self, action: Actions) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """What the environment answers."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return {**observation, "action": np.array(action, np.int64)}, float(reward), terminated, truncated, info


@dataclass(frozen=True)
class Copies:
    """Copies of held-out digits, `renders` beside `targets`, both uint8 [N, H, W, 1]."""

    renders: NDArray[np.uint8]
    targets: NDArray[np.uint8]

    @property
    def error_ratio(self) -> float:
        """The squared error of the copies, divided by that of empty canvases."""
        empty = np.full_like(self.targets, 255)
        return mean_squared_error(self.renders, self.targets) / mean_squared_error(empty, self.targets)

    def save(self, path: Path) -> None:
        """Write the first of them to a PNG, each below its original."""
        path.parent.mkdir(parents=True, exist_ok=True)
        save_picture(path, contact_sheet(self.renders[:SHOWN], self.targets[:SHOWN]))


def summary(name: str, frames: int, seconds: float, copies: Copies) -> str:
    """How a training went, in one line."""
    return (
        f"{name}: {frames:,} frames in {seconds:.1f} s, {frames / seconds:,.0f} frames/s; error on "
        f"{len(copies.targets)} held-out digits {copies.error_ratio:.3f} of an empty canvas's"
    )
