"""The losses of both learners, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spiral.losses import gradient_penalty, logistic_loss, mean_score_penalty, policy_loss, wasserstein_loss

BEHAVIOUR = torch.tensor([[-1.0, -2.0]])


def test_the_plain_policy_loss_is_the_score_function_estimate():
    log_prob = torch.tensor([[-1.5, -0.5]], requires_grad=True)
    loss = policy_loss(log_prob, BEHAVIOUR, torch.tensor([[2.0, -4.0]]), clip_ratio=None)
    assert loss.item() == pytest.approx(-(-1.5 * 2.0 + -0.5 * -4.0) / 2)
    loss.backward()
    torch.testing.assert_close(log_prob.grad, torch.tensor([[-1.0, 2.0]]))  # −A / 2


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective", "slope"),
    [
        (1.0, 2.0, 2.0, 2.0),  # on-policy: ∂ρA/∂log π = ρA
        (1.1, 2.0, 2.2, 2.2),
        (1.5, 2.0, 2.4, 0.0),  # far enough towards a good action: no more
        (0.5, 2.0, 1.0, 1.0),  # too far from a good action: come back
        (0.5, -2.0, -1.6, 0.0),  # far enough from a bad action: no more
        (1.5, -2.0, -3.0, -3.0),  # too far towards a bad action: go back
    ],
)
def test_the_clip_ends_the_pull_where_the_policy_went_far_enough(ratio, advantage, objective, slope):
    """One action with ε = 0.2: the objective is min(ρ A, clip(ρ, 0.8, 1.2) A), and so is its slope."""
    log_prob = torch.tensor([[-1.0 + math.log(ratio)]], requires_grad=True)
    loss = policy_loss(log_prob, BEHAVIOUR[:, :1], torch.tensor([[advantage]]), clip_ratio=0.2)
    assert loss.item() == pytest.approx(-objective)
    loss.backward()
    assert log_prob.grad is not None
    assert log_prob.grad.item() == pytest.approx(-slope, abs=1e-6)


def test_on_policy_the_clip_changes_nothing():
    advantages = torch.tensor([[2.0, -4.0]])
    slopes = []
    for clip_ratio in (None, 0.2):
        log_prob = BEHAVIOUR.clone().requires_grad_()
        policy_loss(log_prob, BEHAVIOUR, advantages, clip_ratio).backward()
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
