"""The reward learner gives every learned reward lessons of its own, repeats exactly, and goes on from its state.

What a discriminator learns is in `tests/spiral/test_discriminator_reward.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from learners.replay import MemoryReplay
from learners.reward_learner import RewardLearner
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, Renders
from spiral.descent import DivergedError
from spiral.rewards import RewardSum, setting_of
from spiral.rewards.base import LearnedReward, Lesson
from spiral.state import under_prefix, version_of
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config, tiny_discriminator

KEY, SECOND = "discriminator", "discriminator-2"


def rewards(*options: dict[str, Any]) -> dict[str, Any]:
    """Changes that ask for a discriminator with each of the options."""
    return {"rewards": [tiny_discriminator({"learning_rate": 2e-3, **own}) for own in options]}


FAST = rewards({})
SPECTRAL = rewards({"loss": "logistic"})
REINKED = rewards({"loss": "logistic", "reink": True})
COPIES: dict[str, Any] = {**FAST, **CONDITIONAL}
TWO: dict[str, Any] = rewards({}, {"loss": "hinge", "width": 6, "batch_size": 5})
KINDS = {"wgan-gp": FAST, "logistic": SPECTRAL, "reinked": REINKED, "conditional": COPIES, "two": TWO}


def pictures(low: int, high: int, count: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(low, high, (count, *SHAPE), np.uint8)


def make(config: RunConfig, real: NDArray[np.uint8] | None = None, **more: Any) -> RewardLearner:
    """A learner whose real pictures are dark and whose replay holds light renders; dark are their targets, if any."""
    replay = MemoryReplay(64, SHAPE, config.agent.conditional)
    replay.add(Renders(pictures(200, 256), pictures(0, 56, seed=1) if config.agent.conditional else None))
    real = pictures(0, 56) if real is None else real
    return RewardLearner(config, SPEC, SHAPE, real, replay, more.pop("weights", MemoryWeights()), **more)


def step_all(learner: RewardLearner) -> dict[str, float]:
    """One step of each reward."""
    return {name: value for key in learner.rewards for name, value in learner.step(key).items()}


def lessons(learner: RewardLearner, key: str, monkeypatch: pytest.MonkeyPatch) -> list[Lesson]:
    """What a reward is taught from now on; it learns nothing of it."""
    seen: list[Lesson] = []

    def spy(lesson: Lesson) -> dict[str, float]:
        seen.append(lesson)
        return {}

    monkeypatch.setattr(learner.rewards[key], "update", spy)
    return seen


def same(first: Arrays, second: Arrays) -> bool:
    return sorted(first) == sorted(second) and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_dark_and_light_are_soon_told_apart(changes):
    learner = make(tiny_config(changes))
    measured = [step_all(learner) for _ in range(60)]
    for key in learner.rewards:
        gaps = [step[f"reward/{key}/gap"] for step in measured]
        assert gaps[0] < 0.5 and np.mean(gaps[-5:]) > 1.5


def test_a_step_is_measured_under_the_name_of_the_reward():
    learner = make(tiny_config(TWO))
    assert set(learner.step(KEY)) == {f"reward/{KEY}/{name}" for name in ("real", "fake", "gap", "penalty")}
    assert set(learner.step(SECOND)) == {f"reward/{SECOND}/{name}" for name in ("real", "fake", "gap")}


def test_with_targets_the_real_picture_is_the_target_itself(monkeypatch):
    """The pictures of the data set are as light as the renders: only the targets tell the learner what is real."""
    learner = make(tiny_config(COPIES), real=pictures(200, 256))
    seen = lessons(learner, KEY, monkeypatch)
    learner.step(KEY)
    (lesson,) = seen
    assert lesson.targets is lesson.real
    assert lesson.real.max() < 64 < 190 < lesson.renders.min()


def test_without_targets_real_pictures_come_from_the_data_set_at_random(monkeypatch):
    learner = make(tiny_config(FAST), real=np.stack([np.full(SHAPE, value, np.uint8) for value in range(32)]))
    seen = lessons(learner, KEY, monkeypatch)
    for _ in range(40):
        learner.step(KEY)
    assert {int(picture.max()) for lesson in seen for picture in lesson.real} == set(range(32))
    assert all(lesson.targets is None for lesson in seen)


def test_a_render_stays_beside_its_own_target(monkeypatch):
    learner = make(tiny_config(COPIES))
    assert isinstance(learner.replay, MemoryReplay)
    marked = np.arange(32, dtype=np.uint8).reshape(32, 1, 1, 1) + np.zeros((1, *SHAPE), np.uint8)
    learner.replay.add(Renders(255 - marked, marked))
    learner.replay.add(Renders(255 - marked, marked))  # as many as it holds
    seen = lessons(learner, KEY, monkeypatch)
    learner.step(KEY)
    assert seen[0].targets is not None
    np.testing.assert_array_equal(255 - seen[0].renders, seen[0].targets)


def test_an_empty_replay_is_said_to_be_empty():
    replay = MemoryReplay(8, SHAPE, False)
    learner = RewardLearner(tiny_config(FAST), SPEC, SHAPE, pictures(0, 56), replay, MemoryWeights())
    with pytest.raises(EmptyReplayError):
        learner.step(KEY)


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_the_same_seed_learns_the_same(changes):
    first, again, other = (make(tiny_config(changes, {"seed": seed})) for seed in (1, 1, 2))
    for learner in (first, again, other):
        for _ in range(3):
            step_all(learner)
    assert same(first.state(), again.state())
    assert not same(first.state(), other.state())


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_another_learner_goes_on_from_the_state_bit_for_bit(changes):
    learner = make(tiny_config(changes))
    for _ in range(3):
        step_all(learner)
    state = learner.state()
    other = make(tiny_config(changes, {"seed": 9}))
    other.load_state(state)
    assert same(other.state(), state)
    assert same(make(tiny_config(changes, {"seed": 9}), state=state).state(), state), "from the beginning, too"
    measured = [[step_all(each) for _ in range(3)] for each in (learner, other)]
    assert measured[0] == measured[1]
    assert same(learner.state(), other.state())
    for key in learner.rewards:
        assert other.weights.version(key) == 3, "what was loaded is published"


@pytest.mark.parametrize("changes", [FAST, TWO], ids=["one", "two"])
def test_weights_are_published_with_their_versions(changes):
    learner = make(tiny_config(changes))
    for key in learner.rewards:
        assert learner.weights.version(key) == 0, "the first weights are there from the start"
        for _ in range(3):
            learner.step(key)
        assert learner.weights.version(key) == 0, "it publishes when it is told to"
    learner.publish()
    for key, reward in learner.rewards.items():
        version, weights = learner.weights.fetch(key)
        assert version == reward.version == 3
        assert same(weights, reward.weights())


def test_bfloat16_learns_too():
    learner = make(tiny_config(FAST, {"precision": "bfloat16"}))
    gaps = [learner.step(KEY)[f"reward/{KEY}/gap"] for _ in range(60)]
    assert np.isfinite(gaps).all() and np.mean(gaps[-5:]) > 2.0
    assert [precision.name for precision in learner.precisions] == ["bfloat16"]
    network = learner.rewards[KEY].network
    assert all(parameter.dtype.itemsize == 4 for parameter in network.parameters()), "weights stay float32"


def test_pictures_from_a_shared_store_may_be_read_only():
    learner = make(tiny_config(COPIES))
    sample = learner.replay.sample

    def frozen(count: int, rng: np.random.Generator) -> Renders:
        batch = sample(count, rng)
        assert batch.targets is not None
        batch.renders.flags.writeable = batch.targets.flags.writeable = False
        return replace(batch)

    learner.replay.sample = frozen  # type: ignore[method-assign]
    assert np.isfinite(learner.step(KEY)[f"reward/{KEY}/gap"])


def test_a_loss_or_weights_that_are_no_numbers_stop_it_before_anything_is_lost():
    learner = make(tiny_config(FAST))
    learner.step(KEY)
    learner.publish()
    before = learner.state()
    learner.rewards[KEY].optimizer.param_groups[0]["lr"] = np.inf
    learner.step(KEY)
    with pytest.raises(DivergedError, match=r"discriminator at step 2: .* is not finite any more; the last checkpoint"):
        learner.publish()
    with pytest.raises(DivergedError, match=f"the reward .{KEY}.: .* at step 2: the loss is nan and its gradient nan"):
        learner.step(KEY)
    kept = learner.weights.fetch(KEY)
    assert kept[0] == 1 and same(kept[1], under_prefix(f"{KEY}/network", before))


def test_a_learner_in_place_of_one_that_died_goes_on_from_its_state_above_its_versions():
    learner = make(tiny_config(FAST))
    learner.step(KEY)
    kept = learner.state()
    learner.step(KEY)
    heir = make(tiny_config(FAST), weights=learner.weights, state=kept, version=4)
    assert heir.rewards[KEY].version == learner.weights.version(KEY) == 4
    assert same({**heir.state(), f"{KEY}/version": kept[f"{KEY}/version"]}, kept)


def test_an_heir_of_two_rewards_is_above_the_versions_of_both():
    """One of them was far ahead: whoever starts anew begins where neither has been."""
    learner = make(tiny_config(TWO))
    for _ in range(3):
        learner.step(KEY)
    learner.step(SECOND)
    kept = learner.state()
    assert version_of(kept) == 3
    for version, expected in ((2, {KEY: 3, SECOND: 2}), (7, {KEY: 7, SECOND: 7})):
        heir = make(tiny_config(TWO), weights=learner.weights, state=kept, version=version)
        assert {key: reward.version for key, reward in heir.rewards.items()} == expected
        assert {key: learner.weights.version(key) for key in expected} == expected
    anew = make(tiny_config(TWO), weights=learner.weights, version=9)
    assert {reward.version for reward in anew.rewards.values()} == {9}


def test_each_of_two_rewards_has_its_own_network_loss_and_batch(monkeypatch):
    learner = make(tiny_config(TWO, {"rewards": [{"name": "blank"}, *TWO["rewards"]]}))
    assert list(learner.rewards) == [KEY, SECOND], "what is fixed has no part in it"
    first, second = (reward.weights() for reward in learner.rewards.values())
    assert len(first["convolutions.0.bias"]) == 4 and len(second["convolutions.0.bias"]) == 6
    for key, size in ((KEY, 8), (SECOND, 5)):
        seen = lessons(learner, key, monkeypatch)
        learner.step(key)
        assert len(seen[0].real) == len(seen[0].renders) == size == learner.rewards[key].batch_size


def test_two_rewards_of_the_same_settings_are_not_the_same():
    """Each begins with weights of its own and sees other pictures."""
    learner = make(tiny_config(rewards({}, {})))
    first, second = (reward.weights() for reward in learner.rewards.values())
    assert not same(first, second)
    state = learner.state()
    assert not np.array_equal(state[f"{KEY}/rng"], state[f"{SECOND}/rng"])


def test_what_one_of_two_rewards_does_is_nothing_to_the_other():
    """Neither the order nor the number of the other's steps matters, as when each has a pace of its own."""
    beside, alone = make(tiny_config(TWO)), make(tiny_config(TWO))
    for _ in range(3):
        beside.step(SECOND)
        beside.step(KEY)
    for _ in range(3):
        alone.step(KEY)
    for _ in range(2):
        alone.step(SECOND)
    of_key = [under_prefix(KEY, learner.state()) for learner in (beside, alone)]
    assert same(*of_key)
    assert [int(under_prefix(SECOND, each.state())["version"]) for each in (beside, alone)] == [3, 2]


def test_a_reward_may_have_real_pictures_of_its_own(tmp_path: Path, monkeypatch):
    """The run's pictures are dark; those of the folder `middle`, which one of the rewards names, are grey."""
    folder = tmp_path / "middle"
    folder.mkdir()
    for name in range(6):
        Image.fromarray(np.full((16, 16), 120 + name, np.uint8)).save(folder / f"{name}.png")
    terms = [tiny_discriminator(), tiny_discriminator(data=f"folder:{folder}")]
    learner = make(tiny_config({"rewards": terms}))
    values = {}
    for key in learner.rewards:
        seen = lessons(learner, key, monkeypatch)
        for _ in range(10):
            learner.step(key)
        values[key] = np.concatenate([lesson.real for lesson in seen])
        assert values[key].shape == (80, *SHAPE)
    assert values[KEY].max() < 60
    assert values[SECOND].min() > 110 and values[SECOND].max() < 140


def test_both_are_scored_with_what_they_have_learned():
    """From learner to policy: the weights of each go to the term of the same name."""
    config = tiny_config(TWO)
    learner = make(config)
    for _ in range(2):
        step_all(learner)
    learner.publish()
    total = RewardSum(config.rewards, setting_of(config, SHAPE))
    total.follow(learner.weights)
    for scored in total.terms:
        assert isinstance(scored.reward, LearnedReward) and scored.reward.version == 2
        assert same(scored.reward.weights(), learner.rewards[scored.key].weights())
    _, means = total.of(made_up(config))
    assert list(means) == [f"score/{KEY}", f"score/{SECOND}"] and all(np.isfinite(list(means.values())))


def test_nothing_of_it_depends_on_what_others_draw():
    first, second = make(tiny_config(FAST)), make(tiny_config(FAST))
    first.step(KEY)
    torch.manual_seed(77)
    np.random.default_rng(0).random(5)
    second.step(KEY)
    assert same(first.state(), second.state())
