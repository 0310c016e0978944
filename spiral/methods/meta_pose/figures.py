"""Pictures: what two views give, drawn over the truth, and where the finder says that objects stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.methods.meta_pose.detecting import Found
from spiral.methods.meta_pose.measures import aligned
from spiral.methods.pictures import save_figure

SHOWN = 6
COLORS = {"truth": "black", "S1": "tab:red", "S1 + S2": "tab:blue"}


def save_poses(
    images: NDArray[np.uint8], truth: Tensor, estimates: dict[str, Tensor], links: NDArray[np.int64], path: Path
) -> None:
    """The first view of some things, and estimates of them from a side, each over the truth.

    Args:
        images: uint8 [N, 64, 64, 3].
        truth: the points, [N, K, 3].
        estimates: points by the name of their column, [N, K, 3] each.
        links: which points to join, [L, 2].
        path: of the picture.
    """
    from matplotlib import pyplot

    count = len(images)
    figure, axes = pyplot.subplots(
        1 + len(estimates), count, figsize=(2 * count, 2 + 2 * len(estimates)), squeeze=False
    )
    for column in range(count):
        axes[0, column].imshow(images[column])
        for row, (name, points) in enumerate(estimates.items(), 1):
            shown = aligned(points[column : column + 1], truth[column : column + 1])[0]
            for drawn, color in ((truth[column], COLORS["truth"]), (shown, COLORS[name])):
                for a, b in links:
                    axes[row, column].plot(drawn[[a, b], 1], drawn[[a, b], 2], color=color, linewidth=1)
                axes[row, column].scatter(drawn[:, 1], drawn[:, 2], s=4, color=color)
            axes[row, column].set_aspect("equal", adjustable="datalim")
            axes[row, 0].set_title(name, loc="left", fontsize=9)
    for each in axes.ravel():
        each.set_xticks([])
        each.set_yticks([])
    save_figure(figure, path)


def save_objects(images: NDArray[np.uint8], found: Sequence[Found], truth: Tensor, path: Path) -> None:
    """Pictures, and below each a plan of the platform: the true middles as rings, those that were found in colour."""
    from matplotlib import pyplot

    count = len(images)
    figure, axes = pyplot.subplots(2, count, figsize=(2 * count, 4), squeeze=False)
    for column in range(count):
        axes[0, column].imshow(images[column])
        plan = axes[1, column]
        plan.scatter(*truth[column, :, :2].T, s=60, facecolors="none", edgecolors="black")
        positions = found[column].positions
        plan.scatter(positions[:, 0], positions[:, 1], s=20, c=np.clip(found[column].colors, 0, 1))
        plan.set_xlim(-1.1, 1.1)
        plan.set_ylim(-1.1, 1.1)
        plan.set_aspect("equal")
    for each in axes.ravel():
        each.set_xticks([])
        each.set_yticks([])
    save_figure(figure, path)


def some(tensor: Tensor) -> Tensor:
    """Of the things that are shown."""
    return tensor[:SHOWN].detach().cpu()


@torch.no_grad()
def nearest(found: Sequence[Found], truth: Tensor) -> tuple[list[float], int]:
    """How far each true middle [N, n, 3] is from what was found nearest to it, and how much was found, over all."""
    distances: list[float] = []
    for each, middles in zip(found, truth.numpy(), strict=True):
        if len(each.positions):
            distances += np.linalg.norm(middles[:, None] - each.positions[None], axis=-1).min(axis=1).tolist()
        else:
            distances += [float("inf")] * len(middles)
    return distances, sum(len(each.positions) for each in found)
