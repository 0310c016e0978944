"""What the thesis measures: errors over the angle (figure 4.7), ordered errors (figure 4.6), and the speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from spiral.methods.deepwarp.model import ANCHORS, HEIGHT, WIDTH, Warper, distance
from spiral.methods.deepwarp.pairs import Pairs, Source
from spiral.methods.deepwarp.training import turned

Redirect = Callable[[Pairs], Tensor]  # what a model makes of the eyes of pairs, [N, 3, H, W]


def held_pairs(source: Source, count: int, seed: int) -> dict[int, Pairs]:
    """So many pairs of each bin, a quarter of them hard as in a batch: all models are measured on them."""
    hard = count // 4
    return {
        number: source.of_bin(number, count - hard, hard, torch.Generator().manual_seed(seed + number))
        for number in source.bins
    }


def errors_by_bin(redirect: Redirect, held: Mapping[int, Pairs]) -> list[float]:
    """The mean squared error in each bin."""
    return [float(distance(redirect(pairs), pairs.truth).mean()) for pairs in held.values()]


def unchanged(pairs: Pairs) -> Tensor:
    """The eyes as they are: what every model has to be better than."""
    return pairs.eyes


def redirecting(network: Warper) -> Redirect:
    """What a network makes of pairs."""
    return lambda pairs: turned(network, pairs.eyes, pairs.anchors, pairs.angles).output


def warping(network: Warper) -> Redirect:
    """What its warps alone make of them, without a lightness correction."""
    return lambda pairs: turned(network, pairs.eyes, pairs.anchors, pairs.angles).warped


def ordered_errors(redirect: Redirect, pairs: Pairs) -> Tensor:
    """Each error over that of the input, from the smallest, [N]."""
    shares = distance(redirect(pairs), pairs.truth) / distance(pairs.eyes, pairs.truth).clamp(min=1e-8)
    return shares.sort().values


@torch.no_grad()
def frames_per_second(network: Warper, at_once: int, seconds: float = 0.5) -> float:
    """How many eyes a network turns in a second, so many at once, with the threads that torch has."""
    device = next(network.parameters()).device
    eyes = torch.rand(at_once, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)).to(device)
    anchors, angles = torch.full((at_once, ANCHORS, 2), 20.0, device=device), torch.zeros(at_once, 2, device=device)
    network.eval()
    network(eyes, anchors, angles)
    begun, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - begun) < seconds or not count:
        float(network(eyes, anchors, angles).output[0, 0, 0, 0])
        count += at_once
    return count / passed
