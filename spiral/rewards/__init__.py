"""Rewards by name, ours or a user's own, and their weighted sum over a trajectory.

A term counts at the end of the episode, r_{T−1} = w·s(x_T) as in the thesis, after k commands, r_{k−1} = w·s(x_k), or
at every step as the difference that the step made, r_t = w·(s(x_{t+1}) − s(x_t)) as in SPIRAL++ (Mellor et al., 2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.actions import ActionSpec
from spiral.config import RewardTerm, RunConfig
from spiral.contracts import WeightStore
from spiral.devices import resolve_device
from spiral.methods import METHODS
from spiral.methods.judgement import SHIPPED, Judgement, read_judgement, shipped_judgement
from spiral.named import load_named
from spiral.newest import load_newest
from spiral.rewards.base import Context, LearnedReward, Reward, Setting
from spiral.rewards.colors import ColorHistogram
from spiral.rewards.discriminator import DiscriminatorReward
from spiral.rewards.joint_discriminator import JointDiscriminatorReward
from spiral.rewards.pixels import L2, BlankPenalty, SquaredError
from spiral.rewards.strokes import StrokeLengthPenalty, StrokeStartPenalty
from spiral.section import ConfigError, parse_section
from spiral.trajectory import Trajectory

REWARDS: dict[str, type[Reward]] = {
    "discriminator": DiscriminatorReward,
    "joint_discriminator": JointDiscriminatorReward,
    "l2": L2,
    "squared_error": SquaredError,
    "color_histogram": ColorHistogram,
    "blank": BlankPenalty,
    "stroke_start": StrokeStartPenalty,
    "stroke_length": StrokeLengthPenalty,
}


def reward_class(name: str) -> type[Reward]:
    """The class of the reward that settings call `name`: one of ours, a method's, or a user's.

    Raises:
        ConfigError: there is none of that name.
    """
    if name in METHODS:
        return METHODS[name].reward
    return load_named(name, REWARDS, Reward, "reward")  # type: ignore[type-abstract]  # python/mypy#4717


def setting_of(
    config: RunConfig, canvas_shape: tuple[int, int, int], seed: int = 0, spec: ActionSpec | None = None
) -> Setting:
    """What the rewards of a run are made for; those that learn are made with a `seed` of their own."""
    device = resolve_device(config.device)
    return Setting(canvas_shape, config.agent.conditional, device, config.precision, config.seed + seed, spec)


def need_whole_programs(config: RunConfig, episode_length: int) -> None:
    """Refuses unrolls that are a part of an episode where a reward reads the whole program.

    Raises:
        ConfigError: naming both.
    """
    if config.policy.unrolled(episode_length) == episode_length:
        return
    for key, term in keyed(config.rewards):
        if reward_class(term.name).reads_programs:
            raise ConfigError(
                f"policy.unroll_length={config.policy.unroll_length} is a part of an episode of {episode_length} "
                f"commands, but the reward {key!r} reads the whole program: set policy.unroll_length=null, or leave "
                "the reward out"
            )


def build_reward(term: RewardTerm, setting: Setting) -> Reward:
    """The reward of one term.

    Raises:
        ConfigError: there is none of that name, an option is wrong, or its fit is missing or of something else.
    """
    made = reward_class(term.name)
    judgement = _fitted(term, made)
    found = {} if judgement is None else judgement.options
    options = parse_section(made.Options, found | term.options, ("rewards", term.name, "options"))
    with torch.random.fork_rng():  # fresh weights are decided by the seed, and what others draw is not
        torch.manual_seed(setting.seed)
        reward = made(setting, options)
    if judgement is not None:
        reward.load_weights(judgement.weights)
    return reward


def _fitted(term: RewardTerm, made: type[Reward]) -> Judgement | None:
    """What the term's method has learned: in the folder that it names, or, where it needs a fit, with the package."""
    if term.fitted_in is None:
        return shipped_judgement(term.name) if made.fit == "required" else None
    if made.fit == "none":
        raise ConfigError(
            f"rewards.{term.name}.from={term.fitted_in!r}, but the reward {term.name!r} needs no fit: leave `from` out"
        )
    if term.fitted_in == SHIPPED:
        return shipped_judgement(term.name)
    return read_judgement(Path(term.fitted_in), term.name)


def learned_terms(terms: Sequence[RewardTerm]) -> dict[str, RewardTerm]:
    """Those of the terms whose rewards learn, by the names under which their weights travel: the second `x` is `x-2`.

    Raises:
        ConfigError: a reward does not exist.
    """
    return {key: term for key, term in keyed(terms) if reward_class(term.name).learns}


def keyed(terms: Sequence[RewardTerm]) -> Iterator[tuple[str, RewardTerm]]:
    """Every term with a name that no other has."""
    for place, term in enumerate(terms):
        before = sum(other.name == term.name for other in terms[:place])
        yield f"{term.name}-{before + 1}" if before else term.name, term


@dataclass(frozen=True)
class Scored:
    """A term of the sum.

    Attributes:
        key: a name that no other term has.
        term: its settings.
        reward: scores renders.
    """

    key: str
    term: RewardTerm
    reward: Reward


class RewardSum:
    """The weighted sum of the terms that the settings name."""

    def __init__(self, terms: Sequence[RewardTerm], setting: Setting) -> None:
        if not terms:
            raise ConfigError(f"rewards is empty; name at least one of {', '.join(sorted(REWARDS))}")
        self.terms = [Scored(key, term, build_reward(term, setting)) for key, term in keyed(terms)]
        for scored in self.terms:
            if isinstance(scored.reward, LearnedReward):
                scored.reward.version = -1  # its weights are fresh, and those of the reward learner are not: `follow`

    def check(self, canvas: NDArray[np.uint8], context: Context, episode_length: int) -> None:
        """Refuses an environment that a term cannot score, by the canvas [B, H, W, C] after a reset.

        Raises:
            ValueError: a term needs what `context` does not have.
            ConfigError: it counts after more commands than an episode has, or cannot do without the whole program.
        """
        for scored in self.terms:
            if isinstance(scored.term.when, int) and scored.term.when > episode_length:
                raise ConfigError(
                    f"rewards.{scored.key}.when={scored.term.when}, but an episode has {episode_length} commands: give "
                    "a smaller number, end or step"
                )
            try:
                scored.reward.score(canvas, context)
            except (AttributeError, TypeError) as error:
                if context.actions is not None:
                    raise
                raise ConfigError(
                    f"the reward {scored.key!r} does not score a part of a program ({error}): leave out "
                    "policy.unroll_length, or the reward"
                ) from error

    def follow(self, store: WeightStore) -> None:
        """Score with the newest weights in `store` from now on; what does not fit is left alone."""
        for scored in self.terms:
            if isinstance(scored.reward, LearnedReward):
                reward = scored.reward
                reward.version = load_newest(reward.load_weights, reward.version, store, scored.key)

    def of(self, trajectory: Trajectory) -> tuple[Tensor, dict[str, float]]:
        """Rewards [T, B] of a trajectory, and the mean score of each term on the final renders, if there are any."""
        rewards = torch.zeros(trajectory.length, trajectory.batch_size)
        means = {}
        for scored in self.terms:
            term = scored.term
            if term.when == "step":
                scores = score_steps(scored.reward, trajectory)
                rewards += term.weight * scores.diff(dim=0)
                final = scores[-1, torch.from_numpy(trajectory.ended)]
            else:
                end = trajectory.episode_length
                at = term.when if isinstance(term.when, int) else end
                final = score_after(scored.reward, trajectory, end)
                paid = final if at == end else score_after(scored.reward, trajectory, at)
                steps, episodes = (torch.from_numpy(index) for index in trajectory.reached(at))
                rewards[steps - 1, episodes] += term.weight * paid
            if len(final):
                means[f"score/{scored.key}"] = float(final.mean())
        return rewards, means


def score_after(reward: Reward, trajectory: Trajectory, step: int) -> Tensor:
    """Scores of the canvases after so many commands of an episode, of each that gets there in the trajectory, [N]."""
    steps, episodes = trajectory.reached(step)
    if not len(episodes):
        return torch.zeros(0)
    targets = None if trajectory.targets is None else trajectory.targets[episodes]
    counts = {name: count[steps, episodes] for name, count in trajectory.counts.items()}
    programs = None if trajectory.programs is None else trajectory.programs[episodes]
    context = Context(targets, counts, programs, np.full(len(episodes), step))
    return reward.score(trajectory.canvases[steps, episodes], context)


def score_steps(reward: Reward, trajectory: Trajectory) -> Tensor:
    """Scores of every canvas, [T+1, B]."""
    times, programs = trajectory.length + 1, trajectory.programs
    if programs is not None:
        programs = np.broadcast_to(programs, (times, *programs.shape)).reshape(-1, *programs.shape[1:])
    targets = None if trajectory.targets is None else np.tile(trajectory.targets, (times, 1, 1, 1))
    counts = {name: count.reshape(-1) for name, count in trajectory.counts.items()}
    steps = trajectory.first + np.arange(times)[:, None]
    context = Context(targets, counts, programs, steps.reshape(-1))
    return reward.score(trajectory.canvases.reshape(-1, *trajectory.canvases.shape[2:]), context).view(times, -1)
