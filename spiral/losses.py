"""The losses of policy and discriminators, as pure functions of tensors.

Policy: the actor-critic of the thesis (6.3.3) with an entropy term, its advantages from V-trace; with a clip, the
surrogate of PPO (Schulman et al., 2017), which bears several passes over one batch. Discriminators: WGAN-GP (Gulrajani
et al., 2017) as in the thesis, or a loss with spectral normalisation, such as the logistic one of SPIRAL++ (Mellor et
al., 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Score = Callable[[Tensor], Tensor]


def policy_loss(log_prob: Tensor, proximal_log_prob: Tensor, advantages: Tensor, clip_ratio: float | None) -> Tensor:
    """The policy-gradient loss, a number.

    Without a clip −E[log π(a|x) A]; with one −E[min(r A, clip(r, 1−ε, 1+ε) A)], r = π(a|x) / π₀(a|x). The advantages
    hold V-trace's weight min(ρ̄, π₀/μ) for what the policy π₀ is ahead of the one that acted.

    Args:
        log_prob: of the learner's policy, with gradient, [T, B].
        proximal_log_prob: of the policy before it began to learn from this batch, [T, B].
        advantages: without gradient, [T, B].
        clip_ratio: ε, or None.
    """
    if clip_ratio is None:
        return -(log_prob * advantages).mean()
    ratio = (log_prob - proximal_log_prob).exp()
    clipped = ratio.clamp(1.0 - clip_ratio, 1.0 + clip_ratio)
    return -torch.minimum(ratio * advantages, clipped * advantages).mean()


def gradient_penalty(score: Score, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """E[(‖∇_x̂ D(x̂)‖₂ − 1)²] at x̂ = mix·real + (1−mix)·fake, a number with gradient (Gulrajani et al., equation 3).

    Args:
        score: D, from pictures [B, C, H, W] to [B].
        real: [B, C, H, W].
        fake: [B, C, H, W].
        mix: uniform in [0, 1], [B, 1, 1, 1].
    """
    between = torch.lerp(fake, real, mix).requires_grad_(True)
    (slope,) = torch.autograd.grad(score(between).sum(), between, create_graph=True)
    norms: Tensor = slope.flatten(1).norm(dim=1)
    return (norms - 1.0).square().mean()


def mean_score_penalty(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The squared mean score of real and generated together: it keeps D near 0 on average (thesis 6.3.2)."""
    return (0.5 * (real_scores.mean() + fake_scores.mean())).square()


def wasserstein_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """−E[D(real)] + E[D(fake)] (thesis, equation 6.3.1)."""
    return fake_scores.mean() - real_scores.mean()


def logistic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The GAN loss of Goodfellow et al. (2014) on logits: −E[log σ(D(real))] − E[log(1 − σ(D(fake)))]."""
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def hinge_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E[max(0, 1 − D(real))] + E[max(0, 1 + D(fake))] (Lim & Ye, 2017)."""
    return F.relu(1.0 - real_scores).mean() + F.relu(1.0 + fake_scores).mean()


def least_squares_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """½ E[(D(real) − 1)²] + ½ E[(D(fake) + 1)²], with labels 1 and −1 (Mao et al., 2017, equation 8)."""
    return 0.5 * (real_scores - 1.0).square().mean() + 0.5 * (fake_scores + 1.0).square().mean()


def relativistic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """−E[log σ(D(real) − D(fake))] over pairs (Jolicoeur-Martineau, 2018, equation 7).

    Only differences of scores count: a constant added to all of them changes nothing.
    """
    return F.softplus(fake_scores - real_scores).mean()


@dataclass(frozen=True)
class AdversarialLoss:
    """What a discriminator minimises, and what keeps it smooth.

    Attributes:
        loss: from scores of real pictures [B] and of generated ones [B] to a number.
        spectral: whether every layer is divided by its largest singular value (Miyato et al., 2018).
        penalized: whether the gradient penalty and the penalty on the mean score are added.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    spectral: bool
    penalized: bool


ADVERSARIAL_LOSSES = {
    "wgan-gp": AdversarialLoss(wasserstein_loss, spectral=False, penalized=True),
    "logistic": AdversarialLoss(logistic_loss, spectral=True, penalized=False),
    "hinge": AdversarialLoss(hinge_loss, spectral=True, penalized=False),
    "least-squares": AdversarialLoss(least_squares_loss, spectral=True, penalized=False),
    "relativistic": AdversarialLoss(relativistic_loss, spectral=True, penalized=False),
}
