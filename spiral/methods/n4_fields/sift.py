"""The baseline without learning: SIFT vectors of the patches in place of neural codes (thesis 3.4).

kornia computes them from patches at any place, which others do for keypoints that they find themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from spiral.methods.n4_fields.model import AFTER, BEFORE, M
from spiral.methods.n4_fields.sampling import GRID, STEP
from spiral.section import ConfigError

AT_ONCE = 1024  # patches


def describe(picture: Tensor, stride: int) -> Tensor:
    """The vectors around every `stride`-th pixel of a picture [C, H, W], [128, ⌈H / stride⌉, ⌈W / stride⌉]."""
    rows, columns = (-(-side // stride) for side in picture.shape[1:])
    bordered = functional.pad(_grey(picture[None]), (BEFORE, AFTER, BEFORE, AFTER), mode="replicate")
    return _vectors(functional.unfold(bordered, M, stride=stride)).view(128, rows, columns)


def describe_crops(crops: Tensor) -> Tensor:
    """The vectors of the patches of crops [B, C, …, …], [B, 128, GRID, GRID]."""
    patches = functional.unfold(_grey(crops), M, stride=STEP)
    return torch.stack([_vectors(each[None]) for each in patches]).view(len(crops), 128, GRID, GRID)


def _vectors(patches: Tensor) -> Tensor:
    """The vectors [128, P] of patches [1, M · M, P]."""
    try:
        from kornia.feature import SIFTDescriptor
    except ModuleNotFoundError as error:
        raise ConfigError(
            "the baseline SIFT needs the package kornia: pip install kornia, or --set sift=false"
        ) from error
    sift = SIFTDescriptor(M, rootsift=False)
    squares = patches[0].T.reshape(-1, 1, M, M)
    vectors: Tensor = torch.cat([sift(part) for part in squares.split(AT_ONCE)]).T
    return vectors


def _grey(pictures: Tensor) -> Tensor:
    return pictures[:, :3].mean(1, keepdim=True)
