"""The thesis's pictures: what is found (figures 3.7 and 3.9), curves (3.5, 3.6, 3.10), and matches (3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spiral.data.annotated import Annotated
from spiral.methods.experiment import Table
from spiral.methods.n4_fields.benchmark import Scores
from spiral.methods.n4_fields.model import EDGE, M, N
from spiral.methods.n4_fields.sampling import GRID, STEP, Sample
from spiral.methods.pictures import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 5
MATCHES = 10


def draw_found(
    path: Path, pictures: Sequence[Annotated], found: Mapping[str, Sequence[NDArray[np.float32]]], thin: bool
) -> None:
    """A row for each of some pictures: the picture, what people drew, and what each method finds, dark on white."""
    from matplotlib import pyplot

    few = pictures[:SHOWN]
    figure, panels = pyplot.subplots(
        len(few), 2 + len(found), figsize=(2 * (2 + len(found)), 2.1 * len(few)), squeeze=False
    )
    for row, picture, *edges in zip(panels, few, *found.values(), strict=False):
        drawn = (picture.segments > 0 if thin else picture.boundaries).mean(0)
        row[0].imshow(picture.image[..., :3])
        for axes, each in zip(row[1:], (drawn, *edges), strict=True):
            axes.imshow(each, cmap="gray_r", vmin=0, vmax=max(float(each.max()), 1e-6))
    for axes, title in zip(panels[0], ("picture", "drawn", *found), strict=True):
        axes.set_title(title, fontsize=9)
    _without_ticks(panels.ravel().tolist())
    save_figure(figure, path)


def draw_curves(path: Path, scores: Mapping[str, Scores]) -> None:
    """Precision over recall."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5))
    for name, each in scores.items():
        seen = each.recall > 0
        axes.plot(each.recall[seen], each.precision[seen], label=f"{name}: F {each.ods:.2f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize=8)
    save_figure(figure, path)


def draw_sweep(path: Path, table: Table) -> None:
    """ODS (dashed) and OIS over the tolerance."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4))
    names = list(dict.fromkeys(str(row[0]) for row in table.rows))
    for place, name in enumerate(names):
        _, tolerance, ods, ois = zip(*(row for row in table.rows if row[0] == name), strict=True)
        axes.plot(tolerance, ods, "--", color=f"C{place}")
        axes.plot(tolerance, ois, color=f"C{place}", label=name)
    axes.set(xlabel="tolerance, in diagonals", ylabel="ODS (dashed), OIS")
    axes.legend(fontsize=8)
    save_figure(figure, path)


def draw_training(path: Path, looks: Sequence[tuple[float, float, float]]) -> None:
    """The loss and the score of the field while a network learns."""
    from matplotlib import pyplot

    progress, loss, score = np.array(looks).reshape(-1, 3).T
    figure, axes = pyplot.subplots(figsize=(5, 4))
    axes.plot(progress, loss, color="C3")
    axes.set(xlabel="progress of the training", ylabel="loss of the network (red)")
    other = axes.twinx()
    other.plot(progress, score, color="C0")
    other.set_ylabel("AP of the field (blue)")
    save_figure(figure, path)


def draw_matches(path: Path, sample: Sample, found: Mapping[str, Tensor]) -> None:
    """Some patches, what is annotated in their middles, and the annotation that each way of looking up gives."""
    from matplotlib import pyplot

    marked = sample.marks.any(1).nonzero()[:, 0]
    chosen = marked[:: max(1, len(marked) // MATCHES)][:MATCHES].tolist()
    figure, panels = pyplot.subplots(2 + len(found), MATCHES, figsize=(MATCHES, 1.1 * (2 + len(found))), squeeze=False)
    for column, place in zip(panels.T, chosen, strict=False):
        column[0].imshow(_patch(sample, place))
        for axes, marks in zip(column[1:], (sample.marks, *found.values()), strict=True):
            axes.imshow(marks[place].reshape(N, N).numpy(), cmap="gray_r", vmin=0, vmax=1)
    for axes, title in zip(panels[:, 0], ("patch", "drawn", *found), strict=True):
        axes.set_ylabel(title.replace(" / ", "\n"), fontsize=7)
    _without_ticks(panels.ravel().tolist())
    save_figure(figure, path)


def _patch(sample: Sample, place: int) -> NDArray[np.float32]:
    """A patch with the square of its annotation framed, in [0, 1]."""
    crop, (down, right) = place // GRID**2, np.array(divmod(place % GRID**2, GRID)) * STEP
    patch = sample.crops[crop, :3, down : down + M, right : right + M].permute(1, 2, 0).cpu().numpy()
    patch = (patch - patch.min()) / max(np.ptp(patch), 1e-6)
    near, far = EDGE - 1, EDGE + N
    for line in ((near, slice(near, far + 1)), (far, slice(near, far + 1))):
        patch[line] = patch[line[::-1]] = 1
    return np.asarray(patch, np.float32)


def _without_ticks(panels: Sequence[Axes]) -> None:
    for axes in panels:
        axes.set(xticks=[], yticks=[])
