"""The agent: a recurrent policy that writes a program, command after command (thesis, section 6.3 and appendix A.2).

It is built from the action heads and the shape of the canvas alone. `act` decides one command for N canvases; `unroll`
judges all commands of a trajectory at once, for learning. With the settings of the preset `reference` the layers are
the published ones. Conditional (the target beside the canvas), unconditional (noise in) and blind (a canvas of zeros)
are settings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from envs.actions import ActionSpec
from spiral.config import AgentConfig
from spiral.decoder import Decoder
from spiral.encoder import Encoder
from spiral.entropy import SubActions
from spiral.layers import LSTM, State, lay_channels_last
from spiral.trajectory import Trajectory


def writable_tensor(array: NDArray[np.generic]) -> Tensor:
    """A tensor of the array: of its memory, or of a copy where that is read-only, as in Ray's object store."""
    return torch.from_numpy(np.require(array, requirements="W"))


def as_pictures(pixels: Tensor) -> Tensor:
    """Float [N, C, H, W] in [0, 1] from uint8 [N, H, W, C]."""
    return pixels.permute(0, 3, 1, 2).float() / 255.0


@dataclass(frozen=True)
class Observation:
    """What the agent sees before one command, for N canvases.

    Attributes:
        canvas: uint8 [N, H, W, C].
        target: uint8 [N, H, W, C], or None when the agent is unconditional.
        action: the previous command, int64 [N, heads].
        action_mask: which of its sub-actions counted, int8 [N, heads].
        noise: float32 [N, noise].
    """

    canvas: Tensor
    target: Tensor | None
    action: Tensor
    action_mask: Tensor
    noise: Tensor


@dataclass(frozen=True)
class Decision:
    """N commands: actions int64 [N, heads], their log_prob [N], the value of the state [N], and the state after."""

    actions: Tensor
    log_prob: Tensor
    value: Tensor
    state: State


@dataclass(frozen=True)
class Judgement:
    """What the agent thinks of given episodes.

    Attributes:
        log_prob: of each command, float32 [T, B].
        value: of the state before it, float32 [T, B].
        commands: what it is made of, head by head, with N = T·B: step by step, all episodes of each.
        state: of the agent after the last command.
    """

    log_prob: Tensor
    value: Tensor
    commands: SubActions
    state: State


class Agent(nn.Module):
    """Encoder, LSTM, value head and decoder.

    Args:
        spec: the action heads.
        canvas_shape: height, width and channels of the canvas.
        config: widths and kinds of the layers.
    """

    mask_table: Tensor

    def __init__(self, spec: ActionSpec, canvas_shape: tuple[int, int, int], config: AgentConfig) -> None:
        super().__init__()
        self.spec = spec
        self.config = config
        self.canvas_shape = canvas_shape
        self.encoder = Encoder(spec, canvas_shape, config)
        self.lstm = LSTM(config.hidden, config.hidden)
        self.value = nn.Linear(config.hidden, 1)
        self.decoder = Decoder(spec, self.encoder.map_shapes, config)
        self.register_buffer("mask_table", torch.from_numpy(spec.mask_table).float(), persistent=False)
        lay_channels_last(self)

    def pictures(self, canvas: Tensor, target: Tensor | None) -> Tensor:
        """The canvas, black to a blind agent, with the target's channels behind it, float [N, C, H, W].

        Raises:
            ValueError: the agent is conditional and there is no target, or the other way round.
        """
        if self.config.conditional != (target is not None):
            given, wanted = ("no target", "one") if target is None else ("a target", "none")
            raise ValueError(f"{given} was given to an agent that takes {wanted} (agent.conditional)")
        seen = torch.zeros_like(canvas) if self.config.blind else canvas
        return as_pictures(seen if target is None else torch.cat((seen, target), dim=-1))

    def counted(self, actions: Tensor) -> Tensor:
        """1 where a sub-action counts for the kind of its action, otherwise 0, float [N, heads]."""
        return self.mask_table[actions[:, self.spec.index(self.spec.kind)]]

    def act(
        self, seen: Observation, state: State, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> Decision:
        """One command for each of N canvases."""
        z, maps, state = self.look(seen, state)
        actions, log_probs, _ = self.decoder(z, maps, None, generator=generator, temperature=temperature)
        log_prob = (log_probs * self.counted(actions)).sum(dim=-1)
        return Decision(actions, log_prob, self.value(z).float().squeeze(-1), state)

    def look(self, seen: Observation, state: State) -> tuple[Tensor, list[Tensor], State]:
        """What the agent makes of N canvases: a vector [N, hidden], the feature maps, and its state after."""
        pictures = self.pictures(seen.canvas, seen.target)
        embedding, maps = self.encoder(pictures, seen.action, seen.action_mask.float(), seen.noise)
        z, state = self.lstm(embedding[None], state)
        return z[0], maps, state

    @torch.no_grad()
    def outlook(self, episodes: TensorEpisodes, state: State) -> Tensor:
        """V(x_T), what the agent expects after the last command, which left it in this state, [B]; 0 at an end."""
        if episodes.ended.all():
            return torch.zeros(len(episodes.ended), device=episodes.ended.device)
        z, _, _ = self.look(episodes.last, state)
        value: Tensor = self.value(z).float().squeeze(-1)
        return value.masked_fill(episodes.ended, 0.0)

    def unroll(self, episodes: TensorEpisodes) -> Judgement:
        """What the agent thinks of every action of the episodes that is here."""
        length, batch = episodes.actions.shape[:2]
        target = None if episodes.targets is None else episodes.targets.repeat(length, 1, 1, 1)
        previous = torch.cat((episodes.previous[None], episodes.actions[:-1]))
        embedding, maps = self.encoder(
            self.pictures(episodes.canvases[:-1].flatten(0, 1), target),
            previous.flatten(0, 1),
            episodes.action_masks[:-1].flatten(0, 1).float(),
            episodes.noise.repeat(length, 1),
        )
        z, state = self.lstm(embedding.view(length, batch, -1), episodes.state)
        z = z.flatten(0, 1)
        actions = episodes.actions.flatten(0, 1)
        counted = self.counted(actions)
        _, log_probs, entropies = self.decoder(z, maps, actions, counted)
        return Judgement(
            (log_probs * counted).sum(dim=-1).view(length, batch),
            self.value(z).float().view(length, batch),
            SubActions(actions, log_probs, entropies, counted),
            state,
        )


@dataclass(frozen=True)
class TensorEpisodes:
    """The part of a trajectory that the agent reads, as tensors on its device; shapes as in `Trajectory`."""

    canvases: Tensor
    actions: Tensor
    action_masks: Tensor
    noise: Tensor
    targets: Tensor | None
    previous: Tensor
    state: State
    ended: Tensor

    @property
    def last(self) -> Observation:
        """What is seen after the last command."""
        return Observation(self.canvases[-1], self.targets, self.actions[-1], self.action_masks[-1], self.noise)

    @classmethod
    def of(cls, trajectory: Trajectory, device: torch.device) -> TensorEpisodes:
        """The tensors of `trajectory`; those on the CPU share its memory where it may be written to."""

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return writable_tensor(array).to(device)

        views = trajectory.targets if trajectory.views is None else trajectory.views
        return cls(
            tensor(trajectory.canvases),
            tensor(trajectory.actions),
            tensor(trajectory.action_masks),
            tensor(trajectory.noise),
            None if views is None else tensor(views),
            tensor(trajectory.previous),
            (tensor(trajectory.state[0]), tensor(trajectory.state[1])),
            tensor(trajectory.ended),
        )


def count_parameters(module: nn.Module) -> int:
    """How many numbers the optimiser may change."""
    return sum(p.numel() for p in module.parameters())
