"""`spiral render`: a program is painted anew, at any size and with any brush."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cluster.run.contact_sheet import save_picture
from cluster.run.folder import RunError, write_text
from cluster.studio.blank_notes import PAINTS_NOTHING, paints_nothing
from cluster.studio.plot import gcode, pen_lines
from envs.program import Program


def render(program: Path, out: Path, size: int, brush: str | None) -> str:
    """Paints a program anew into a .png, .svg or .gcode file, and says so.

    Raises:
        RunError: the file is of another kind or the program itself, or lines were asked for with a brush.
    """
    document = Program.load(program)
    if out.exists() and out.samefile(program):
        raise RunError(f"--out {out} is the program itself, which would be written over: name another file")
    kind = out.suffix.lower()
    if kind in (".svg", ".gcode") and brush is not None:
        raise RunError(f"--brush {brush} has no effect in {kind}, which has lines and no brushes: write a .png")
    if kind == ".gcode":
        write_text(out, gcode(document))
        return f"{out}: {len(pen_lines(document))} lines"
    if kind == ".svg":
        text = document.to_svg(size)
        nothing = text == replace(document, actions=document.actions[:0]).to_svg(size)
        write_text(out, text)
    elif kind == ".png":
        picture = document.render(size, brush)
        nothing = paints_nothing(document, picture, size)
        save_picture(out, picture)
    else:
        raise RunError(f"--out {out} must end in .png, .svg or .gcode")
    said = "{}: {} x {}".format(out, *document.at_size(size).shape)
    return f"{said}\n{PAINTS_NOTHING}" if nothing else said
