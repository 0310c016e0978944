"""A painting for a pen plotter: its lines in their order, as SVG in millimetres and as G-code.

A line is what is drawn between two moves of the pen. Its width, colour and pressure are the pen's affair. The page is
`LONGEST` millimetres long and fits on a sheet of A4; of G-code its lower left corner is (0, 0), and Z lifts the pen.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.run.folder import RunError
from envs.curves import on_curve, program_curves
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.svg import svg_path

LONGEST = 180.0  # millimetres, the longer side of the page
FINE = 0.5  # millimetres between the points of a curve in G-code, at most
PROFILE = {  # of vpype-gcode: millimetres, the pen up at Z 5 and down at Z 0
    "unit": "mm",
    "document_start": "G21\nG17\nG90\nG0 Z5\n",
    "segment_first": "G0 X{x:.3f} Y{y:.3f}\nG1 Z0 F1000\n",
    "segment": "G1 X{x:.3f} Y{y:.3f} F2000\n",
    "line_end": "G0 Z5\n",
    "document_end": "G0 X0 Y0\nM2\n",
    "vertical_flip": True,
}

Line = NDArray[np.float64]  # [curves, 3 or 4, 2]: start, control points and end, each x and y


class PlotterMissing(RunError):
    """The packages that write G-code are not installed."""


def pen_lines(program: Program) -> list[Line]:
    """The lines of a painting, each of curves that follow each other, in pixels of its canvas.

    Raises:
        RunError: the program is no painting.
    """
    settings = program.parsed_settings
    if not isinstance(settings, PaintSettings):
        raise RunError(f"a program of {program.env_id} has no lines: only paintings are made of curves")
    curves = program_curves(settings, program.actions, settings.canvas_size)
    lines: list[list[NDArray[np.float32]]] = []
    for place in np.flatnonzero(curves.paint):
        if not curves.joined[place]:
            lines.append([])
        lines[-1].append(curves.points[place])
    return [np.array(line, float) for line in lines]


def plotter_svg(program: Program) -> str:
    """An SVG document with one path for each line, in the order in which they are drawn.

    Raises:
        RunError: the program is no painting.
    """
    width, height = program.shape
    scale = LONGEST / max(width, height)
    paths = [f'<path d="{svg_path(line)}"/>' for line in pen_lines(program)]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.6g}mm" height="{height * scale:.6g}mm" '
        f'viewBox="0 0 {width} {height}">',
        '<g fill="none" stroke="black" stroke-width="1" stroke-linecap="round" stroke-linejoin="round">',
        *paths,
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def gcode(program: Program) -> str:
    """The lines as G-code.

    Raises:
        PlotterMissing: vpype is not installed.
        RunError: the program is no painting.
    """
    vpype, vpype_cli, gwrite = _vpype()
    width, height = program.shape
    page = LONGEST * vpype.convert_length("mm") / max(width, height)  # units of vpype for a pixel
    lines = [_points(line, FINE * max(width, height) / LONGEST) * page for line in pen_lines(program)]
    document = vpype.Document(
        vpype.LineCollection([line[:, 0] + 1j * line[:, 1] for line in lines]),
        page_size=(width * page, height * page),
    )
    vpype.config_manager.config["gwrite"]["spiral"] = PROFILE
    text: Any = io.StringIO()  # given a path, it would leave the file open
    text.name = "page.gcode"
    gwrite.callback(output=text, profile="spiral", default=())(vpype_cli.State(document))
    return str(text.getvalue())


def _vpype() -> tuple[Any, Any, Any]:
    """The modules vpype and vpype_cli, and the command that writes G-code."""
    try:
        import vpype
        import vpype_cli
        from vpype_gcode.gwrite import gwrite
    except ImportError:
        raise PlotterMissing(
            "G-code is written by the packages vpype and vpype-gcode: pip install 'spiral-painter[plot]'"
        ) from None
    return vpype, vpype_cli, gwrite


def _points(line: Line, fine: float) -> NDArray[np.float64]:
    """Points on a line, `fine` pixels apart or less, [points, 2]."""
    points = [line[0, 0][None]]
    for curve in line:
        length = np.linalg.norm(np.diff(curve, axis=0), axis=1).sum()
        t = np.linspace(0, 1, int(np.ceil(length / fine)) + 1)[1:, None]
        points.append(on_curve(curve, t))
    return np.concatenate(points)
