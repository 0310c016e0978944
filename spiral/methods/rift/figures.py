"""The bits of a guide that are heard, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spiral.methods.pictures import save_figure

CURVES = ("read in the translation", "MI(s; s + noise)", "Gaussian bound", "theorem 1")


def save_bits(noises: Sequence[float], bits: dict[str, list[tuple[float, ...]]], path: Path) -> None:
    """Draw the counts of `CURVES` over the noise with which guides were heard, for each task by its name."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(bits), figsize=(4.5 * len(bits), 3.5), squeeze=False)
    for panel, (name, rows) in zip(axes[0], bits.items(), strict=True):
        for label, values in zip(CURVES, zip(*rows, strict=True), strict=True):
            panel.plot(noises, values, marker=".", label=label)
        panel.set(xscale="log", yscale="symlog", xlabel="noise", title=name)
    axes[0, 0].set_ylabel("bits")
    axes[0, 0].legend(fontsize=7)
    save_figure(figure, path)
