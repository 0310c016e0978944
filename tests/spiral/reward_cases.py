"""Every reward, as the conformance suites try it: by name, with options, copying or inventing; and two of a user."""

from __future__ import annotations

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spiral.config import RewardTerm
from spiral.contracts import Arrays, WeightsError
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.methods import METHODS
from spiral.rewards import REWARDS, build_reward, reward_class, setting_of
from spiral.rewards.base import Context, LearnedReward, Lesson, Reward, Setting
from spiral.section import Section
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config
from tests.untrained_fits import FITS

COLOR = (16, 16, 3)


class Lightness(LearnedReward):
    """A user's: learns whether light or dark pictures are real, by one weight on the mean of the pixels."""

    class Options(Section):
        """Its own settings."""

        learning_rate: float = 0.1

    batch_size = 4

    def __init__(self, setting: Setting, options: Options) -> None:
        super().__init__(setting, options)
        self.network = nn.Linear(1, 1).to(setting.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), options.learning_rate)

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        scores: Tensor = self.network(self._mean(renders))[:, 0].cpu()
        return scores

    def update(self, lesson: Lesson) -> dict[str, float]:
        gap = (self.network(self._mean(lesson.real)) - self.network(self._mean(lesson.renders))).mean()
        loss = -gap + sum(weight.square().sum() for weight in self.network.parameters())
        self.descend(loss)
        return {"gap": float(gap.detach())}

    def _mean(self, pictures: NDArray[np.uint8]) -> Tensor:
        means = pictures.reshape(len(pictures), -1).mean(axis=1, dtype=np.float32, keepdims=True) / 255
        return torch.from_numpy(means).to(self.setting.device)


class Average(LearnedReward):
    """A user's without any network: minus the distance from the average of the real pictures so far."""

    def __init__(self, setting: Setting, options: Any) -> None:
        super().__init__(setting, options)
        self.mean = np.full(setting.canvas_shape, 0.5)

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        distance = np.abs(renders / 255 - self.mean).mean(axis=(1, 2, 3))
        return -torch.from_numpy(distance.astype(np.float32))

    def update(self, lesson: Lesson) -> dict[str, float]:
        self.mean = 0.8 * self.mean + 0.2 * lesson.real.mean(axis=0) / 255
        self.version += 1
        return {"level": float(self.mean.mean())}

    def weights(self) -> Arrays:
        return {"mean": self.mean.copy()}

    def load_weights(self, arrays: Arrays) -> None:
        if {name: array.shape for name, array in arrays.items()} != {"mean": self.mean.shape}:
            raise WeightsError("no average of such pictures")
        self.mean = arrays["mean"].astype(np.float64)

    def state(self) -> Arrays:
        return self.weights() | {"version": np.array(self.version)}

    def load_state(self, arrays: Arrays) -> None:
        self.load_weights({"mean": arrays["mean"]})
        self.version = max(self.version, int(arrays["version"]))


class OneLayer(nn.Module):
    """A user's network for the discriminator, with an option of its own."""

    class Options(Section):
        """Its own settings."""

        gain: float = 1.0

    def __init__(self, canvas_shape: tuple[int, int, int], conditional: bool, spectral: bool, options: Options) -> None:
        super().__init__()
        self.gain = options.gain
        self.layer = nn.Linear(int(np.prod(canvas_shape)) * (1 + conditional), 1)

    def forward(self, pictures: Tensor, targets: Tensor | None = None) -> Tensor:
        seen = pictures if targets is None else torch.cat((pictures, targets), dim=1)
        scores: Tensor = self.layer(seen.flatten(1) - 0.5)[:, 0]
        return self.gain * scores


USERS = [f"{__name__}:Lightness", f"{__name__}:Average"]
NAMES = [*REWARDS, *METHODS, *USERS]
# The options that a reward is tried with, where its own would take long to learn, or where there are several kinds.
SMALL = {"width": 4, "batch_size": 8, "learning_rate": 2e-3}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "discriminator": [
        *({**SMALL, "loss": loss} for loss in ADVERSARIAL_LOSSES),
        {**SMALL, "loss": "logistic", "hidden": 5, "softplus_shift": 1.0},
        {**SMALL, "loss": "logistic", "reink": True},
        *({**SMALL, "loss": loss, "complement": True} for loss in ("wgan-gp", "logistic")),
        {"network": f"{__name__}:OneLayer", "gain": 2.0, "learning_rate": 2e-3, "batch_size": 8},
    ],
    "joint_discriminator": [
        SMALL,
        {**SMALL, "loss": "hinge"},
        {**SMALL, "loss": "logistic", "hidden": 5, "softplus_shift": 1.0},
    ],
    "l2": [{}, {"blur": 1.5}],
    "squared_error": [{}, {"blur": 1.5}],
    "dual_distance": [{"batch_size": 8, "side": 8}],
    "puppet_gan": [{}, {"value": 0.2}],
    "vlae": [{"batch_size": 8}, {"weights": [0.0, 0.5, 2.0]}],
    "self_defence": [{**SMALL, "side": 16}],
}
WITHOUT_TARGETS = ("lrmf",)  # a copy has no density
ONLY_WITH_TARGETS = ("self_defence", "joint_discriminator")  # what is told apart is a copy and its target


@cache
def fitted_in(name: str) -> str:
    """The folder of a fit."""
    folder = Path(mkdtemp(prefix="spiral-fit-"))
    atexit.register(shutil.rmtree, folder)
    FITS[name]().save(folder)
    return str(folder)


def cases(learned: bool | None = None) -> list[Any]:
    """Every reward with its variants, for agents without targets and with them; all, or those that learn or do not."""
    found = []
    for name in NAMES:
        if learned not in (None, reward_class(name).learns):
            continue
        for options in VARIANTS.get(name, [{}]):
            for conditional in (False, True):
                barred = WITHOUT_TARGETS if conditional else ONLY_WITH_TARGETS
                kept_out = options.get("reink") if conditional else options.get("complement")
                if not kept_out and name not in barred:
                    kind = "-".join(f"{key}={value}" for key, value in options.items() if key not in SMALL)
                    called = f"{name.split('.')[-1]}-{kind}-{'conditional' if conditional else 'unconditional'}"
                    found.append(pytest.param(name, options, conditional, id=called))
    return found


EVERY = pytest.mark.parametrize(("name", "options", "conditional"), cases())
LEARNED = pytest.mark.parametrize(("name", "options", "conditional"), cases(learned=True))


def setting(conditional: bool, shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> Setting:
    return setting_of(tiny_config(CONDITIONAL if conditional else {}), shape, seed, SPEC)


def make(name: str, options: dict[str, Any], conditional: bool, seed: int = 0, shape: Any = SHAPE) -> Reward:
    return build_reward(term_of(name, options), setting(conditional, shape, seed))


def term_of(name: str, options: dict[str, Any], **others: Any) -> RewardTerm:
    source = {"from": fitted_in(name)} if reward_class(name).fit == "required" else {}
    return RewardTerm.model_validate({"name": name, "options": options, **source, **others})


def learner(name: str, options: dict[str, Any], conditional: bool, seed: int = 0) -> LearnedReward:
    reward = make(name, options, conditional, seed)
    assert isinstance(reward, LearnedReward)
    return reward


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy, such as Ray's object store gives: writing to it raises, and PyTorch warns of sharing it."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def pictures(seed: int, count: int = 5, low: int = 0, high: int = 256, shape: Any = SHAPE) -> NDArray[np.uint8]:
    return frozen(np.random.default_rng(seed).integers(low, high, (count, *shape), np.uint8))


def some_context(count: int = 5, shape: tuple[int, int, int] = SHAPE) -> Context:
    rng = np.random.default_rng(0)
    strokes = rng.integers(0, 9, count)
    names = ("strokes", "disjoint_strokes", "stroke_length", "objects")
    counts = {name: frozen(strokes * (1 + place)) for place, name in enumerate(names)}
    actions = frozen(rng.integers(0, 2, (count, 4, 5)))
    return Context(pictures(8, count, shape=shape), counts, actions, frozen(rng.integers(0, 5, count)))


def part(context: Context, at: int) -> Context:
    """What is known of one render."""
    one = slice(at, at + 1)
    assert context.targets is not None and context.actions is not None and context.steps is not None
    counts = {name: count[one] for name, count in context.counts.items()}
    return Context(context.targets[one], counts, context.actions[one], context.steps[one])


def lesson(conditional: bool, seed: int = 0, count: int = 8) -> Lesson:
    """Dark is real, and light are the renders, whose targets, if there are any, are dark as well."""
    real = pictures(seed, count, high=56)
    programs = frozen(np.random.default_rng(seed).integers(0, 2, (count, 4, 5)))
    return Lesson(real, pictures(seed + 100, count, low=200), real if conditional else None, programs)


def assert_same(first: Arrays, second: Arrays) -> None:
    assert sorted(first) == sorted(second)
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)
