"""What a finished agent is measured by: paintings in the order of their targets, and figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from actors import evaluation
from actors.evaluation import CopyReport, InventionReport, judge_copies, judge_inventions, paint, read_alike
from learners.weights import MemoryWeights
from spiral import data
from spiral.agent import Agent
from spiral.config import RunConfig
from spiral.data import mnist
from spiral.judge import classify, frechet_distance, read_as, shipped
from spiral.picture_error import mean_squared_error
from spiral.state import network_arrays
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config


def published(config: RunConfig) -> MemoryWeights:
    torch.manual_seed(0)
    agent = Agent(SPEC, SHAPE, config.agent)
    with torch.no_grad():
        for parameter in agent.parameters():
            parameter.mul_(2.0)
    weights = MemoryWeights()
    weights.publish("agent", 0, network_arrays(agent))
    return weights


def targets(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, *SHAPE), np.uint8)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "BATCH", 4)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("count", [1, 4, 6, 11])
def test_copies_come_in_the_order_of_their_targets(count):
    """At temperature 0 a copy depends on its target alone, so each is what that target gives by itself."""
    config = tiny_config(CONDITIONAL)
    weights, originals = published(config), targets(12)
    copies = paint(config, weights, originals, count, seed=0, temperature=0.0)
    assert copies.renders.shape == (count, *SHAPE) and copies.renders.dtype == np.uint8
    assert copies.actions.shape == (count, 4, len(SPEC.heads))
    for i in range(count):
        alone = paint(config, weights, originals[i : i + 1], 1, seed=9, temperature=0.0)
        np.testing.assert_array_equal(copies.actions[i], alone.actions[0])
        np.testing.assert_array_equal(copies.renders[i], alone.renders[0])


@pytest.mark.usefixtures("small_batches")
def test_the_seed_decides_the_samples():
    config = tiny_config()
    weights = published(config)
    first, again, other = (paint(config, weights, None, 10, seed, temperature=1.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.renders, again.renders)
    assert (first.renders != other.renders).any()
    assert (first.renders[:4] != first.renders[4:8]).any(), "the next batch is not the same again"


def test_a_painting_is_a_program_that_can_be_replayed():
    config = tiny_config()
    paintings = paint(config, published(config), None, 3, seed=0, temperature=1.0)
    for i in range(3):
        np.testing.assert_array_equal(paintings.program(i).render(), paintings.renders[i])


def test_more_copies_than_targets_or_none_are_refused():
    config = tiny_config(CONDITIONAL)
    with pytest.raises(ValueError, match="count=3, but there are only 2 targets; ask for 2 at most"):
        paint(config, published(config), targets(2), 3, seed=0, temperature=1.0)
    with pytest.raises(ValueError, match="count=0; ask for 1 painting or more"):
        paint(config, published(config), targets(2), 0, seed=0, temperature=1.0)


def test_the_mean_squared_error_by_hand():
    originals = np.zeros((2, 1, 2, 1), np.uint8)
    renders = np.array([[[[0], [255]]], [[[51], [0]]]], np.uint8)
    assert mean_squared_error(renders, originals) == pytest.approx((1.0 + 0.04) / 4)
    assert mean_squared_error(originals, renders) == mean_squared_error(renders, originals)
    assert mean_squared_error(renders, renders) == 0.0


def test_errors_are_relative_to_that_of_an_empty_canvas():
    assert CopyReport(error=0.02, empty_error=0.08).relative_error == pytest.approx(0.25)


def test_a_digit_is_present_from_two_percent_on():
    report = InventionReport(0.5, (0.3, 0.1, 0.02, 0.019, 0.0, 0.0, 0.0, 0.0, 0.06, 0.001))
    assert report.digits_present == 4


@pytest.fixture(scope="module")
def digits() -> NDArray[np.uint8]:
    """Real digits that took no part in fitting reader and judge."""
    if len(mnist.find(data.data_root() / "mnist")) < 4:
        pytest.skip("needs full MNIST under $SPIRAL_DATA/mnist")
    return data.load("mnist", "test", 32)[:1000]


def test_errors_are_held_against_the_canvas_before_the_first_command():
    originals = np.full((3, 4, 4, 1), 100, np.uint8)
    report = judge_copies(originals + 51, originals, np.full((4, 4, 1), 202, np.uint8))
    assert (report.error, report.empty_error) == pytest.approx((0.04, 0.16))


def test_an_empty_canvas_is_no_copy_and_the_original_is_a_perfect_one(digits):
    white = np.full_like(digits[0], 255)
    perfect = judge_copies(digits, digits, white)
    assert (perfect.error, perfect.relative_error, read_alike(digits, digits)) == (0.0, 0.0, 1.0)
    empty = np.full_like(digits, 255)
    assert judge_copies(empty, digits, white).relative_error == pytest.approx(1.0)
    assert read_alike(empty, digits) < 0.3


def test_copies_of_other_digits_agree_by_chance_only(digits):
    assert read_alike(np.roll(digits, 1, axis=0), digits) < 0.2


def test_what_was_painted_is_read_beside_a_label(digits):
    labels = data.load_pictures("mnist", "test", 32, False).labels
    assert labels is not None
    assert read_as(digits, labels[:1000]) > 0.97
    assert read_as(digits, (labels[:1000] + 1) % 10) < 0.02


def test_real_digits_are_accepted_as_inventions_and_noise_is_not(digits):
    real = judge_inventions(digits)
    assert real.accepted > 0.95 and real.digits_present == 10
    assert real.accepted == pytest.approx(sum(real.shares))
    noise = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 1), np.uint8)
    assert judge_inventions(noise).accepted < 0.02
    assert judge_inventions(np.full((5, 32, 32, 1), 255, np.uint8)) == InventionReport(0.0, (0.0,) * 10)


def test_the_frechet_distance_is_that_of_its_equation_and_large_for_one_kind_alone_or_for_noise(digits):
    some, others = digits[:500], digits[500:]
    net = shipped("reader")
    inks = [1 - torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 for pictures in (some, others)]
    with torch.inference_mode():
        (mean, covariance), (mean_, covariance_) = (
            (seen.mean(0), np.cov(seen.T)) for seen in (net.layers[:-1](ink).double().numpy() for ink in inks)
        )
    # The roots of the eigenvalues of ΣΣ' are the singular values of Σ^½ Σ'^½.
    roots = []
    for sigma in (covariance, covariance_):
        values, vectors = np.linalg.eigh(sigma)
        roots.append(vectors * np.sqrt(values.clip(0)) @ vectors.T)
    product = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    expected = ((mean - mean_) ** 2).sum() + np.trace(covariance + covariance_) - 2 * product
    near = frechet_distance(some, others)
    assert near == pytest.approx(expected, rel=0.02)
    noise = np.random.default_rng(0).integers(0, 256, some.shape, np.uint8)
    one_kind = digits[classify(net, digits)[0] == 3]
    assert near < 0.1 * min(frechet_distance(one_kind, others), frechet_distance(noise, others))
