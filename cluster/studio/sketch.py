"""`spiral sketch`: the edges of any picture as a line drawing with a pen, for the eye and for a plotter.

The picture is brought to 512 pixels along its longer side, whatever its size and ratio; its edges are traced into long
lines, these become curves, as many as there are strokes for, and the curves a program. What is written all comes from
the program: the drawing at any size, SVG and G-code.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_gradient_magnitude

from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.folder import RunError, write_text
from cluster.studio import plot
from cluster.studio.apart import require_apart
from cluster.studio.blank_notes import PAINTS_NOTHING, paints_nothing
from cluster.studio.sketching.choice import NEAR, chosen, pixels_near
from cluster.studio.sketching.defaults import BRUSH, MOST_STROKES, STROKES
from cluster.studio.sketching.lines import SIGMA, edges, traced
from cluster.studio.sketching.page import RADII, SIDE, in_order, to_program
from envs.program import Program
from spiral.data.picture_file import open_picture

INK = 204  # of 255: a pixel that is darker is drawn on
VISIBLE = 0.5  # of the edges that its strokes pass near, at least, which a brush must show
READ = 2 * SIDE  # pixels, to which a larger picture is reduced while it is read
WRITTEN = ("program.json", "sketch.png", "sketch.svg", "comparison.png")
GCODE = "sketch.gcode"


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture as a line drawing.

    Attributes:
        program: that draws it.
        picture: what is drawn, in the size of the program's page.
        edges: of the picture, bool [height, width].
    """

    program: Program
    picture: Image.Image
    edges: NDArray[np.bool_]

    @property
    def shown(self) -> float:
        """How much of the edges lies within two pixels of the drawing, from 0 to 1."""
        return share_shown(self.program, self.edges)


def sketch(picture: str | os.PathLike[str], strokes: int = STROKES, brush: str = BRUSH, seed: int = 0) -> Drawing:
    """The edges of a picture as a line drawing with a pen.

    Args:
        picture: a file of any kind that `open_picture` reads.
        strokes: how many at most.
        brush: a pen or pencil, by name or file.
        seed: decides which orders of the lines are tried.

    Raises:
        PictureError: the file is no picture that can be used.
        RunError: the picture has no edges, or `strokes` is out of range.
        PaintError: there is no such brush.
    """
    if not 1 <= strokes <= MOST_STROKES:
        raise RunError(f"strokes is {strokes!r}; give a whole number from 1 to {MOST_STROKES:,}")
    shown = on_page(open_picture(Path(picture), color=True, longest=READ))
    edge = edges(shown.convert("L"))
    drawing = Drawing(sketched(shown, edge, strokes, brush, seed), shown, edge)
    if not len(drawing.program.actions):
        raise RunError(
            f"{picture} has no edges to draw: it is of one colour, or nearly so; transparent parts count as white"
        )
    return drawing


def write_sketch(picture: Path, out: Path, strokes: int, brush: str, size: int, seed: int) -> str:
    """Writes the drawing of a picture into the folder `out` in every form, and says what it shows.

    Args:
        picture, strokes, brush, seed: as for `sketch`.
        out: is made if it is not there; files of the same names are replaced.
        size: pixels of the longer side of `sketch.png`.

    Raises:
        RunError: a file to be written is the picture itself; and whatever `sketch` raises.
    """
    require_apart(picture, out, (*WRITTEN, GCODE))
    drawing = sketch(picture, strokes, brush, seed)
    program = drawing.program
    write_text(out / "program.json", program.to_text())
    save_picture(out / "sketch.png", program.render(size))
    write_text(out / "sketch.svg", plot.plotter_svg(program))
    pair = (np.asarray(drawing.picture), np.repeat(program.render(SIDE), 3, axis=-1))
    save_picture(out / "comparison.png", contact_sheet(np.stack(pair), columns=2))
    return "\n".join((_summary(drawing), *_written(program, out)))


def on_page(picture: Image.Image) -> Image.Image:
    """The picture, reduced or enlarged in proportion until its longer side is that of the page."""
    scale = SIDE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)


def sketched(picture: Image.Image, edge: NDArray[np.bool_], strokes: int, brush: str, seed: int) -> Program:
    """The program that draws the edges of a picture on its page; without actions if there are none.

    Brushes differ in how fine they can be, and some leave nothing below a radius. Its own is the finest that shows.

    Args:
        picture: of at most `SIDE` pixels in width and height.
        edge: bool [height, width].
        strokes: how many at most.
        brush: by name or file.
        seed: decides which orders of the lines are tried.
    """
    runs = in_order(chosen(traced(edge), edge, strokes), seed)
    strength = gaussian_gradient_magnitude(np.asarray(picture.convert("L"), np.float64), SIGMA)
    finest, *wider = (to_program(runs, strength, brush, picture.size, radius) for radius in RADII)
    near = sum(len(pixels_near(curve, edge)) for run in runs for curve in run) / max(1, int(edge.sum()))
    needed = VISIBLE * min(near, 1)
    return next((program for program in (finest, *wider) if share_shown(program, edge) >= needed), finest)


def share_shown(program: Program, edge: NDArray[np.bool_]) -> float:
    """How much of the edges lies within two pixels of the drawing at the size of its canvas, from 0 to 1."""
    ink = program.replay()[..., 0] < INK
    if not ink.any():
        return 0.0
    return float((distance_transform_edt(~ink)[edge] <= NEAR).mean())


def _summary(drawing: Drawing) -> str:
    lines = plot.pen_lines(drawing.program)
    strokes = sum(len(line) for line in lines)
    if paints_nothing(drawing.program):
        return PAINTS_NOTHING
    return f"{strokes} strokes in {len(lines)} lines show {drawing.shown:.0%} of the edges"


def _written(program: Program, out: Path) -> list[str]:
    """Lines about the files that were written, after the G-code where its library is there."""
    try:
        write_text(out / GCODE, plot.gcode(program))
    except plot.PlotterMissing as error:
        return [f"{out}: {', '.join(WRITTEN)}", f"note: no {GCODE}: {error}"]
    return [f"{out}: {', '.join((*WRITTEN, GCODE))}"]
