"""What the thesis measures features by: how far apart two domains are, and what a linear classifier makes of them.

Subspace alignment (Fernando et al., "Unsupervised Visual Domain Adaptation Using Subspace Alignment", ICCV 2013) is
scikit-learn's PCA and a product of two bases. The package skada has the same (the tests compare them), but finds both
bases anew for every number of components that is tried, and its pipelines carry each picture's domain along.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

Features = NDArray[np.float32]  # [N, D]
Labels = NDArray[np.int64]  # [N]


def linear_svm() -> Pipeline:
    """A linear support vector machine on features that are scaled to variance 1."""
    return make_pipeline(StandardScaler(), LinearSVC(C=0.01, dual=False, max_iter=5000))


def svm_accuracy(features: Features, labels: Labels, test: Features, test_labels: Labels) -> float:
    """How many of the test features a linear machine reads right that learned from others."""
    return float(linear_svm().fit(features, labels).score(test, test_labels))


def proxy_distance(source: Features, target: Features, seed: int = 0) -> float:
    """2 (1 − 2ε), where ε is the error of a linear machine that tells the domains apart, in [0, 2] (5.2.2).

    It learns from a half of the features and is asked about the other. An error above one half counts as one half.
    """
    features = np.concatenate((source, target))
    domains = np.repeat((0, 1), (len(source), len(target)))
    order = np.random.default_rng(seed).permutation(len(features))
    known, asked = np.array_split(order, 2)
    error = 1 - svm_accuracy(features[known], domains[known], features[asked], domains[asked])
    return 2 * (1 - 2 * min(error, 0.5))


def aligned(source: Features, target: Features, others: Features, components: int) -> tuple[Features, Features]:
    """The source in its own principal subspace turned onto the target's, X_s P_s P_sᵀ P_t, and others X_t P_t."""
    of_source, of_target = (PCA(components, random_state=0).fit(features) for features in (source, target))
    return _turned(of_source, of_target, source, others, components)


def subspace_alignment(
    source: Features, labels: Labels, target: Features, test: Features, test_labels: Labels, tried: Sequence[int]
) -> tuple[float, int]:
    """The best accuracy on the test features over numbers of components, as in the thesis, and that number.

    Choosing by the test labels favours this baseline (thesis 5.4.1).
    """
    most = min(max(tried), source.shape[1], len(source), len(target))
    of_source, of_target = (PCA(most, random_state=0).fit(features) for features in (source, target))
    found = []
    for components in sorted({min(count, most) for count in tried}):
        turned, others = _turned(of_source, of_target, source, test, components)
        found.append((svm_accuracy(turned, labels, others, test_labels), components))
    return max(found)


def _turned(
    of_source: PCA, of_target: PCA, source: Features, others: Features, components: int
) -> tuple[Features, Features]:
    from_source, to_target = of_source.components_[:components], of_target.components_[:components]
    turned = (source - of_source.mean_) @ from_source.T @ (from_source @ to_target.T)
    return turned, (others - of_target.mean_) @ to_target.T


def share_of_gap(accuracy: float, source_only: float, on_target: float) -> float | None:
    """How much of the way from source-only to train-on-target an accuracy is; None where there is no way to go."""
    gap = on_target - source_only
    return (accuracy - source_only) / gap if gap > 0 else None


def nearest_kind(shown: Features, shown_labels: Labels, painted: Features, painted_labels: Labels) -> float:
    """How many of the shown are nearer, in the median, to what is painted of their kind than to that of any other."""
    kinds = np.unique(painted_labels)
    distances = cdist(shown, painted)
    medians = np.stack([np.median(distances[:, painted_labels == kind], axis=1) for kind in kinds], axis=1)
    return float(np.mean(kinds[medians.argmin(axis=1)] == shown_labels))
