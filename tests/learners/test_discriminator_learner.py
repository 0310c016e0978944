"""The discriminator learner learns to tell real from painted, repeats exactly, and goes on from its state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from learners.descent import DivergedError
from learners.discriminator_learner import DiscriminatorLearner
from learners.replay import MemoryReplay
from learners.state import under_prefix
from learners.weights import MemoryWeights
from spiral.agent import as_pictures
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, Renders
from tests.tiny import CONDITIONAL, SHAPE, tiny_config

FAST: dict[str, Any] = {"discriminator": {"learning_rate": 2e-3}}
SPECTRAL: dict[str, Any] = {"discriminator": {"learning_rate": 2e-3, "loss": "spectral-norm"}}
REINKED: dict[str, Any] = {"discriminator": {"learning_rate": 2e-3, "loss": "spectral-norm", "reink": True}}
COPIES: dict[str, Any] = {**FAST, **CONDITIONAL}
KINDS = {"wgan-gp": FAST, "spectral-norm": SPECTRAL, "reinked": REINKED, "conditional": COPIES}


def pictures(low: int, high: int, count: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(low, high, (count, *SHAPE), np.uint8)


def make(config: RunConfig) -> DiscriminatorLearner:
    """A learner whose real pictures are dark and whose replay holds light renders; dark are their targets, if any."""
    replay = MemoryReplay(64, SHAPE, config.agent.conditional)
    replay.add(Renders(pictures(200, 256), pictures(0, 56, seed=1) if config.agent.conditional else None))
    return DiscriminatorLearner(config, SHAPE, pictures(0, 56), replay, MemoryWeights())


def same(first: Arrays, second: Arrays) -> bool:
    return sorted(first) == sorted(second) and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_dark_and_light_are_soon_told_apart(changes):
    learner = make(tiny_config(changes))
    gaps = [learner.step()["discriminator/gap"] for _ in range(60)]
    assert gaps[0] < 0.5 < 2.0 < np.mean(gaps[-5:])


@pytest.mark.parametrize("weight", [5.0, 10.0, 20.0])
def test_the_penalty_settles_where_it_balances_the_gap(weight):
    """With slope s, pictures at distance d give the loss −s·d + λ(s − 1)²: least where (s − 1)² = (d / 2λ)²."""
    learner = make(tiny_config({"discriminator": {"learning_rate": 1e-3, "gradient_penalty": weight}}))
    penalties = [learner.step()["discriminator/penalty"] for _ in range(200)]
    distance = 16 * (228 - 28) / 255  # 16² pixels, each on average so much lighter
    assert np.mean(penalties[-20:]) == pytest.approx((distance / 2 / weight) ** 2, rel=0.3)


def test_scores_are_held_near_zero_on_average():
    """A strong penalty on the mean score, so that a short test shows it; without one nothing holds the level."""
    middle = {}
    for penalty in (0.0, 10.0):
        learner = make(tiny_config(FAST, {"discriminator": {"mean_score_penalty": penalty}}))
        with torch.no_grad():
            next(p for name, p in learner.network.named_parameters() if name == "score.bias").fill_(3.0)
        for _ in range(60):
            measured = learner.step()
        middle[penalty] = abs(measured["discriminator/real"] + measured["discriminator/fake"]) / 2
    assert middle[10.0] < 0.5 < middle[0.0]


def test_with_targets_the_real_picture_is_the_target_itself():
    """The pictures of the data set are as light as the renders: only the targets tell the learner what is real."""
    learner = make(tiny_config(COPIES))
    learner.pictures = pictures(200, 256)
    real, fake, targets = learner._batch()
    assert targets is real and float(real.max()) < 0.25 < 0.75 < float(fake.min())


def test_without_targets_real_pictures_come_from_the_data_set_at_random():
    learner = make(tiny_config(FAST))
    learner.pictures = np.stack([np.full(SHAPE, value, np.uint8) for value in range(32)])
    seen = {int(round(255 * float(x))) for _ in range(40) for x in learner._batch()[0].amax(dim=(1, 2, 3))}
    assert seen == set(range(32))


def bars(upright: bool, edge: int) -> NDArray[np.uint8]:
    """Dark bars, three pixels wide, somewhere on white; `edge` is the grey beside them."""
    canvases = np.full((64, *SHAPE), 255, np.uint8)
    for canvas, middle in zip(canvases, np.random.default_rng(0).integers(4, 12, len(canvases)), strict=True):
        turned = canvas if upright else canvas.swapaxes(0, 1)
        turned[3:13, middle - 2 : middle + 3] = edge
        turned[3:13, middle - 1 : middle + 2] = 0
    return canvases


def gap_between(real: NDArray[np.uint8], fake: NDArray[np.uint8], reink: bool) -> float:
    """How far apart the scores of the two are after a short training, each picture as it is."""
    replay = MemoryReplay(64, SHAPE, False)
    replay.add(Renders(fake, None))
    config = tiny_config(SPECTRAL, {"discriminator": {"reink": reink, "width": 8}})
    learner = DiscriminatorLearner(config, SHAPE, real, replay, MemoryWeights())
    for _ in range(150):
        learner.step()
    with torch.no_grad():
        scores = [learner.network(as_pictures(torch.from_numpy(pictures))).mean() for pictures in (real, fake)]
    return float(scores[0] - scores[1])


def test_with_varied_ink_it_judges_shapes_and_not_the_ink():
    soft, hard, lying = bars(True, 128), bars(True, 255), bars(False, 128)
    ink, ink_varied = gap_between(soft, hard, False), gap_between(soft, hard, True)
    assert ink_varied < 0.5 * ink, "the same shapes in another ink"
    assert gap_between(soft, lying, True) > 2.0 * ink_varied, "other shapes in the same ink"


def test_an_empty_replay_is_said_to_be_empty():
    config = tiny_config()
    learner = DiscriminatorLearner(config, SHAPE, pictures(0, 56), MemoryReplay(8, SHAPE, False), MemoryWeights())
    with pytest.raises(EmptyReplayError):
        learner.step()


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_the_same_seed_learns_the_same(changes):
    first, again, other = (make(tiny_config(changes, {"seed": seed})) for seed in (1, 1, 2))
    for learner in (first, again, other):
        for _ in range(3):
            learner.step()
    assert same(first.state(), again.state())
    assert not same(first.state(), other.state())


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_another_learner_goes_on_from_the_state_bit_for_bit(changes):
    learner = make(tiny_config(changes))
    for _ in range(3):
        learner.step()
    state = learner.state()
    other = make(tiny_config(changes, {"seed": 9}))
    other.load_state(state)
    assert same(other.state(), state)
    measured = [[each.step() for _ in range(3)] for each in (learner, other)]
    assert measured[0] == measured[1]
    assert same(learner.state(), other.state())


def test_its_weights_are_published_with_their_version():
    learner = make(tiny_config())
    assert learner.weights.version("discriminator") == 0, "the first weights are there from the start"
    for _ in range(3):
        learner.step()
    assert learner.weights.version("discriminator") == 0, "it publishes when it is told to"
    learner.publish()
    version, weights = learner.weights.fetch("discriminator")
    assert version == learner.version == 3
    for name, tensor in learner.network.state_dict().items():
        np.testing.assert_array_equal(weights[name], tensor.numpy())


def test_bfloat16_learns_too():
    learner = make(tiny_config(FAST, {"precision": "bfloat16"}))
    gaps = [learner.step()["discriminator/gap"] for _ in range(60)]
    assert np.isfinite(gaps).all() and np.mean(gaps[-5:]) > 2.0
    assert all(parameter.dtype.itemsize == 4 for parameter in learner.network.parameters()), "weights stay float32"


def test_pictures_from_a_shared_store_may_be_read_only():
    learner = make(tiny_config(COPIES))
    sample = learner.replay.sample

    def frozen(count: int, rng: np.random.Generator) -> Renders:
        batch = sample(count, rng)
        assert batch.targets is not None
        batch.renders.flags.writeable = batch.targets.flags.writeable = False
        return replace(batch)

    learner.replay.sample = frozen  # type: ignore[method-assign]
    assert np.isfinite(learner.step()["discriminator/gap"])


def test_a_loss_or_weights_that_are_no_numbers_stop_it_before_anything_is_lost():
    learner = make(tiny_config())
    learner.step()
    learner.publish()
    before = learner.state()
    learner.optimizer.param_groups[0]["lr"] = np.inf
    learner.step()
    with pytest.raises(DivergedError, match=r"discriminator at step 2: .* is not finite any more; the last checkpoint"):
        learner.publish()
    with pytest.raises(DivergedError, match="discriminator at step 2: the loss is nan and its gradient nan"):
        learner.step()
    kept = learner.weights.fetch("discriminator")
    assert kept[0] == 1 and same(kept[1], under_prefix("network", before))


def test_a_learner_in_place_of_one_that_died_goes_on_from_its_state_above_its_versions():
    learner = make(tiny_config())
    learner.step()
    kept = learner.state()
    learner.step()
    heir = DiscriminatorLearner(learner.config, SHAPE, learner.pictures, learner.replay, learner.weights, kept, 4)
    assert heir.version == learner.weights.version("discriminator") == 4
    assert same({**heir.state(), "version": kept["version"]}, kept)
