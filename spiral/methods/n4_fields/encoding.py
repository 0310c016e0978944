"""What a network is to say of a patch: 16 numbers in place of its annotation, by principal components.

`annotation` projects the N×N marks themselves, PCA(A(P)). `pairs` is the alternative encoding (thesis, equation 3.4.1):

    B(P) = PCA((v_1, …, v_L)),   L = N² (N² − 1) / 2,   v_i = 1 where the two pixels of pair i are of one segment,

so that it matters what lies on the same side, and not where exactly an edge is drawn. Both are divided by one number,
after which a code's variance is 1 in the mean; distances between codes keep their proportions.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from spiral.methods.n4_fields.model import N

CODE = 16
Encoding = Literal["annotation", "pairs"]
FIRST, SECOND = (torch.from_numpy(each) for each in np.triu_indices(N * N, 1))
AT_ONCE = 16  # patches whose pairs are in memory together


class Codes:
    """A projection to codes, found on patches.

    Args:
        encoding: what is projected.
        marks, segments: of the patches, [P, N · N] each.
        seed: of the search for the components.
    """

    def __init__(self, encoding: Encoding, marks: Tensor, segments: Tensor, seed: int) -> None:
        self.encoding: Encoding = encoding
        points = marks.float() if encoding == "annotation" else pairs(segments)
        found = PCA(CODE, svd_solver="arpack", random_state=seed).fit(points.numpy())
        self._weights = torch.from_numpy(np.ascontiguousarray(found.components_.astype(np.float32)))
        self._mean = self._weights @ torch.from_numpy(found.mean_.astype(np.float32))
        self._scale = float(np.sqrt(found.explained_variance_.mean()))
        self._one_segment = self._weights.sum(1)
        if encoding == "pairs":
            self._weights = _as_squares(self._weights)

    def __call__(self, marks: Tensor, segments: Tensor) -> Tensor:
        """The codes of patches, [P, 16]."""
        projected = marks.float() @ self._weights.T if self.encoding == "annotation" else self._of_pairs(segments)
        return (projected - self._mean) / self._scale

    def _of_pairs(self, segments: Tensor) -> Tensor:
        """The projections of all pairs; those of the many patches of one segment are known."""
        projected = self._one_segment.repeat(len(segments), 1)
        several = (segments != segments[:, :1]).any(1)
        segments = segments[several].short()
        squares = ((part[:, :, None] == part[:, None, :]).flatten(1).float() for part in segments.split(AT_ONCE))
        if len(segments):
            projected[several] = torch.cat([square @ self._weights.T for square in squares])
        return projected


def pairs(segments: Tensor) -> Tensor:
    """Whether the pixels of each pair are of one segment, [P, L], for segments [P, N · N]."""
    return (segments[:, FIRST] == segments[:, SECOND]).float()


def _as_squares(weights: Tensor) -> Tensor:
    """Weights of pairs [D, L] as those of all pixels by all, [D, N⁴], where a comparison needs no list of pairs."""
    squares = torch.zeros(len(weights), N * N, N * N)
    squares[:, FIRST, SECOND] = weights
    return squares.flatten(1)


def as_bits(marks: Tensor) -> NDArray[np.uint8]:
    """Marks [P, N · N] as bits, [P, N · N / 8]."""
    return np.packbits(marks.numpy().astype(bool), axis=1)


def from_bits(bits: NDArray[np.uint8]) -> Tensor:
    """The marks [P, N · N] of bits, uint8, 0 or 1."""
    return torch.from_numpy(np.unpackbits(bits, axis=1))
