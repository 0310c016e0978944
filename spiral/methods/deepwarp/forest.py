"""The baseline: a random forest that says where each pixel comes from, for one angle (Kononenko and Lempitsky, 2015).

The best displacement of each pixel is sought in the training pairs, by comparing patches, and scikit-learn's forest
learns to predict it from the lightness nearby and the feature points. The original has leaves of its own kind, in which
the errors of all displacements add up.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from spiral.methods.deepwarp.model import EMBEDDED, input_maps, sample
from spiral.methods.deepwarp.pairs import Pairs

TREES, DEPTH, LEAST_IN_LEAF = 16, 14, 6
REACH_Y, REACH_X = 12, 3  # pixels that a pixel may come from
PATCH = 5  # pixels, the side of what is compared
STIFFNESS = 2e-5  # what a squared pixel of displacement costs, so that flat skin stays
EACH = 250  # pixels of each pair that are learned from
SPREAD, ACROSS = 3, 5  # lightness is looked at in 5 by 5 places, 3 pixels apart


class Forest:
    """A forest, fitted to pairs of one correction."""

    def __init__(self, pairs: Pairs, seed: int) -> None:
        from sklearn.ensemble import RandomForestRegressor

        rng = np.random.default_rng(seed)
        flows = best_displacements(pairs.eyes, pairs.truth).flatten(2).permute(0, 2, 1).numpy()
        seen = features(pairs)
        places = [rng.choice(seen.shape[1], EACH, replace=False) for _ in range(len(pairs))]
        x = np.concatenate([part[place] for part, place in zip(seen, places, strict=True)])
        y = np.concatenate([part[place] for part, place in zip(flows, places, strict=True)])
        self.trees = RandomForestRegressor(
            TREES, max_depth=DEPTH, min_samples_leaf=LEAST_IN_LEAF, max_features=1 / 3, n_jobs=1, random_state=seed
        ).fit(x, y)

    def redirect(self, pairs: Pairs) -> Tensor:
        """What the forest makes of the eyes of pairs, [N, 3, H, W]."""
        height, width = pairs.eyes.shape[-2:]
        seen = features(pairs)
        flows = torch.from_numpy(self.trees.predict(seen.reshape(-1, seen.shape[-1])).astype(np.float32))
        return sample(pairs.eyes, flows.view(len(pairs), height, width, 2).permute(0, 3, 1, 2))

    def size_in_bytes(self) -> int:
        """Of all nodes."""
        states = [tree.tree_.__getstate__() for tree in self.trees.estimators_]
        return sum(state["nodes"].nbytes + state["values"].nbytes for state in states)


def best_displacements(eyes: Tensor, truth: Tensor) -> Tensor:
    """Where the patch around each pixel of the truth is found best in the eyes, in pixels, [N, 2, H, W]."""
    height, width = eyes.shape[-2:]
    wide = functional.pad(eyes, (REACH_X, REACH_X, REACH_Y, REACH_Y), mode="replicate")
    least = torch.full((len(eyes), height, width), torch.inf)
    best = torch.zeros(len(eyes), 2, height, width)
    for dy in range(-REACH_Y, REACH_Y + 1):
        for dx in range(-REACH_X, REACH_X + 1):
            top, left = dy + REACH_Y, dx + REACH_X
            off = (wide[..., top : top + height, left : left + width] - truth).square().mean(1, keepdim=True)
            cost = functional.avg_pool2d(off, PATCH, 1, PATCH // 2, count_include_pad=False)[:, 0]
            cost = cost + STIFFNESS * (dx**2 + dy**2)
            better = cost < least
            least = torch.where(better, cost, least)
            moved = torch.tensor((float(dx), float(dy))).view(1, 2, 1, 1)
            best = torch.where(better.unsqueeze(1), moved, best)
    return best


def features(pairs: Pairs) -> NDArray[np.float32]:
    """What the forest sees at each pixel: lightness nearby and offsets from the feature points, [N, H · W, 39]."""
    grey = pairs.eyes.mean(1, keepdim=True)
    border = SPREAD * (ACROSS // 2)
    padded = functional.pad(grey, (border,) * 4, mode="replicate")
    nearby = functional.unfold(padded, ACROSS, dilation=SPREAD)
    offsets = input_maps(pairs.eyes, pairs.anchors, pairs.eyes.new_zeros(len(pairs), EMBEDDED))[:, 3 + EMBEDDED :]
    seen: NDArray[np.float32] = torch.cat((nearby, offsets.flatten(2)), 1).permute(0, 2, 1).numpy()
    return seen
