"""A wrapped environment pays what the rewards say, and is a Gymnasium environment still."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray
from torch import Tensor

import envs
from actors.rollout import Rollout
from actors.scored import Scored
from spiral.config import RewardTerm, RunConfig
from spiral.rewards import RewardSum, setting_of
from spiral.rewards.base import Context, Reward
from spiral.section import ConfigError
from tests.tiny import CONDITIONAL, SHAPE, tiny_config, tiny_discriminator

SETTINGS: dict[str, Any] = tiny_config().environment.settings
TERMS = [
    RewardTerm(name="squared_error", weight=0.5, when="step"),
    RewardTerm(name="blank", weight=2.0),
    RewardTerm(name="stroke_start", weight=0.1),
]


def pictures(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE), np.uint8)


def make(targets: np.ndarray | None, terms: list[RewardTerm] = TERMS, config: RunConfig | None = None) -> Scored:
    return Scored(gymnasium.make(envs.PAINT_ID, **SETTINGS), terms, targets, config)


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_gymnasium_takes_it():
    check_env(make(pictures()), skip_render_check=True)
    check_env(make(None, TERMS[1:]), skip_render_check=True)


LATER = [RewardTerm(name="l2", weight=0.5, when=2, options={"blur": 1.0}), RewardTerm(name="blank", when=4)]
LEARNED = [RewardTerm.model_validate(tiny_discriminator(weight=3.0, when=when)) for when in ("step", 1, "end")]


@pytest.mark.parametrize("terms", [TERMS, LATER, LEARNED, TERMS + LATER], ids=["fixed", "later", "learned", "all"])
def test_it_pays_what_a_run_pays(terms):
    """The same episode, with the rewards that the policy learner would give it."""
    config = tiny_config(CONDITIONAL, {"rewards": [term.model_dump() for term in terms]})
    env = make(pictures(), terms, config)
    rng = np.random.default_rng(1)
    actions = rng.integers(0, env.action_space.nvec, (SETTINGS["episode_length"], 5))  # type: ignore[attr-defined]
    observation, _ = env.reset(seed=3)
    steps = [env.step(action) for action in actions]
    rollout = Rollout(config, None, pictures(), seed=0, batch_size=1)  # type: ignore[arg-type]
    rollout.begin_programs(actions[None], observation["target"][None])
    recorded = rollout.unroll()
    rollout.close()
    rewards, _ = RewardSum(config.rewards, setting_of(config, SHAPE)).of(recorded)
    assert [step[1] for step in steps] == pytest.approx(rewards[:, 0].tolist(), abs=1e-4)
    assert [step[2] for step in steps] == [False, False, False, True]


class Program(Reward):
    """Keeps what it was told of the commands."""

    told: ClassVar[list[Context]] = []

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        self.told.append(context)
        return torch.zeros(len(renders))


def test_a_reward_is_told_the_commands_so_far_and_their_number():
    Program.told.clear()
    env = make(None, [RewardTerm(name=f"{__name__}:Program")])
    rng = np.random.default_rng(1)
    actions = rng.integers(0, env.action_space.nvec, (2, 5))  # type: ignore[attr-defined]
    for _ in range(2):
        env.reset(seed=0)
        for action in actions:
            env.step(action)
    assert [context.steps.tolist() for context in Program.told if context.steps is not None] == 2 * [[0], [1], [2]]
    for context, length in zip(Program.told, 2 * [0, 1, 2], strict=True):
        np.testing.assert_array_equal(context.actions, actions[None, :length])
        assert context.targets is None


def test_the_seed_decides_what_is_to_be_copied():
    env = make(pictures())
    drawn = [env.reset(seed=seed)[0]["target"] for seed in (0, 1, 2, 3, 0)]
    np.testing.assert_array_equal(drawn[0], drawn[4])
    assert len({picture.tobytes() for picture in drawn}) > 1


def test_all_environments_share_the_pictures():
    """All digits of MNIST are 61 megabytes, and vector forms have a hundred environments with wrappers around each."""
    targets = pictures()
    env = gymnasium.wrappers.RecordEpisodeStatistics(make(targets))
    assert env.spec is not None
    recorded = {wrapper.name: wrapper.kwargs or {} for wrapper in env.spec.additional_wrappers}
    assert np.shares_memory(recorded["Scored"]["targets"], targets)
    again = gymnasium.make(env.spec)
    assert np.shares_memory(again.get_wrapper_attr("targets"), targets)
    assert type(again.reset(seed=0)[0]["target"]) is np.ndarray


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(ConfigError, match=r"targets are uint8 \(2, 8, 8, 1\); give uint8 pictures \[N, 16, 16, 1\]"):
        make(np.zeros((2, 8, 8, 1), np.uint8))
    with pytest.raises(ConfigError, match="no reward 'beauty'; there are"):
        make(None, [RewardTerm(name="beauty")])
    with pytest.raises(ConfigError, match="no rewards were given"):
        make(None, [])
    with pytest.raises(ValueError, match="'squared_error' compares with a target"):
        make(None).reset()
