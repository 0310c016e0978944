"""A reward scores renders: the one kind of thing that an agent is trained on. Some rewards learn what they score.

A reward's `score` has no gradient and no side effect. A learned reward, of which the discriminators are two, has
several copies: one is trained by `update` in the reward learner (`learners/reward_learner.py`); its `weights` travel to
the copies that only score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from envs.actions import ActionSpec
from spiral.agent import as_pictures, writable_tensor
from spiral.config import PrecisionSetting
from spiral.contracts import Arrays, WeightsError
from spiral.descent import descend
from spiral.precision import Precision
from spiral.program_space import ProgramSpace
from spiral.section import Section
from spiral.state import load_network, load_optimizer, network_arrays, optimizer_arrays, under_prefix, with_prefix


@dataclass(frozen=True)
class Setting:
    """What a reward is made for.

    Attributes:
        canvas_shape: height, width and channels of a render.
        conditional: whether each render answers a target.
        device: where networks are.
        precision: what they compute with, as the run's settings have it.
        seed: decides fresh weights and whatever is drawn.
        spec: the heads of the environment's actions, or None where nobody said.
    """

    canvas_shape: tuple[int, int, int]
    conditional: bool
    device: torch.device
    precision: PrecisionSetting
    seed: int
    spec: ActionSpec | None = None


@dataclass(frozen=True)
class Context:
    """What a reward may know beside the pictures themselves.

    Attributes:
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
        counts: what the environment has counted so far, by name, each int64 [B].
        actions: the whole programs that the renders are of, int64 [B, T, heads], or None where nobody recorded them, or
            an unroll has only a part of them.
        steps: after how many commands of its program each render was taken, int64 [B], or None.
    """

    targets: NDArray[np.uint8] | None
    counts: Mapping[str, NDArray[np.int64]]
    actions: NDArray[np.int64] | None = None
    steps: NDArray[np.int64] | None = None


class Reward(ABC):
    """Says how good each render is.

    Attributes:
        Options: the reward's own settings, which `rewards: [{options: …}]` gives.
        learns: whether it is a `LearnedReward`.
        fit: whether it takes what `spiral fit` has made of its method, which `rewards: [{from: …}]` names.
        reads_programs: whether it needs `Context.actions`, and in its lessons `Lesson.actions`: then the replay keeps
            the programs, and unrolls have to be whole episodes.
    """

    Options: ClassVar[type[Section]] = Section
    learns: ClassVar[bool] = False
    fit: ClassVar[Literal["none", "optional", "required"]] = "none"
    reads_programs: ClassVar[bool] = False

    def __init__(self, setting: Setting | None = None, options: Any = None) -> None:
        del setting  # what is fixed scores pictures of any shape
        self.options = self.Options() if options is None else options

    @abstractmethod
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B], of renders uint8 [B, H, W, C]; higher is better."""

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what a fit of its method gave, or for a learned reward what `weights` gave.

        Raises:
            WeightsError: they are of something else.
        """
        raise WeightsError(f"{type(self).__name__} has no weights")


class FittedReward(Reward):
    """A reward whose network is what `spiral fit` has made of its method, and stays as it is.

    Attributes:
        method: whose fit it takes.
        network: to be made by `__init__`.
    """

    fit = "required"
    method: ClassVar[str]
    network: nn.Module

    def __init__(self, setting: Setting, options: Any) -> None:
        super().__init__(setting, options)
        self.setting = setting

    def weights(self) -> Arrays:
        """All that a fit gave."""
        return network_arrays(self.network)

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what a fit gave.

        Raises:
            WeightsError: they are of another network, or not finite.
        """
        need_finite(self.method, arrays)
        load_network(self.network, arrays)


@dataclass(frozen=True)
class Lesson:
    """What a learned reward takes one training step on.

    Attributes:
        real: pictures as they should be, uint8 [B, H, W, C]; for a conditional agent the targets themselves (thesis
            6.3.3).
        renders: from the replay, uint8 [B, H, W, C].
        targets: what the renders answer, uint8 [B, H, W, C], or None.
        actions: the whole programs of the renders, int64 [B, T, heads], or None where no reward of the run reads them.
    """

    real: NDArray[np.uint8]
    renders: NDArray[np.uint8]
    targets: NDArray[np.uint8] | None
    actions: NDArray[np.int64] | None = None


class LearnedReward(Reward):
    """A reward that trains while the agent does.

    One with a single network and optimiser gets its weights and its state from here; others say themselves what theirs
    are.

    Attributes:
        network, optimizer: to be made by `__init__`.
        generator: of all that is drawn while it learns, on the CPU.
        batch_size: how many pictures of each kind a lesson holds.
        precision: what the network computes with, or None where nobody chose.
        version: of the weights: how many steps they were trained for.
    """

    learns = True
    network: nn.Module
    optimizer: torch.optim.Optimizer
    batch_size: int = 64
    precision: Precision | None = None

    def __init__(self, setting: Setting, options: Any = None) -> None:
        super().__init__(setting, options)
        self.setting = setting
        self.generator = torch.Generator().manual_seed(setting.seed)
        self.version = 0

    @abstractmethod
    def update(self, lesson: Lesson) -> dict[str, float]:
        """One training step, which raises the version by one; its measurements by name.

        Raises:
            DivergedError: a number is not finite any more.
        """

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser down the gradient of `loss`, with which an `update` ends.

        Raises:
            DivergedError: a number is not finite any more.
        """
        who = f"{type(self).__name__} at step {self.version}"
        descend(loss, self.network, self.optimizer, torch.inf, who)
        self.version += 1

    def weights(self) -> Arrays:
        """What `score` needs, as it travels to whoever scores."""
        return network_arrays(self.network)

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what `weights` gave.

        Raises:
            WeightsError: they are of something else.
        """
        load_network(self.network, arrays)

    def state(self) -> Arrays:
        """Everything that a checkpoint needs to go on bit for bit."""
        return (
            with_prefix("network", network_arrays(self.network))
            | with_prefix("optimizer", optimizer_arrays(self.optimizer))
            | {"generator": self.generator.get_state().numpy().copy(), "version": np.array(self.version)}
        )

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave; the version never falls."""
        load_network(self.network, under_prefix("network", arrays))
        load_optimizer(self.optimizer, under_prefix("optimizer", arrays))
        self.generator.set_state(torch.from_numpy(arrays["generator"].astype(np.uint8)))
        self.version = max(self.version, int(arrays["version"]))


def need_targets(name: str, context: Context, renders: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """The targets of `context`.

    Raises:
        ValueError: when there are none, or they have another shape than the `renders`, if these are given.
    """
    if context.targets is None:
        raise ValueError(f"the reward {name!r} compares with a target; set agent.conditional=true or leave it out")
    if renders is not None:
        need_shape(name, renders, context.targets.shape)
    return context.targets


def need_copies(name: str, setting: Setting, context: Context, renders: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The targets of `context`, of which these renders are copies: one or more, in the shape of the canvas.

    Raises:
        ValueError: there are none of one or the other, or of another shape or type.
    """
    need_shape(name, renders, (len(renders), *setting.canvas_shape))
    need_pictures(name, renders)
    return need_targets(name, context, renders)


def need_programs(name: str, actions: NDArray[np.int64] | None, count: int, spec: ActionSpec) -> NDArray[np.int64]:
    """The programs of so many renders, [B, T, heads].

    Raises:
        ValueError: there are none, or not one for each, or they have actions that are not in `spec`.
    """
    if actions is None:
        raise ValueError(
            f"the reward {name!r} judges a render beside its whole program, and nobody recorded that: set "
            "policy.unroll_length=null, or leave it out"
        )
    try:
        ProgramSpace(spec, actions.shape[1] if actions.ndim == 3 else 0).check(actions, count)
    except ValueError as error:
        raise ValueError(f"the reward {name!r} was given programs that there are not: {error}") from None
    return actions


def need_shape(name: str, renders: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    """Refuses renders of another shape, which would else be compared as far as they can be.

    Raises:
        ValueError: naming both.
    """
    if renders.shape != shape:
        raise ValueError(f"the reward {name!r} scores pictures of shape {shape} here, but was given {renders.shape}")


def need_pictures(name: str, renders: NDArray[np.uint8]) -> None:
    """Refuses no picture at all, and pixels that are not bytes.

    Raises:
        ValueError: naming what was given.
    """
    if not len(renders) or renders.dtype != np.uint8:
        raise ValueError(
            f"the reward {name!r} scores one picture or more of uint8, but was given {renders.dtype} {renders.shape}"
        )


def need_finite(name: str, arrays: Arrays) -> None:
    """Refuses what a fit gave where it is broken.

    Raises:
        WeightsError: a number is not finite.
    """
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise WeightsError(f"the weights of the {name} are not finite: fit it anew")


def shrunken(renders: NDArray[np.uint8], side: int, device: torch.device) -> Tensor:
    """Pictures uint8 [B, H, W, C] at side×side by their means over areas, in [0, 1], [B, C · side · side]."""
    pictures = as_pictures(writable_tensor(renders).to(device))
    return functional.adaptive_avg_pool2d(pictures, side).flatten(1)


def need_count(name: str, count: str, context: Context) -> NDArray[np.int64]:
    """The count of that name in `context`, [B].

    Raises:
        ValueError: when the environment does not count it.
    """
    if count not in context.counts:
        counted = ", ".join(sorted(context.counts)) or "nothing"
        raise ValueError(f"the reward {name!r} needs {count}, but this environment counts {counted}: leave it out")
    return context.counts[count]
