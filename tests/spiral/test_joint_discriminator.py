"""The joint discriminator: what it tells by picture and program together, and what of a program it reads.

What it has in common with all rewards is in `test_reward_conformance.py` and `test_learned_reward_conformance.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spiral.config import RewardTerm
from spiral.contracts import Renders
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.rewards import RewardSum, build_reward, setting_of
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting
from spiral.section import ConfigError
from tests.program_pairs import told_apart, wrong_copies
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config

FAST: dict[str, Any] = {"learning_rate": 2e-3, "width": 8, "batch_size": 16}
KIND, STROKE, MOVE = SPEC.index("flag"), 1, 0


def setting(*changes: dict[str, Any]) -> Setting:
    return setting_of(tiny_config(CONDITIONAL, *changes), SHAPE, spec=SPEC)


def make(name: str = "joint_discriminator", at: Setting | None = None, **options: Any) -> LearnedReward:
    reward = build_reward(RewardTerm(name=name, options={**FAST, **options}), setting() if at is None else at)
    assert isinstance(reward, LearnedReward)
    return reward


def learn(reward: LearnedReward, pairs: Renders, steps: int) -> LearnedReward:
    """The reward after so many steps on some of the pairs."""
    rng = np.random.default_rng(0)
    assert pairs.targets is not None and pairs.actions is not None
    for _ in range(steps):
        chosen = rng.integers(len(pairs), size=reward.batch_size)
        targets = pairs.targets[chosen] if reward.setting.conditional else None
        reward.update(Lesson(pairs.targets[chosen], pairs.renders[chosen], targets, pairs.actions[chosen]))
    return reward


def programs(count: int = 5, seed: int = 0) -> NDArray[np.int64]:
    """Random ones of four commands, all of which paint."""
    found: NDArray[np.int64] = np.random.default_rng(seed).integers(0, SPEC.nvec, (count, 4, len(SPEC.heads)))
    found[..., KIND] = STROKE
    return found


def scores(reward: LearnedReward, actions: NDArray[np.int64] | None, steps: Any = None, seed: int = 1) -> torch.Tensor:
    """Of five pictures, of these programs."""
    renders = np.random.default_rng(seed).integers(0, 256, (5, *SHAPE), np.uint8)
    done = None if steps is None else np.broadcast_to(steps, 5)
    return reward.score(renders, Context(None, {}, actions, done))


@pytest.mark.parametrize("loss", ["wgan-gp", "logistic"])
def test_it_tells_by_the_program_what_no_picture_alone_tells(loss):
    """Targets and renders are the same pictures; only beside its program one of them is wrong."""
    reward = learn(make(loss=loss), wrong_copies(256, seed=0), 150)
    assert told_apart(reward, wrong_copies(64, seed=1)) > 0.95, "pairs that it has not seen"


def test_a_discriminator_of_pictures_alone_stays_at_chance():
    reward = learn(make("discriminator", setting({"agent": {"conditional": False}})), wrong_copies(256, seed=0), 150)
    assert 0.35 < told_apart(reward, wrong_copies(64, seed=1)) < 0.65


def test_who_paints_what_the_program_says_is_paid_more():
    reward = learn(make(), wrong_copies(256, seed=0), 150)
    unseen = wrong_copies(64, seed=2)
    assert unseen.targets is not None
    right, wrong = (reward.score(x, Context(None, {}, unseen.actions)) for x in (unseen.targets, unseen.renders))
    assert float((right - wrong).mean()) > 2.0


def test_sub_actions_that_do_not_count_have_no_part_in_it():
    reward, moves = make(), programs()
    moves[:, 1, KIND] = MOVE
    others = moves.copy()
    pressure = SPEC.index("pressure")
    others[:, 1, pressure] = (moves[:, 1, pressure] + 1) % 10
    assert torch.equal(scores(reward, moves), scores(reward, others)), "a move has no pressure"
    others[:, 2, pressure] = (moves[:, 2, pressure] + 1) % 10
    assert not torch.isclose(scores(reward, moves), scores(reward, others), rtol=0, atol=1e-7).any()


def test_commands_that_are_still_to_come_have_no_part_in_it():
    reward, whole, other = make(), programs(), programs(seed=5)
    for steps in range(4):
        other[:, :steps] = whole[:, :steps]
        assert torch.equal(scores(reward, whole, steps), scores(reward, other, steps))
        torch.testing.assert_close(scores(reward, whole, steps), scores(reward, whole[:, :steps]))
        assert not torch.equal(scores(reward, whole, steps + 1), scores(reward, whole, steps))
    assert torch.equal(scores(reward, whole, 4), scores(reward, whole))


def test_each_different_picture_is_looked_at_once():
    reward, actions = make(), programs()
    renders = np.random.default_rng(1).integers(0, 256, (3, *SHAPE), np.uint8)[[0, 1, 0, 2, 1]]
    each = [reward.score(renders[i : i + 1], Context(None, {}, actions[i : i + 1])) for i in range(5)]
    seen: list[int] = []
    reward.network.register_forward_pre_hook(lambda network, given: seen.append(len(given[0])))
    torch.testing.assert_close(reward.score(renders, Context(None, {}, actions)), torch.cat(each))
    assert seen == [3]


def test_the_order_of_commands_matters():
    reward, actions = make(), programs()
    assert not torch.isclose(scores(reward, actions), scores(reward, actions[:, ::-1]), rtol=0, atol=1e-7).any()


def test_each_step_is_paid_by_the_commands_so_far():
    """The first reward of two episodes that begin alike is the same, whatever comes later."""
    term = RewardTerm(name="joint_discriminator", when="step", options=FAST)
    total = RewardSum([term], setting())
    first = made_up(tiny_config(CONDITIONAL))
    later = first.actions.copy()
    later[1:] = made_up(tiny_config(CONDITIONAL), seed=9).actions[1:]
    paid = [total.of(each)[0] for each in (first, replace(first, actions=later))]
    torch.testing.assert_close(paid[0][0], paid[1][0])
    assert not torch.isclose(paid[0][1:], paid[1][1:], rtol=0, atol=1e-7).any()


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_every_loss_teaches_it(loss):
    (first, *_, last) = [learn(make(loss=loss), wrong_copies(256, seed=0), steps) for steps in (1, 100)]
    unseen = wrong_copies(64, seed=1)
    assert told_apart(last, unseen) > told_apart(first, unseen)


def test_bfloat16_learns_too():
    reward = learn(make(at=setting({"precision": "bfloat16"})), wrong_copies(256, seed=0), 150)
    assert told_apart(reward, wrong_copies(64, seed=1)) > 0.95
    assert reward.precision is not None and reward.precision.name == "bfloat16"


def test_it_is_for_agents_that_copy_and_whose_actions_are_known():
    with pytest.raises(
        ConfigError, match=r"'joint_discriminator' learns from the targets .*set agent.conditional=true"
    ):
        make(at=setting({"agent": {"conditional": False}}))
    with pytest.raises(ConfigError, match=r"'joint_discriminator' reads programs, but .*leave it out"):
        make(at=setting_of(tiny_config(CONDITIONAL), SHAPE))


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (None, "'joint_discriminator' judges a render beside its whole program, .*unroll_length=null, or leave it out"),
        (programs(4), r"programs are int64 \(4, 4, 5\); they must be whole numbers \(5, 4, 5\)"),
        (programs()[..., :3], r"programs are int64 \(5, 4, 3\)"),
        (programs()[:, 0], r"programs are int64 \(5, 5\)"),
        (programs().astype(np.float32), "programs are float32"),
        (np.full_like(programs(), -1), "control of action 0 of action 0 is -1; it must be from 0 to 63"),
        (programs() + 64, "is .*; it must be from 0 to"),
    ],
    ids=["none", "too few", "heads", "one command", "numbers", "negative", "too large"],
)
def test_programs_that_there_are_not_are_refused_by_name(actions, message):
    reward = make()
    with pytest.raises(ValueError, match=message) as refused:
        scores(reward, actions)
    assert "'joint_discriminator'" in str(refused.value)
    pictures = np.zeros((5, *SHAPE), np.uint8)
    with pytest.raises(ValueError, match=message):
        reward.update(Lesson(pictures, pictures, pictures, actions))
    assert reward.version == 0


def test_no_picture_and_pixels_that_are_no_bytes_are_refused_by_name():
    reward = make()
    for renders in (np.zeros((0, *SHAPE), np.uint8), np.full((5, *SHAPE), np.nan, np.float32)):
        with pytest.raises(ValueError, match="'joint_discriminator' scores one picture or more of uint8"):
            reward.score(renders, Context(None, {}, programs(len(renders))))  # type: ignore[arg-type]
