"""The path as t-SNE shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spiral.methods.pictures import save_figure

EMBEDDED = 50  # points of each kind, as in figure 7


def save_embedding(path: Path, source: Tensor, target: Tensor, ways: Sequence[Tensor], seed: int) -> None:
    """Figure 7: places of source and target [N, K] and ways [steps, K] in two dimensions by t-SNE."""
    from matplotlib import pyplot
    from sklearn.manifold import TSNE

    kinds = [_some(source), _some(target)]
    points = torch.cat((*kinds, *ways)).cpu().numpy()
    neighbours = min(15.0, (len(points) - 1) / 3)
    found = TSNE(perplexity=neighbours, init="pca", random_state=seed).fit_transform(points)
    first, second = len(kinds[0]), len(kinds[0]) + len(kinds[1])
    figure, axes = pyplot.subplots(figsize=(6, 6))
    axes.scatter(found[:first, 0], found[:first, 1], s=14, color="tab:green", label="source")
    axes.scatter(found[first:second, 0], found[first:second, 1], s=14, color="tab:blue", label="target")
    for i, way in enumerate(np.split(found[second:], np.cumsum([len(way) for way in ways])[:-1])):
        axes.plot(*way.T, "-o", color="tab:red", markersize=4, linewidth=1, label=None if i else "traversal")
        axes.plot(*way[0], "o", color="black", markersize=5)
    axes.legend()
    axes.set_xticks([])
    axes.set_yticks([])
    save_figure(figure, path)


def _some(places: Tensor) -> Tensor:
    """At most so many as are embedded, from the first to the last: they come in the order of what sets them apart."""
    return places[np.linspace(0, len(places) - 1, min(EMBEDDED, len(places))).astype(np.int64)]
