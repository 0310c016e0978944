"""How many bits go through a guide, by three counts that theorem 1 puts in order.

For pictures a that are drawn evenly from N given ones, and a' = F(b, a) with the guide heard through noise,

    MI(factors(a); factors(a')) ≤ MI(a; a') ≤ MI(s(a); s(a) + ε) ≤ ½ k log₂(1 + L/(kσ²)) ≤ k log₂(1 + L/σ²),

k = dim(s). The first is counted in tables of what a classifier reads, one for each factor of a's own, since what
independent factors tell adds up. The third is drawn from its definition.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


@torch.no_grad()
def channel_information(guides: Tensor, deviation: float, generator: torch.Generator, draws: int = 8) -> float:
    """MI(s; s + ε) in bits, for s evenly of the guides [N, k]; at most log₂ N.

    It is the mean over s and ε of log₂ p(y | s) / p(y), where p(y) is the mean of N Gaussians. Each ε is drawn with −ε.
    """
    codes = guides.flatten(1).double().cpu() / deviation
    apart = torch.cdist(codes, codes).square() / 2
    nats = []
    for _ in range(draws):
        along = torch.randn(codes.shape, generator=generator, dtype=torch.float64) @ codes.T  # ε·s_j
        further = along.diagonal()[:, None] - along
        # log p(y | s_j) / p(y | s) = −½‖s − s_j‖² ∓ ε·(s − s_j), at y = s ± ε.
        nats += [math.log(len(codes)) - (sign * further - apart).logsumexp(1).mean() for sign in (-1, 1)]
    return float(torch.stack(nats).mean()) / math.log(2)


def read_information(truth: Tensor, read: Tensor, generator: torch.Generator, shuffles: int = 100) -> float:
    """MI of two labels int64 [N] in bits, less the most that their table shows where one of them is shuffled."""
    by_chance = [
        _table_information(truth, read[torch.randperm(len(read), generator=generator)]) for _ in range(shuffles)
    ]
    return max(0.0, _table_information(truth, read) - max(by_chance, default=0.0))


def _table_information(truth: Tensor, read: Tensor) -> float:
    """Σ p(i, j) log₂ p(i, j) / (p(i) p(j))."""
    columns = int(read.max()) + 1
    counts = torch.bincount(truth * columns + read, minlength=(int(truth.max()) + 1) * columns)
    joint = counts.view(-1, columns).double() / len(truth)
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    there = joint > 0
    return float((joint[there] * (joint[there] / apart[there]).log2()).sum())
