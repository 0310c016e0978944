"""The task of the examples: a digit is shown, and eight commands are there to copy it.

Canvas, brush and length of the episode are those of the preset `mnist-small-conditional`, whose agents begin with
cloning and have a discriminator. Here an agent begins with nothing, and the rewards are fixed: how much each command
lowers the squared error, and a penalty for a blank canvas. Without the penalty our own learner stopped painting within
77,000 frames and had not begun again after 205,000, since first strokes do more harm than good.

What agents of other libraries need beside that is here, too: an observation that tells where the pen is, eyes to see
with, and the error on digits that were not trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

import envs  # noqa: F401  (registers the environments)
from actors.scored import Observation, Scored
from cluster.run.contact_sheet import contact_sheet, save_picture
from envs.paint_settings import PaintSettings
from spiral.config import AgentConfig
from spiral.data import Split, load
from spiral.encoder import Encoder
from spiral.picture_error import mean_squared_error
from spiral.presets import preset

CONFIG = preset("mnist-small-conditional").with_changes(
    {"cloning.share": 0.0, "rewards": [{"name": "squared_error", "weight": 0.03, "when": "step"}, {"name": "blank"}]}
)
SETTINGS = PaintSettings.from_keywords(CONFIG.environment.settings)
MEASURED = 256  # held-out digits
SHOWN = 40  # of these on a sheet

Actions = NDArray[np.integer[Any]]


@cache
def digits(split: Split) -> NDArray[np.uint8]:
    """All digits of a split, uint8 [N, 32, 32, 1]; read once in each process."""
    return load(CONFIG.data.name, split, SETTINGS.canvas_size, SETTINGS.color)


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


def copying(targets: NDArray[np.uint8]) -> gymnasium.Env[Observation, Actions]:
    """The environment: one of the targets uint8 [N, 32, 32, 1] is to be copied in each episode."""
    painting = gymnasium.make(CONFIG.environment.id, **CONFIG.environment.settings)
    return LastAction(Scored(painting, CONFIG.rewards, targets))


class Eyes(nn.Module):
    """The first layers of an agent: our encoder, so that agents of other libraries see as well as ours does."""

    features = CONFIG.agent.hidden + 1

    def __init__(self, config: AgentConfig = CONFIG.agent) -> None:
        super().__init__()
        size = SETTINGS.canvas_size
        self.encoder = Encoder(SETTINGS.action_spec, (size, size, SETTINGS.channels), config)

    def forward(self, pictures: Tensor, action: Tensor, action_mask: Tensor, step: Tensor) -> Tensor:
        """Features [N, `features`] from canvas and target, float [N, 2, 32, 32] in [0, 1], and what else is seen."""
        seen, _ = self.encoder(pictures, action.long(), action_mask.float(), pictures.new_zeros(len(pictures), 0))
        over = step.float().view(-1, 1) / SETTINGS.episode_length
        return torch.cat((F.relu(seen), over), dim=1)


@dataclass(frozen=True)
class Copies:
    """Copies of held-out digits, `renders` beside `targets`, both uint8 [N, 32, 32, 1]."""

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


def copy_held_out(act: Callable[[Observation], Actions], count: int = MEASURED) -> Copies:
    """Copies of the first held-out digits by an agent, given as actions [N, heads] for N observations."""
    targets = digits("test")[:count]
    environments = SyncVectorEnv([partial(copying, targets[index : index + 1]) for index in range(len(targets))])
    observation: Observation
    observation, _ = environments.reset(seed=0)
    for _ in range(SETTINGS.episode_length):
        observation, *_ = environments.step(act(observation))
    environments.close()
    return Copies(observation["canvas"], targets)


def summary(name: str, frames: int, seconds: float, copies: Copies) -> str:
    """How a training went, in one line."""
    return (
        f"{name}: {frames:,} frames in {seconds:.1f} s, {frames / seconds:,.0f} frames/s; error on "
        f"{len(copies.targets)} held-out digits {copies.error_ratio:.3f} of an empty canvas's"
    )
