"""Episodes between two unrolls: what agent and environments need to go on with them.

A checkpoint has their commands, and not the canvases, which only the environments know how to keep: whoever takes it up
does the commands again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from spiral.contracts import Arrays
from spiral.layers import State

Said = tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]  # an observation and info, by environments
GIVEN = ("targets", "views", "starts", "programs")  # what there may be beside the noise


@dataclass
class Ongoing:
    """A batch of episodes on its way.

    Attributes:
        said: what the environments said last.
        state: of the agent, 2 × [B, hidden].
        noise, targets, views: as in the trajectories to come.
        starts: the canvases that they began on, uint8 [B, H, W, C]; None is empty ones.
        programs: that are painted, int64 [B, T, heads]; None where the agent decides.
        commands: done so far, each int64 [B, heads].
    """

    said: Said
    state: State
    noise: NDArray[np.float32]
    targets: NDArray[np.uint8] | None = None
    views: NDArray[np.uint8] | None = None
    starts: NDArray[np.uint8] | None = None
    programs: NDArray[np.int64] | None = None
    commands: list[NDArray[np.int64]] = field(default_factory=list)

    @property
    def time(self) -> int:
        """How many commands are done."""
        return len(self.commands)

    @property
    def previous(self) -> NDArray[np.int64]:
        """The last command, int64 [B, heads]; zero where there was none."""
        return self.commands[-1] if self.commands else np.zeros_like(self.said[0]["action_mask"], np.int64)

    def add(self, actions: NDArray[np.int64], answer: tuple[Any, ...]) -> None:
        """Take a command and what the environments answered."""
        observation, _, _, _, info = answer
        self.commands.append(actions)
        self.said = observation, info

    def arrays(self) -> Arrays:
        """All of it for a checkpoint."""
        given = {name: getattr(self, name) for name in GIVEN if getattr(self, name) is not None}
        return given | {"noise": self.noise, "commands": np.stack(self.commands), "state": state_array(self.state)}

    @classmethod
    def restored(cls, arrays: Arrays, environments: VectorEnv[Any, Any, Any], device: torch.device) -> Ongoing:
        """The episodes that gave `arrays`, in these environments, where their commands are done again."""
        hidden, cell = torch.from_numpy(np.array(arrays["state"])).to(device)
        given: dict[str, Any] = {name: arrays.get(name) for name in ("noise", *GIVEN)}
        episodes = cls(reset(environments, given["starts"]), (hidden, cell), **given)
        actions: Any
        for actions in arrays["commands"]:
            episodes.add(actions, environments.step(actions))
        return episodes


def reset(environments: VectorEnv[Any, Any, Any], starts: NDArray[Any] | None) -> Said:
    """What the environments say after a reset to the canvases `starts`, or to empty ones."""
    return environments.reset(options=None if starts is None else {"canvas": starts})


def state_array(state: State) -> NDArray[np.float32]:
    """The agent's state as one array, float32 [2, B, hidden]."""
    return torch.stack(state).cpu().numpy()
