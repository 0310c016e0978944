"""What is empty is said: a picture without a drawing, one that an agent cannot see, a program that paints nothing.

An error of 0.0000 is true of an empty program for a blank picture, and helps nobody.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cluster.studio.preprocessing import NEAR, Preprocessing, as_array, drawn_box, edge_color
from envs.program import Program
from envs.pymypaint import BrushNotFoundError

PAINTS_NOTHING = "note: the program paints nothing: the picture is its empty canvas"
FAINT = 1.0  # of 255 grey levels: the least that --contrast can make more of


def nothing_drawn(
    preprocessing: Preprocessing, square: NDArray[np.uint8], target: NDArray[np.uint8], pale: bool
) -> list[str]:
    """A line that says why an agent sees nothing in a picture, and what may help.

    Args:
        preprocessing: what was done to the picture.
        square: the picture at its own size, [H, W, C].
        target: what the agent sees of it, [S, S, C].
        pale: whether parts of the picture were transparent.
    """
    if drawn_box(square) is not None:
        ways = ["draw with a thicker pen", *([] if preprocessing.crop else ["cut it to what is drawn with --crop"])]
        return [
            f"note: what is drawn is lost at {len(target)} x {len(target)} pixels, the size that the agent sees: "
            f"{', or '.join(ways)}"
        ]
    difference = float(np.abs(square - edge_color(square).astype(np.float32)).max())
    ways = []
    if pale:
        ways.append("try another ground behind its transparent parts, such as --background black with --invert")
    if difference >= FAINT and not preprocessing.contrast:
        ways.append(f"what differs from its ground does so by {difference:.0f} of 255 levels: try it with --contrast")
    ways.append("else give a picture with dark lines on light ground, or light ones and --invert")
    return [f"note: nothing is drawn in the picture, it has one colour (within {NEAR:.0f} levels): {'; '.join(ways)}"]


def same_grey(colored: Image.Image, grey: Image.Image) -> list[str]:
    """A line where a drawing differs from its ground in colour, and an agent that sees grey does not see it."""
    if drawn_box(as_array(colored)) is None or drawn_box(as_array(grey)) is not None:
        return []
    return ["note: what is drawn has another colour than its ground, but the same grey, and the agent sees no colours"]


def paints_nothing(program: Program, render: NDArray[np.uint8] | None = None, size: int | None = None) -> bool:
    """Whether a program leaves its canvas as it was, as far as can be told: its brush may not be here.

    Args:
        program: to be painted.
        render: its picture where there is one.
        size: of the canvas of that picture; None is the program's own.
    """
    if len(program.actions) == 0:
        return True
    unnamed = replace(program, brush_fingerprint=None)  # nobody is shown what the brush here paints
    try:
        picture = unnamed.replay() if render is None else render
        empty = replace(unnamed, actions=program.actions[:0]).render(size)
    except BrushNotFoundError:
        return False
    return bool((picture == empty).all())
