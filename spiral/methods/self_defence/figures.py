"""The curve of SN(σ)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spiral.methods.pictures import save_figure


def save_curves(curves: Mapping[str, Sequence[float]], sigmas: Sequence[float], path: Path) -> None:
    """Write a line for each method: SN over σ."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.5))
    for name, values in curves.items():
        axes.plot(sigmas, values, marker="o", label=name)
    axes.set_xlabel("σ of the noise, of pictures in [−1, 1]")
    axes.set_ylabel("SN(σ), grey levels")
    axes.legend(fontsize=8)
    save_figure(figure, path)
