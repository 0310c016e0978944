"""Pictures: strips of turned eyes, and the curves of the thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from spiral.methods.deepwarp.eyes import Looks
from spiral.methods.deepwarp.model import Warper
from spiral.methods.deepwarp.pairs import Pairs, drawn_pairs
from spiral.methods.deepwarp.training import turned
from spiral.methods.pictures import save_figure


def facing(looks: Looks, angle: Tensor) -> Pairs:
    """The eyes of all looks, that look ahead and are turned by one angle [2], and what they look like after that."""
    count = len(looks["tilt"])
    return drawn_pairs(looks, torch.zeros(count, 2), angle.expand(count, 2))


def strip(network: Warper, looks: Looks, direction: Tensor, degrees: Sequence[float]) -> list[Tensor]:
    """A row for each of the looks with its eye turned along a direction [2] by so many degrees."""
    columns = []
    for angle in degrees:
        pairs = facing(looks, angle * direction)
        columns.append(turned(network, pairs.eyes, pairs.anchors, pairs.angles).output)
    return list(torch.stack(columns, 1))


def true_strip(looks: Looks, direction: Tensor, degrees: Sequence[float]) -> list[Tensor]:
    """The same of the eyes as they really look."""
    return list(torch.stack([facing(looks, angle * direction).truth for angle in degrees], 1))


def save_curves(curves: Mapping[str, Sequence[float]], x: Sequence[float], labels: tuple[str, str], path: Path) -> None:
    """Write curves over the same x."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for name, curve in curves.items():
        axes.plot(x, curve, label=name, linewidth=1.4)
    axes.set(xlabel=labels[0], ylabel=labels[1], ylim=(0, None))
    axes.legend(fontsize=8)
    save_figure(figure, path)
