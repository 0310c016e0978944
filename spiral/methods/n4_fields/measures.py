"""How alike drawn lines are, and what becomes of a patch that is looked up by other codes (figure 3.4)."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn import functional

from spiral.methods.n4_fields.encoding import Codes
from spiral.methods.n4_fields.field import Dictionary
from spiral.methods.n4_fields.model import N
from spiral.methods.n4_fields.sampling import Sample

WAYS = ("neural / neural", "target / target", "neural / target")  # codes of the query / of the dictionary


def drawn_alike(ink: Tensor, edges: Tensor, reach: int) -> Tensor:
    """The F-measure of ink and edges [B, H, W] from 0 to 1, either counted within `reach` pixels of the other, [B].

    One pixel of agreement is given, so that white paper is right where there are no edges.
    """
    near_edges, near_ink = (
        functional.max_pool2d(each[:, None], 2 * reach + 1, 1, reach)[:, 0] for each in (edges, ink)
    )
    agreed = (ink * near_edges + edges * near_ink).sum((1, 2))
    return (1 + agreed) / (1 + (ink + edges).sum((1, 2)))


def looked_up(sample: Sample, neural: Tensor, dictionary: Dictionary, codes: Codes) -> dict[str, Tensor]:
    """The annotations [P, N · N] that the patches of a sample get in each of the ways."""
    targets = by_target(dictionary, codes)
    wanted = codes(sample.marks, sample.segments)
    found = (dictionary.nearest(neural.numpy()), targets.nearest(wanted.numpy()), targets.nearest(neural.numpy()))
    return {way: dictionary.marks[places] for way, places in zip(WAYS, found, strict=True)}


def by_target(dictionary: Dictionary, codes: Codes) -> Dictionary:
    """The dictionary with the codes that its annotations have, in place of what the network says.

    The codes must be those of annotations, since a dictionary has no segments.
    """
    return Dictionary(np.ascontiguousarray(codes(dictionary.marks, dictionary.marks).numpy()), dictionary.bits)


def agreement(marks: Tensor, found: Tensor) -> tuple[float, float]:
    """How well annotations [P, N · N] agree within a pixel, in the mean over patches with edges and without."""
    marks, found = (each.float().view(-1, N, N) for each in (marks, found))
    alike, marked = drawn_alike(found, marks, 1), marks.flatten(1).any(1)
    return tuple(float(alike[which].mean()) if which.any() else float("nan") for which in (marked, ~marked))  # type: ignore[return-value]
