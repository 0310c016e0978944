"""From patches to a picture: every patch says where it sees edges in its middle, and the mean of all counts (3.3.1).

What says so is a field: `NearestField` has the annotation of the patch most alike in a dictionary (N4 itself, or SIFT
in place of the network), and `DirectField` the output of a network that classifies pixels. A committee is the mean of
fields, and scales are the mean of what is found in the picture and in its smaller and larger forms. Each field at each
scale is a job by itself, and as many are done at once as PyTorch may use threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch.nn import functional

from spiral.methods.n4_fields.encoding import CODE, as_bits, from_bits
from spiral.methods.n4_fields.model import N, PatchNetwork, as_inputs, dense
from spiral.methods.n4_fields.sampling import GRID, Patches
from spiral.precision import on_one_thread

SCALES = (0.5, 1.0, 2.0)
CROPS_AT_ONCE = 8
STRIDE_WHEN_SMALLER = 4  # at most
SLACK = 2.0  # a sixth of the time, and codes are but 1 % farther in the mean (the thesis looks at 30 codes)
OF_EACH = 20  # patches that a crop gives to a dictionary

Describe = Callable[[Tensor, int], Tensor]  # of [C, H, W], what is at every `stride`-th pixel, [D, ⌈H / s⌉, ⌈W / s⌉]

Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


class Field(Protocol):
    """Finds edges in a picture at one scale."""

    def __call__(self, picture: Tensor, stride: int) -> Tensor:
        """Edges in [0, 1], [H, W], of a picture [C, H, W], from patches `stride` pixels from each other."""


class Dictionary:
    """Codes with their annotations, and the search for the nearest.

    Neural codes vary in few directions, in which a tree leaves nearly all of them out (SciPy's); of SIFT's 128 numbers
    it would look at all, and products of matrices are faster (scikit-learn's).

    Args:
        codes: float32 [T, D].
        bits: the annotations, uint8 [T, N · N / 8].
    """

    def __init__(self, codes: NDArray[np.float32], bits: NDArray[np.uint8]) -> None:
        self.codes, self.bits = codes, bits
        self.marks = from_bits(bits)
        neural = codes.shape[1] <= CODE
        self._nearest = _in_a_tree(codes) if neural else _by_products(codes)

    def nearest(self, codes: NDArray[np.float32]) -> NDArray[np.int64]:
        """The places [Q] of the entries whose codes are nearest; the tree's are at most `SLACK` of that farther."""
        return self._nearest(codes)


def _in_a_tree(codes: NDArray[np.float32]) -> Search:
    tree = cKDTree(codes)
    return lambda asked: np.asarray(tree.query(asked, eps=SLACK)[1], np.int64)


def _by_products(codes: NDArray[np.float32]) -> Search:
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(codes)
    return lambda asked: np.asarray(search.kneighbors(asked, return_distance=False)[:, 0], np.int64)


class NearestField:
    """The annotation of the nearest code."""

    def __init__(self, describe: Describe, dictionary: Dictionary) -> None:
        self.describe, self.dictionary = describe, dictionary

    def __call__(self, picture: Tensor, stride: int) -> Tensor:
        """Edges in [0, 1], [H, W]."""
        found = self.describe(picture, stride)
        codes = found.flatten(1).T.contiguous().cpu().numpy()
        marks = self.dictionary.marks[torch.from_numpy(self.dictionary.nearest(codes))]
        return averaged(marks, (picture.shape[1], picture.shape[2]), stride)


class DirectField:
    """The probabilities of a network for N×N pixels, or for the central one alone (3.4)."""

    def __init__(self, network: PatchNetwork, precision: str = "float32") -> None:
        self.network, self.precision = network, precision

    def __call__(self, picture: Tensor, stride: int) -> Tensor:
        """Edges in [0, 1], [H, W]."""
        size = picture.shape[1], picture.shape[2]
        outputs = dense(self.network, picture, stride, self.precision).sigmoid().cpu()
        if len(outputs) > 1:
            return averaged(outputs.flatten(1).T, size, stride)
        return outputs[0] if stride == 1 else resized(outputs, size)[0]


def averaged(patches: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """The mean of all patches that cover a pixel, float32 [H, W].

    Args:
        patches: [places, N · N], of every `stride`-th pixel, each from 8 pixels before it on.
        size: H and W.
        stride: a `Stride`, so that a patch is a square of so many whole blocks of `stride` pixels.
    """
    rows, columns = (-(-side // stride) for side in size)
    across = N // stride
    blocks = patches.reshape(rows, columns, across, stride, across, stride)
    total = torch.zeros(rows + across - 1, columns + across - 1, stride, stride)
    for down in range(across):
        for right in range(across):
            total[down : down + rows, right : right + columns] += blocks[:, :, down, :, right]
    count = _covering(rows, across)[:, None] * _covering(columns, across)
    mean = (total / count[:, :, None, None]).permute(0, 2, 1, 3).flatten(2, 3).flatten(0, 1)
    return mean[N // 2 : N // 2 + size[0], N // 2 : N // 2 + size[1]]


def _covering(places: int, across: int) -> Tensor:
    """How many patches cover each block in one direction."""
    block = torch.arange(places + across - 1)
    return torch.minimum(block, places - 1 + across - 1 - block).add(1).clamp(max=min(places, across))


def codes_of(network: PatchNetwork, precision: str = "float32") -> Describe:
    """The neural codes of a network."""
    return lambda picture, stride: dense(network, picture, stride, precision)


def found_edges(
    fields: Sequence[Field], image: NDArray[np.uint8], mean: Tensor, scales: Sequence[float], stride: int
) -> NDArray[np.float32]:
    """The edges of a picture uint8 [H, W, C] by a committee at several scales, in [0, 1], [H, W].

    Patches are `stride` pixels from each other, and no more than 4 where the picture is looked at smaller.
    """
    picture = as_inputs(image, mean, mean.device)
    size = image.shape[0], image.shape[1]

    largest_first = sorted(scales, reverse=True)  # so that no thread is left with a long job at the end
    scaled = [resized(picture, tuple(max(1, round(scale * side)) for side in size)) for scale in largest_first]
    strides = [stride if scale >= 1 else min(stride, STRIDE_WHEN_SMALLER) for scale in largest_first]

    @torch.no_grad()  # which holds in one thread only
    def seen(job: tuple[tuple[Tensor, int], Field]) -> Tensor:
        (maps, apart), field = job
        return resized(field(maps, apart)[None], size)[0]

    threads = torch.get_num_threads()
    with on_one_thread(), ThreadPoolExecutor(threads) as pool:
        found = pool.map(seen, product(zip(scaled, strides, strict=True), fields))
        edges: NDArray[np.float32] = (sum(found, torch.zeros(size)) / (len(scales) * len(fields))).numpy()
    return edges


@torch.no_grad()
def drawn_dictionary(
    describe_crops: Callable[[Tensor], Tensor], patches: Patches, entries: int, generator: torch.Generator
) -> Dictionary:
    """A dictionary of so many patches of the training pictures; crops are described as [B, D, GRID, GRID]."""
    codes, bits, missing = [], [], entries
    while missing > 0:
        sample = patches.draw(CROPS_AT_ONCE, generator)
        described = describe_crops(sample.crops).permute(0, 2, 3, 1).flatten(0, 2).cpu()
        chosen = torch.randperm(len(described), generator=generator)[: min(missing, CROPS_AT_ONCE * OF_EACH)]
        codes.append(described[chosen].numpy())
        bits.append(as_bits(sample.marks[chosen]))
        missing -= len(chosen)
    assert len(described) == CROPS_AT_ONCE * GRID * GRID, "a crop is described at each of its patches"
    return Dictionary(np.concatenate(codes), np.concatenate(bits))


def resized(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Maps [C, H, W] at another size, by their means where it is smaller."""
    if tuple(maps.shape[1:]) == tuple(size):
        return maps
    return functional.interpolate(maps[None], tuple(size), mode="bilinear", antialias=True)[0]
