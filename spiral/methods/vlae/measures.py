"""By what the autoencoder is measured: measures that know nothing of it, and what its codes know of these."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.methods.vlae.model import Codes

NEIGHBOURS = 20
INKED = 0.5  # of full ink, from which on a pixel belongs to a stroke
CHUNK = 200  # pictures at a time that are compared with all others


def frechet(some: Tensor, others: Tensor) -> float:
    """The Fréchet distance of two sets of features [N, F] and [M, F], each taken for a Gaussian.

    ‖m − m'‖² + Tr(C + C' − 2 (C C')^½); the last trace is the sum of the roots of the eigenvalues of C C', which are
    those of a positive matrix.
    """
    from scipy.linalg import eigvals

    a, b = some.double().cpu().numpy(), others.double().cpu().numpy()
    own, other = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    roots = np.sqrt(np.clip(eigvals(own @ other).real, 0, None)).sum()
    apart = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(own) + np.trace(other) - 2 * roots
    return float(max(apart, 0.0))


def told_by(codes: Tensor, values: Tensor, held_out: Tensor, wanted: Tensor) -> float:
    """How well the nearest of known codes [N, d] tell a value of held-out ones.

    Of classes (int64) the share that is told right; of numbers R², the share of the variance that is told.
    """
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    classes = not values.is_floating_point()
    near = (KNeighborsClassifier if classes else KNeighborsRegressor)(min(NEIGHBOURS, len(codes)))
    near.fit(codes.cpu().numpy(), values.cpu().numpy())
    return float(near.score(held_out.cpu().numpy(), wanted.cpu().numpy()))


def mutual_information(means: Codes, deviations: Codes, seed: int) -> list[float]:
    """I(x; z_l) of each ladder and I(x; z) of all, in nats, between N pictures and their codes.

    It is the mean of log q(z | x) − log (1/N) Σ_j q(z | x_j) for a code z of each picture, at most log N.
    """
    generator = torch.Generator().manual_seed(seed)
    count = len(means[0])
    noise = [torch.randn(mean.shape, generator=generator).to(mean) for mean in means]
    found = torch.zeros(len(means) + 1, dtype=torch.float64)
    for some in torch.arange(count).split(CHUNK):
        each = torch.stack(
            [
                _log_normal(mean[some] + deviation[some] * drawn[some], mean, deviation)
                for mean, deviation, drawn in zip(means, deviations, noise, strict=True)
            ]
        ).double()
        joint = torch.cat((each, each.sum(0, keepdim=True)))
        own = joint[:, torch.arange(len(some)), some]
        found += (own - joint.logsumexp(2) + math.log(count)).sum(1).cpu()
    return [float(value) / count for value in found]


def _log_normal(codes: Tensor, means: Tensor, deviations: Tensor) -> Tensor:
    """log N(z_i; μ_j, σ_j) up to a constant, [B, N]."""
    away = (codes.unsqueeze(1) - means) / deviations
    return -(0.5 * away.square() + deviations.log()).sum(2)


def stroke_width(ink: NDArray[np.floating]) -> NDArray[np.float32]:
    """How wide the strokes of pictures [N, H, W] are, in pixels, [N]: four times the mean way to the paper's edge.

    In the middle of a stroke of width w that way is w / 2, and on average w / 4. Blank pictures have width 0.
    """
    from scipy.ndimage import distance_transform_edt

    widths = np.zeros(len(ink), np.float32)
    for place, picture in enumerate(ink):
        inked = picture >= INKED * max(float(picture.max()), 1e-6)
        if inked.any() and not inked.all():
            widths[place] = 4 * (distance_transform_edt(np.pad(inked, 1))[1:-1, 1:-1][inked] - 0.5).mean()
    return widths
