"""The thesis's pictures: both domains (figure 5.2), their features (figure 5.4), and the learning (figure 5.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.methods.dann.domains import Domain
from spiral.methods.pictures import save_figure, save_rows

SOURCE, TARGET = "tab:blue", "tab:red"  # as in the thesis
PRINCIPAL = 50  # components of features that are embedded


def draw_domains(path: Path, domains: Sequence[Domain], across: int = 12) -> None:
    """A row of pictures of each domain."""
    across = min(across, *(len(domain.images) for domain in domains))
    save_rows([domain.images[:across].float() / 255 for domain in domains], path)


def draw_features(
    path: Path, features: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]], seed: int
) -> None:
    """Features of source and target in two dimensions by t-SNE, a panel for each name."""
    from matplotlib import pyplot
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    figure, panels = pyplot.subplots(1, len(features), figsize=(5 * len(features), 5), squeeze=False)
    for axes, (name, domains) in zip(panels[0], features.items(), strict=True):
        together = np.concatenate(domains)
        together = PCA(min(PRINCIPAL, *together.shape), random_state=seed).fit_transform(together)
        perplexity = min(30.0, (len(together) - 1) / 3)
        flat = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(together)
        count = len(domains[0])
        for points, color, called in ((flat[:count], SOURCE, "source"), (flat[count:], TARGET, "target")):
            axes.scatter(*points.T, s=4, color=color, label=called, alpha=0.6, linewidths=0)
        axes.set(title=name, xticks=[], yticks=[])
    panels[0, 0].legend(loc="upper left", markerscale=3)
    save_figure(figure, path)


def draw_learning(path: Path, curves: Mapping[str, Sequence[float]]) -> None:
    """The error on the target while each arm learns."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    for name, curve in curves.items():
        axes.plot(np.linspace(0, 1, len(curve), endpoint=False), 1 - np.array(curve), label=name)
    axes.set(xlabel="progress of the training", ylabel="error on the target", ylim=(0, None))
    axes.legend(fontsize=8)
    save_figure(figure, path)
