"""The losses of both learners, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spiral.losses import (
    ADVERSARIAL_LOSSES,
    gradient_penalty,
    hinge_loss,
    least_squares_loss,
    logistic_loss,
    mean_score_penalty,
    policy_loss,
    relativistic_loss,
    wasserstein_loss,
)

PROXIMAL = torch.tensor([[-1.0, -2.0]])


def test_the_plain_policy_loss_is_the_score_function_estimate():
    log_prob = torch.tensor([[-1.5, -0.5]], requires_grad=True)
    loss = policy_loss(log_prob, PROXIMAL, torch.tensor([[2.0, -4.0]]), clip_ratio=None)
    assert loss.item() == pytest.approx(-(-1.5 * 2.0 + -0.5 * -4.0) / 2)
    loss.backward()
    torch.testing.assert_close(log_prob.grad, torch.tensor([[-1.0, 2.0]]))  # −A / 2


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective", "slope"),
    [
        (1.0, 2.0, 2.0, 2.0),  # as the batch arrived: ∂rA/∂log π = rA
        (1.1, 2.0, 2.2, 2.2),
        (1.5, 2.0, 2.4, 0.0),  # far enough towards a good action: no more
        (0.5, 2.0, 1.0, 1.0),  # too far from a good action: come back
        (0.5, -2.0, -1.6, 0.0),  # far enough from a bad action: no more
        (1.5, -2.0, -3.0, -3.0),  # too far towards a bad action: go back
    ],
)
def test_the_clip_ends_the_pull_where_the_policy_went_far_enough(ratio, advantage, objective, slope):
    """One action with ε = 0.2: the objective is min(r A, clip(r, 0.8, 1.2) A), and so is its slope."""
    log_prob = torch.tensor([[-1.0 + math.log(ratio)]], requires_grad=True)
    loss = policy_loss(log_prob, PROXIMAL[:, :1], torch.tensor([[advantage]]), clip_ratio=0.2)
    assert loss.item() == pytest.approx(-objective)
    loss.backward()
    assert log_prob.grad is not None
    assert log_prob.grad.item() == pytest.approx(-slope, abs=1e-6)


def test_before_the_first_update_the_clip_changes_nothing():
    advantages = torch.tensor([[2.0, -4.0]])
    slopes = []
    for clip_ratio in (None, 0.2):
        log_prob = PROXIMAL.clone().requires_grad_()
        policy_loss(log_prob, PROXIMAL, advantages, clip_ratio).backward()
        slopes.append(log_prob.grad)
    torch.testing.assert_close(slopes[0], slopes[1])


def test_the_penalty_of_a_linear_critic_is_known():
    """D(x) = ⟨w, x⟩ has the slope ‖w‖ = 5 everywhere: the penalty is (5 − 1)², whatever the pictures are."""
    w = torch.zeros(1, 2, 2)
    w[0, 0] = torch.tensor([3.0, 4.0])
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, 6, 1, 2, 2, generator=generator)
    mix = torch.rand(6, 1, 1, 1, generator=generator)
    assert gradient_penalty(lambda x: (x * w).sum(dim=(1, 2, 3)), real, fake, mix).item() == pytest.approx(16.0)
    assert gradient_penalty(lambda x: (x * w / 5).sum(dim=(1, 2, 3)), real, fake, mix).item() == pytest.approx(0.0)


def test_the_penalty_of_a_quadratic_critic_is_taken_between_the_pictures():
    """D(x) = a‖x‖² has the slope 2a‖x̂‖ at x̂ = mix·real + (1 − mix)·fake."""
    a = torch.tensor(1.0, requires_grad=True)
    real, fake = torch.full((2, 1, 2, 2), 1.0), torch.zeros(2, 1, 2, 2)
    mix = torch.tensor([0.25, 1.0]).view(2, 1, 1, 1)
    penalty = gradient_penalty(lambda x: a * x.square().sum(dim=(1, 2, 3)), real, fake, mix)
    # ‖x̂‖ is mix · 2, since there are four pixels: slopes 1 and 4.
    assert penalty.item() == pytest.approx(((1 - 1) ** 2 + (4 - 1) ** 2) / 2)
    penalty.backward()  # ∂/∂a of ((a − 1)² + (4a − 1)²) / 2 at a = 1
    assert a.grad is not None
    assert a.grad.item() == pytest.approx((2 * 0 * 1 + 2 * 3 * 4) / 2)


@pytest.mark.parametrize(
    ("real", "fake", "penalty"), [([1.0, 3.0], [-1.0, -3.0], 0.0), ([1.0, 3.0], [4.0, 0.0], 4.0), ([-1.0], [-1.0], 1.0)]
)
def test_the_mean_score_of_both_together_is_held_near_zero(real, fake, penalty):
    assert mean_score_penalty(torch.tensor(real), torch.tensor(fake)).item() == pytest.approx(penalty)


def slopes_of(loss: Tensor, *scores: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, scores))


def test_the_wasserstein_loss_raises_real_and_lowers_fake_scores():
    real, fake = torch.tensor([1.0, 5.0], requires_grad=True), torch.tensor([2.0, -1.0], requires_grad=True)
    loss = wasserstein_loss(real, fake)
    assert loss.item() == pytest.approx(0.5 - 3.0)
    for slope, expected in zip(slopes_of(loss, real, fake), (-0.5, 0.5), strict=True):
        torch.testing.assert_close(slope, torch.full((2,), expected))


def test_the_logistic_loss_is_the_cross_entropy_of_telling_them_apart():
    real, fake = torch.tensor([0.0, 2.0], requires_grad=True), torch.tensor([-1.0], requires_grad=True)
    loss = logistic_loss(real, fake)

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    assert loss.item() == pytest.approx(-(math.log(0.5) + math.log(sigmoid(2))) / 2 - math.log(1 - sigmoid(-1)))
    real_slope, fake_slope = slopes_of(loss, real, fake)
    torch.testing.assert_close(real_slope, torch.tensor([-(1 - 0.5) / 2, -(1 - sigmoid(2)) / 2]))
    torch.testing.assert_close(fake_slope, torch.tensor([sigmoid(-1)]))
    assert logistic_loss(torch.tensor([500.0]), torch.tensor([500.0])).item() == pytest.approx(500.0), "no overflow"


def test_the_hinge_loss_asks_for_a_margin_and_no_more():
    """Scores beyond 1 for real and −1 for painted pictures cost nothing; the others cost what they lack."""
    real = torch.tensor([-0.5, 0.25, 1.5, 9.0], requires_grad=True)
    fake = torch.tensor([0.5, -3.0], requires_grad=True)
    loss = hinge_loss(real, fake)
    assert loss.item() == pytest.approx((1.5 + 0.75 + 0.0 + 0.0) / 4 + (1.5 + 0.0) / 2)
    real_slope, fake_slope = slopes_of(loss, real, fake)
    torch.testing.assert_close(real_slope, torch.tensor([-0.25, -0.25, 0.0, 0.0]))
    torch.testing.assert_close(fake_slope, torch.tensor([0.5, 0.0]))


def test_the_least_squares_loss_pulls_the_scores_to_their_labels_from_both_sides():
    real = torch.tensor([1.0, 3.0, -1.0], requires_grad=True)
    fake = torch.tensor([-1.0, 0.5], requires_grad=True)
    loss = least_squares_loss(real, fake)
    assert loss.item() == pytest.approx((0.0 + 4.0 + 4.0) / 3 / 2 + (0.0 + 2.25) / 2 / 2)
    real_slope, fake_slope = slopes_of(loss, real, fake)
    torch.testing.assert_close(real_slope, torch.tensor([0.0, 2.0, -2.0]) / 3)
    torch.testing.assert_close(fake_slope, torch.tensor([0.0, 1.5]) / 2)


def test_the_relativistic_loss_knows_only_which_of_a_pair_is_higher():
    real, fake = torch.tensor([2.0, 0.0], requires_grad=True), torch.tensor([1.0, 0.0], requires_grad=True)
    loss = relativistic_loss(real, fake)
    assert loss.item() == pytest.approx((math.log(1 + math.exp(-1.0)) + math.log(2.0)) / 2)
    real_slope, fake_slope = slopes_of(loss, real, fake)
    torch.testing.assert_close(real_slope, -torch.tensor([1 / (1 + math.e), 0.5]) / 2)
    torch.testing.assert_close(fake_slope, -real_slope)
    assert relativistic_loss(real + 7.0, fake + 7.0).item() == pytest.approx(loss.item()), (
        "a level of its own it has not"
    )
    assert relativistic_loss(torch.zeros(1), torch.tensor([500.0])).item() == pytest.approx(500.0), "no overflow"


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_every_loss_falls_when_real_pictures_score_higher_and_painted_ones_lower(name):
    loss = ADVERSARIAL_LOSSES[name].loss
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(2, 6, generator=generator) / 4).requires_grad_()
    value = loss(real, fake)
    assert value.shape == () and torch.isfinite(value)
    real_slope, fake_slope = slopes_of(value, real, fake)
    assert (real_slope < 0).all() and (fake_slope > 0).all()


def test_each_loss_has_something_that_keeps_the_discriminator_smooth():
    assert all(loss.spectral != loss.penalized for loss in ADVERSARIAL_LOSSES.values())
