r"""Log-likelihood ratio minimizing flows (Usman, Sud, Dufour, Saenko, NeurIPS 2020).

A map T moves a set A onto a set B. Two private densities of a family M know T(A) and B alone, a shared one knows both
together. It can never be as likely as the private ones unless the sets are alike, so that

    d(T(A), B) = max_θ log P_M(T(A); θ) + max_θ log P_M(B; θ) − max_θ [log P_M(T(A); θ) + log P_M(B; θ)]  (definition 1)

is a distance, 0 at best; all logarithms are means over a set. Its first term would have to be found anew for each T,
against which T would play a game. But when T is a normalising flow, it is known up to a constant (lemma 2.2):

    max_θ log P_M(T(A); θ) ≤ max_θ log P_M(A; θ) − log det |∇T(A)| + ε,

with ε = 0 where M knows A as well as T(A). What is left is a minimum over T and the shared density (theorem 2.3):

    L(T, θ) = −log det |∇T(A)| − log P_M(T(A); θ) − log P_M(B; θ) + c(A, B),
    c(A, B) = max_θ log P_M(A; θ) + max_θ log P_M(B; θ),

in nats, and 0 where A and B are aligned: a loss that ends above 0 says that the alignment failed.

Flows are zuko's: it has the RealNVP of the paper (Dinh et al., 2017) with inverses and determinants that are tested, in
torch, and depends on nothing else.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from zuko.flows import RealNVP

from spiral.section import Section, Size


class FlowOptions(Section):
    """Of a RealNVP: how many coupling layers there are, and how wide the two hidden layers in each."""

    couplings: Size = 6
    hidden: Size = 64


class Density(nn.Module, ABC):
    """A density P_M(x; θ) of points."""

    @abstractmethod
    def log_prob(self, points: Tensor) -> Tensor:
        """log P_M(x; θ), [..., N, D] → [..., N]."""


class Map(nn.Module, ABC):
    """An invertible map T; fresh, it is the identity."""

    @abstractmethod
    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """T(x) and log |det ∇T(x)|, [..., N, D] → [..., N, D] and [..., N]."""


class Gaussian(Density):
    """N(mean, L Lᵀ), with log L on the diagonal; several side by side for a shape [..., D]. Fresh, it is N(0, 1)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(shape))
        self.lower = nn.Parameter(torch.zeros(*shape, shape[-1]))

    def log_prob(self, points: Tensor) -> Tensor:
        """log N(x; mean, L Lᵀ)."""
        logs = self.lower.diagonal(dim1=-2, dim2=-1)
        factor = self.lower.tril(-1) + torch.diag_embed(logs.exp())
        white = torch.linalg.solve_triangular(factor, (points - self.mean.unsqueeze(-2)).mT, upper=False)
        log_prob: Tensor = -white.square().sum(-2) / 2 - logs.sum(-1, keepdim=True)
        return log_prob - points.shape[-1] / 2 * math.log(2 * math.pi)

    @torch.no_grad()
    def fit(self, points: Tensor) -> None:
        """Become the most likely one: the mean and the covariance (by N) of the points."""
        factor = torch.linalg.cholesky(covariance(points))
        self.mean.copy_(points.mean(-2))
        self.lower.copy_(factor.tril(-1) + torch.diag_embed(factor.diagonal(dim1=-2, dim2=-1).log()))


class Flow(Density):
    """A RealNVP, which makes a standard Gaussian of the points. Fresh, it is N(0, 1)."""

    def __init__(self, features: int, options: FlowOptions) -> None:
        super().__init__()
        self.flow = _real_nvp(features, options)

    def log_prob(self, points: Tensor) -> Tensor:
        """The logarithm of the Gaussian's density where a point lands, and of the determinant on the way."""
        log_prob: Tensor = self.flow().log_prob(points)
        return log_prob


class AffineMap(Map):
    """T(x) = W x + b, or x + b alone; several side by side for a shape [..., D]."""

    def __init__(self, *shape: int, turns: bool = True) -> None:
        super().__init__()
        matrix = torch.eye(shape[-1]).expand(*shape, shape[-1]).clone()
        self.matrix = nn.Parameter(matrix, requires_grad=turns)
        self.shift = nn.Parameter(torch.zeros(shape))

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """W x + b, and log |det W|."""
        moved = points @ self.matrix.mT + self.shift.unsqueeze(-2)
        log_det = torch.linalg.slogdet(self.matrix).logabsdet.unsqueeze(-1)
        return moved, log_det.expand(moved.shape[:-1])


class FlowMap(Map):
    """A RealNVP as a map from points to points."""

    def __init__(self, features: int, options: FlowOptions) -> None:
        super().__init__()
        self.flow = _real_nvp(features, options)

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """What the couplings make of the points."""
        moved, log_det = self.flow.transform().call_and_ladj(points)
        return moved, log_det


def bound(private_a: Tensor, log_det: Tensor) -> Tensor:
    """The right side of lemma 2.2 for ε = 0: at most so likely is T(A) to its private density, [...].

    Args:
        private_a: log P_M(a; θ_A) of the best θ_A, [..., N].
        log_det: log |det ∇T(a)|, [..., N].
    """
    return private_a.mean(-1) - log_det.mean(-1)


def lrmf_loss(log_det: Tensor, shared_a: Tensor, shared_b: Tensor, constant: Tensor) -> Tensor:
    """L(T, θ) of theorem 2.3, in nats, [...].

    Args:
        log_det: log |det ∇T(a)|, [..., N].
        shared_a: log P_M(T(a); θ) of the shared density, [..., N].
        shared_b: log P_M(b; θ) of it, [..., M].
        constant: c(A, B), [...].
    """
    return constant - log_det.mean(-1) - shared_a.mean(-1) - shared_b.mean(-1)


def likelihood_ratio(private_a: Tensor, private_b: Tensor, shared_a: Tensor, shared_b: Tensor) -> Tensor:
    """d of definition 1 from log-likelihoods of points under the best private densities and the shared one, [...]."""
    return private_a.mean(-1) + private_b.mean(-1) - shared_a.mean(-1) - shared_b.mean(-1)


def covariance(points: Tensor) -> Tensor:
    """The covariance by N, [..., N, D] → [..., D, D]."""
    centred = points - points.mean(-2, keepdim=True)
    return centred.mT @ centred / points.shape[-2]


def _real_nvp(features: int, options: FlowOptions) -> RealNVP:
    """A flow that is the identity: the last layer in each coupling begins with zeros."""
    flow = RealNVP(features, transforms=options.couplings, hidden_features=(options.hidden, options.hidden))
    for coupling in flow.transform.transforms:
        nn.init.zeros_(coupling.hyper[-1].weight)
        nn.init.zeros_(coupling.hyper[-1].bias)
    return flow
