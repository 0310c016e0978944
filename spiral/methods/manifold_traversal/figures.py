"""Pictures of the experiments: rows of faces, the path as an animation, and as t-SNE shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spiral.files import written_whole

GAP = 2
LARGE = 128  # a face is at least this wide
FRAME_MS, REST_MS = 150, 800
EMBEDDED = 50  # points of each kind, as in figure 7


def as_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """Uint8 [N, H, W, 3] of pictures [N, 3, H, W] in [0, 1]."""
    pixels: NDArray[np.uint8] = (pictures * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def save_rows(path: Path, rows: Sequence[Tensor]) -> None:
    """Rows of as many pictures each, [N, 3, H, W], below each other."""
    _enlarged(_sheet(rows), rows[0].shape[-1]).save(path)


def save_path(path: Path, frames: Sequence[Tensor]) -> None:
    """The way there and back, each frame a row of pictures [N, 3, H, W], as a GIF."""
    shown = [_enlarged(_sheet([frame]), frame.shape[-1]) for frame in frames]
    shown += shown[-2:0:-1]
    times = [REST_MS if i in (0, len(frames) - 1) else FRAME_MS for i in range(len(shown))]
    with written_whole(path) as new:
        shown[0].save(new, format="GIF", save_all=True, append_images=shown[1:], duration=times, loop=0)


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
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _some(places: Tensor) -> Tensor:
    """At most so many as are embedded, from the first to the last: they come in the order of what sets them apart."""
    return places[np.linspace(0, len(places) - 1, min(EMBEDDED, len(places))).astype(np.int64)]


def _sheet(rows: Sequence[Tensor]) -> NDArray[np.uint8]:
    framed = torch.nn.functional.pad(torch.stack(list(rows)).cpu(), (0, GAP, 0, GAP), value=1.0)
    count, across, channels, height, width = framed.shape
    sheet = framed.permute(0, 3, 1, 4, 2).reshape(1, count * height, across * width, channels)
    pixels: NDArray[np.uint8] = as_pixels(sheet.permute(0, 3, 1, 2))[0]
    return pixels


def _enlarged(pixels: NDArray[np.uint8], side: int) -> Image.Image:
    times = max(1, round(LARGE / side))
    picture = Image.fromarray(pixels)
    return picture.resize((times * picture.width, times * picture.height), Image.Resampling.BICUBIC)
