"""The edge benchmark of BSDS500 (Arbeláez et al., 2011), and its pixelwise form for vessels.

Thinned edges above each of 99 thresholds are assigned to the boundaries that an annotator drew, one pixel to one, no
farther than the tolerance. A boundary pixel that is assigned is recalled; recall is over all annotators. A found pixel
is right if it is assigned for any of them. ODS is the best F-measure at one threshold for all pictures, OIS that at
each picture's own best, AP the area below precision over recall.

The benchmark assigns at least cost, where a pixel that is left over costs a hundred tolerances; so as many are assigned
as can be, which is what counts here, and SciPy finds it by maximum matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import cKDTree

from spiral.methods.n4_fields.thinning import Edges, suppressed, thinned

THRESHOLDS = np.arange(1, 100) / 100
TOLERANCE = 0.0075  # in diagonals of the picture
BETWEEN = np.linspace(0, 1, 101)  # points from one threshold to the next at which F is looked at

Counts = NDArray[np.int64]  # [..., 4]: recalled, of so many; right, of so many
Masks = NDArray[np.bool_]  # [A, H, W], by annotator


@dataclass(frozen=True)
class Scores:
    """What the benchmark says.

    Attributes:
        ods, ois, ap: the three figures.
        threshold: at which ODS is found.
        recall, precision: over the thresholds.
    """

    ods: float
    ois: float
    ap: float
    threshold: float
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


def evaluated(
    found: Sequence[Edges], drawn: Sequence[Masks], tolerance: float = TOLERANCE, thresholds: int = len(THRESHOLDS)
) -> Scores:
    """The scores of edges found in several pictures, against what annotators drew."""
    levels = np.arange(1, thresholds + 1) / (thresholds + 1)
    pairs = zip(found, drawn, strict=True)
    counts = [counted(suppressed(edges), masks, tolerance, levels) for edges, masks in pairs]
    return scored(np.stack(counts), levels)


def evaluated_by_pixel(found: Sequence[Edges], drawn: Sequence[Masks], inside: Sequence[NDArray[np.bool_]]) -> Scores:
    """The scores of masks found in several pictures, pixel by pixel, against the first annotator."""
    counts = [_pixels(edges[where], masks[0][where]) for edges, masks, where in zip(found, drawn, inside, strict=True)]
    return scored(np.stack(counts), THRESHOLDS)


def counted(
    edges: Edges, drawn: Masks, tolerance: float = TOLERANCE, thresholds: NDArray[np.float64] = THRESHOLDS
) -> Counts:
    """The counts of suppressed edges over the thresholds, [thresholds, 4]."""
    masks = thinned(edges >= thresholds[:, None, None])
    places = np.argwhere(edges >= thresholds[0])
    chosen = masks[:, places[:, 0], places[:, 1]]
    reach = tolerance * float(np.hypot(*edges.shape))
    near = [_near(places, np.argwhere(mask), reach) for mask in drawn]
    counts = np.zeros((len(thresholds), 4), np.int64)
    for level, kept in enumerate(chosen):
        if level and (kept == chosen[level - 1]).all():
            counts[level] = counts[level - 1]
            continue
        right = np.zeros(len(places), bool)
        for candidates, mask in zip(near, drawn, strict=True):
            assigned = _assigned(candidates, kept, int(mask.sum()))
            right |= assigned
            counts[level, :2] += assigned.sum(), mask.sum()
        counts[level, 2:] = right.sum(), kept.sum()
    return counts


def scored(counts: Counts, thresholds: NDArray[np.float64]) -> Scores:
    """The scores of counts, [pictures, thresholds, 4]."""
    recall, precision = rates(counts.sum(0))
    ods, threshold = _best(recall, precision, thresholds)
    own = np.array([each[f_measure(*rates(each)).argmax()] for each in counts])
    ois = float(f_measure(*rates(own.sum(0))))
    return Scores(ods, ois, average_precision(recall, precision), threshold, recall, precision)


def rates(counts: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision; 0 where there is nothing to recall or nothing was found."""
    return counts[..., 0] / np.maximum(counts[..., 1], 1), counts[..., 2] / np.maximum(counts[..., 3], 1)


def f_measure(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 P R / (P + R), 0 where both are."""
    f: NDArray[np.float64] = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return f


def average_precision(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """The area below the curve, read at each hundredth of recall, 0 beyond its ends."""
    places, first = np.unique(recall, return_index=True)
    read = np.interp(np.linspace(0, 1, 101), places, precision[first], left=0, right=0)
    return float(read.sum() / 100)


def consensus(drawn: Masks, tolerance: float = TOLERANCE) -> Masks:
    """The boundaries of the first annotator that all others drew as well, [1, H, W] (after Hou et al., 2013)."""
    places = np.argwhere(drawn[0])
    agreed = np.ones(len(places), bool)
    reach = tolerance * float(np.hypot(*drawn.shape[1:]))
    for other in drawn[1:]:
        near = _near(places, np.argwhere(other), reach)
        agreed &= _assigned(near, np.ones(len(places), bool), int(other.sum()))
    kept = np.zeros_like(drawn[:1])
    kept[0, places[agreed, 0], places[agreed, 1]] = True
    return kept


def _near(found: NDArray[np.int64], drawn: NDArray[np.int64], reach: float) -> NDArray[np.int64]:
    """The pairs of a found and a drawn pixel no farther than `reach` from each other, [pairs, 2]."""
    if not len(found) or not len(drawn):
        return np.zeros((0, 2), np.int64)
    close = cKDTree(found).sparse_distance_matrix(cKDTree(drawn), reach, output_type="ndarray")
    return np.stack((close["i"], close["j"]), 1)


def _assigned(near: NDArray[np.int64], kept: NDArray[np.bool_], drawn: int) -> NDArray[np.bool_]:
    """Which of the found pixels that are kept have a drawn one for themselves, when as many have as can."""
    i, j = near[kept[near[:, 0]]].T
    if not len(i):
        return np.zeros(len(kept), bool)
    graph = csr_matrix((np.ones(len(i), bool), (i, j)), (len(kept), drawn))
    assigned: NDArray[np.bool_] = maximum_bipartite_matching(graph, perm_type="column") >= 0
    return assigned


def _pixels(edges: NDArray[np.float32], drawn: NDArray[np.bool_]) -> Counts:
    """The counts of pixels over the thresholds, [99, 4]."""
    found = edges >= THRESHOLDS[:, None]
    right = (found & drawn).sum(1)
    return np.stack((right, np.full_like(right, drawn.sum()), right, found.sum(1)), 1)


def _best(
    recall: NDArray[np.float64], precision: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> tuple[float, float]:
    """The best F-measure, also between two thresholds, and where it is."""
    finer = (np.arange(len(thresholds) - 1)[:, None] + BETWEEN).ravel() if len(thresholds) > 1 else np.zeros(1)
    places = np.arange(len(thresholds))
    f = f_measure(np.interp(finer, places, recall), np.interp(finer, places, precision))
    return float(f.max()), float(np.interp(finer[f.argmax()], places, thresholds))
