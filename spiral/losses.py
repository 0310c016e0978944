"""The losses of the two learners, as pure functions of tensors.

Policy: the actor-critic of the thesis (6.3.3) with an entropy term, its advantages from V-trace; with a clip, the
surrogate of PPO (Schulman et al., 2017), which bears several passes over one batch. Discriminator: WGAN-GP (Gulrajani
et al., 2017), or the GAN loss that SPIRAL++ uses with spectral normalisation (Mellor et al., 2019).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Score = Callable[[Tensor], Tensor]


def policy_loss(log_prob: Tensor, behaviour_log_prob: Tensor, advantages: Tensor, clip_ratio: float | None) -> Tensor:
    """The policy-gradient loss, a number.

    Without a clip −E[log π(a|x) A]; with one −E[min(ρ A, clip(ρ, 1−ε, 1+ε) A)], ρ = π(a|x) / μ(a|x).

    Args:
        log_prob: of the learner's policy, with gradient, [T, B].
        behaviour_log_prob: of the policy that acted, [T, B].
        advantages: without gradient, [T, B].
        clip_ratio: ε, or None.
    """
    if clip_ratio is None:
        return -(log_prob * advantages).mean()
    ratio = (log_prob - behaviour_log_prob).exp()
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
