r"""The dual of the adversarial distance.

Usman, Saenko, Kulis: "Stable Distribution Alignment Using the Dual of the Adversarial Distance" (ICLR workshop 2018).

How well the best logistic discriminator f(x) = ⟨w, φ(x)⟩ + b with a penalty on w tells A from B is

    d(A, B) = max_{w, b} Σ_A log σ(f(a)) + Σ_B log(1 − σ(f(b))) − λ/2 ‖w‖².                                  (primal)

It is played as a game against whoever moves A, and games are unstable. Its dual is a minimum as well, so that both move
in the same direction:

    d(A, B) = min_{0 ≤ α ≤ 1} 1/(2λ) ‖Σ_A α_i φ(a_i) − Σ_B α_j φ(b_j)‖² + H(α),   Σ_A α_i = Σ_B α_j,            (dual)
    H(α) = Σ α log α + (1 − α) log(1 − α).

The condition on the sums is there because b has no penalty. The slides have the box 0 ≤ α ≤ 1/λ and no 1/λ before the
norm. That is the same with α in units of 1/λ but for H, which is of a number in [0, 1] and makes sense for λ = 1 alone;
with the box [0, 1] both optima are equal, which `tests/spiral/methods/test_dual_distance.py` shows.

Points count through the kernel k(x, y) = ⟨φ(x), φ(y)⟩ alone. By the envelope theorem the gradient of d in the points is
that of the dual objective with the optimal α held fixed: nothing is differentiated through the solver.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Kernel = Callable[[Tensor, Tensor], Tensor]  # [..., N, D], [..., M, D] → [..., N, M]

MOST_NEWTON_STEPS = 60
MOST_HALVINGS = 40  # of a step
PRECISE = 1e-14  # of the Newton decrement, for each point
ROUNDING = 1e-11  # of a sum over the points, below which it cannot be seen to fall
TINY = 1e-14


@dataclass(frozen=True)
class Optimum:
    """The best discriminator between two sets of points.

    Attributes:
        alpha: one for each point, first those of A, [..., N + M], in (0, 1).
        beta: y α / λ, what each point weighs in f, [..., N + M].
        bias: b, [...].
        value: d(A, B), [...]; at most 0, and −(N + M) log 2 at least for sets of equal size.
    """

    alpha: Tensor
    beta: Tensor
    bias: Tensor
    value: Tensor


def linear(x: Tensor, y: Tensor) -> Tensor:
    """k(x, y) = ⟨x, y⟩."""
    return x @ y.mT


def gaussian(width: float) -> Kernel:
    """k(x, y) = exp(−‖x − y‖² / (2 width²))."""

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squares = x.square().sum(-1).unsqueeze(-1) + y.square().sum(-1).unsqueeze(-2) - 2 * x @ y.mT
        return (-squares.clamp(min=0) / (2 * width**2)).exp()

    return kernel


@torch.no_grad()
def solve(gram: Tensor, count: int, penalty: float) -> Optimum:
    """The optimum of the dual by Newton's method, for problems side by side.

    At the optimum α_i = σ(−y_i f(x_i)), with y = 1 on A and −1 on B, and f = Σ_i β_i k(x_i, ·) + b with β = y α / λ.
    Newton's steps are taken in β and b, where nothing has to stay in a box (iteratively reweighted least squares).

    Args:
        gram: k of every point with every point, those of A first, [..., N + M, N + M].
        count: N, how many are of A.
        penalty: λ.

    Raises:
        ValueError: one of the sets is empty, λ is not above 0, or a number is not finite.
    """
    size = gram.shape[-1]
    if not 0 < count < size or not penalty > 0 or not gram.isfinite().all():
        raise ValueError(
            f"{count} and {size - count} points with the penalty {penalty}: give one point of each set at least, "
            "finite numbers, and a penalty above 0"
        )
    gram = gram.double()
    labels = torch.ones(size, dtype=torch.float64, device=gram.device)
    labels[count:] = -1
    beta, bias = torch.zeros_like(gram[..., 0]), torch.zeros_like(gram[..., 0, 0])
    for _ in range(MOST_NEWTON_STEPS):
        step, bias_step, decrement = _newton_step(gram, labels, beta, bias, penalty)
        if decrement.max() < PRECISE * size:
            break
        beta, bias = _line_search(gram, labels, penalty, (beta, bias), (step, bias_step), decrement)
    alpha = torch.sigmoid(-labels * (_product(gram, beta) + bias.unsqueeze(-1)))
    beta = labels * alpha / penalty
    value = penalty / 2 * (beta * _product(gram, beta)).sum(-1) + _entropy(alpha)
    return Optimum(alpha, beta, bias, value)


def distance(a: Tensor, b: Tensor, kernel: Kernel, penalty: float) -> Tensor:
    """d(A, B) / (N + M) + log 2 of points a [..., N, D] and b [..., M, D], with its gradient in both; [...].

    Zero where the discriminator is at a loss, and log 2 where it knows every point, for sets of equal size.
    """
    points = torch.cat((a, b), dim=-2).double()  # else the Gram matrix of clouds far away has negative eigenvalues
    gram, size = kernel(points, points), points.shape[-2]
    best = solve(gram.detach(), a.shape[-2], penalty)
    value = penalty / 2 * (best.beta * _product(gram, best.beta)).sum(-1) + _entropy(best.alpha)
    return (value / size + math.log(2)).to(a.dtype)


def primal(logits: Tensor, count: int, squared_norm: Tensor, penalty: float) -> Tensor:
    """The primal objective of a discriminator, in the units of `distance`, [...].

    Args:
        logits: f of every point, those of A first, [..., N + M].
        count: N.
        squared_norm: ‖w‖², [...].
        penalty: λ.
    """
    known = functional.logsigmoid(logits[..., :count]).sum(-1) + functional.logsigmoid(-logits[..., count:]).sum(-1)
    value: Tensor = (known - penalty / 2 * squared_norm) / logits.shape[-1] + math.log(2)
    return value


def witness(best: Optimum, cross: Tensor) -> Tensor:
    """f(x), the log-odds that a point x is of A, from k of it with every point, [..., K, N + M] → [..., K]."""
    return _product(cross.double(), best.beta) + best.bias.unsqueeze(-1)


def _newton_step(
    gram: Tensor, labels: Tensor, beta: Tensor, bias: Tensor, penalty: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The steps of β and b to the minimum of the parabola, and how steep the way down along them is.

    With weights W = α (1 − α) the minimum solves (K + λ W⁻¹) β + b = f + W⁻¹ y α and Σ β = 0. In units of √W the system
    is well conditioned also where a point is known and its weight vanishes.
    """
    logits = _product(gram, beta) + bias.unsqueeze(-1)
    alpha = torch.sigmoid(-labels * logits).clamp(TINY, 1 - TINY)
    root = (alpha * (1 - alpha)).sqrt()
    system = root.unsqueeze(-1) * gram * root.unsqueeze(-2)
    system = system + penalty * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    right = torch.stack((root * logits + labels * alpha / root, root), dim=-1)
    free, of_bias = torch.linalg.solve(system, right).unbind(-1)
    new_bias = (root * free).sum(-1) / (root * of_bias).sum(-1)
    step = root * (free - new_bias.unsqueeze(-1) * of_bias) - beta
    residual = penalty * beta - labels * alpha
    decrement = -(residual * _product(gram, step)).sum(-1) + (labels * alpha).sum(-1) * (new_bias - bias)
    return step, new_bias - bias, decrement


def _line_search(
    gram: Tensor,
    labels: Tensor,
    penalty: float,
    at: tuple[Tensor, Tensor],
    step: tuple[Tensor, Tensor],
    decrement: Tensor,
) -> tuple[Tensor, Tensor]:
    """β and b after as much of the step as goes down far enough (Armijo)."""

    def loss(beta: Tensor, bias: Tensor) -> Tensor:
        product = _product(gram, beta)
        margins = labels * (product + bias.unsqueeze(-1))
        return functional.softplus(-margins).sum(-1) + penalty / 2 * (beta * product).sum(-1)

    length, value = torch.ones_like(decrement), loss(*at)
    for _ in range(MOST_HALVINGS):
        beta, bias = at[0] + length.unsqueeze(-1) * step[0], at[1] + length * step[1]
        too_far = loss(beta, bias) > value - 0.25 * length * decrement + ROUNDING * value
        if not too_far.any():
            break
        length = torch.where(too_far, length / 2, length)
    return beta, bias


def _entropy(alpha: Tensor) -> Tensor:
    return (torch.xlogy(alpha, alpha) + torch.xlogy(1 - alpha, 1 - alpha)).sum(-1)


def _product(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)
