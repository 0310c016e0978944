"""A painting as SVG: every curve is one path, a quadratic Bézier curve or the cubic one of a spline's piece.

SVG has no brush. A path has one width and one colour, so the width is an approximation of what libmypaint's brushes do
with size and pressure,

    width = 2 · size · (1 + p) / 2,   p = mean of the stroke's first and last pressure,

the full diameter at pressure 1 and half of it at pressure 0. Texture and opacity are left out; positions are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.curves import program_curves
from envs.paint_settings import PaintSettings


def painting_to_svg(
    settings: PaintSettings, actions: NDArray[np.integer[Any]], size: int, page: tuple[int, int]
) -> str:
    """An SVG document with one path for each curve.

    Args:
        settings: what the actions were made for; lengths in the document are in its canvas pixels.
        actions: indices, integers [steps, heads], in the action space.
        size: width and height at which the document asks for the whole canvas to be shown.
        page: width and height of the part of the canvas that is shown, from its upper left corner, in its pixels.
    """
    curves = program_curves(settings, actions, settings.canvas_size)
    widths = curves.radius * (1 + curves.pressure.mean(axis=1))
    paths = [
        f'<path d="{svg_path(curves.points[[i]])}" stroke="{_color(curves.color[i])}" stroke-width="{widths[i]:.4g}"/>'
        for i in np.flatnonzero(curves.paint)
    ]
    width, height = page
    shown = [f"{size * side / settings.canvas_size:.6g}" for side in page]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{shown[0]}" height="{shown[1]}" '
        f'viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" fill="{_color(np.array(settings.background_rgb))}"/>',
        '<g fill="none" stroke-linecap="round">',
        *paths,
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def svg_path(curves: NDArray[np.floating[Any]]) -> str:
    """Curves that go on from each other, [curves, 3 or 4, 2], as the `d` of a path."""
    kind = "Q" if curves.shape[1] == 3 else "C"
    return f"M{_point(curves[0, 0])}" + "".join(kind + " ".join(map(_point, curve[1:])) for curve in curves)


def _point(point: NDArray[np.floating[Any]]) -> str:
    """A point as SVG writes it."""
    return f"{point[0]:.6g},{point[1]:.6g}"


def _color(rgb: NDArray[np.floating[Any]]) -> str:
    """Intensities in [0, 1] as #rrggbb."""
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in rgb)
