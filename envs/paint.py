"""Painting with a real brush, one stroke at a time: `spiral/Paint-v0` (Ganin et al. 2018, section 6.4.2).

The agent holds a brush over a canvas. An action either paints a quadratic Bézier curve

    p(τ) = (1 − τ)² l_t + 2 (1 − τ) τ p_c + τ² l_{t+1},   τ in [0, 1],

from where the pen is, l_t, bent towards the control point p_c, to the end point l_{t+1}; or it moves the pen to l_{t+1}
without painting. The pen starts at the upper left corner. libmypaint decides what the stroke looks like.

With `strokes="splines"` an action has no control point. Those that paint one after the other give the points of one
smooth line, a Catmull–Rom spline (`envs/curves.py`), which a move ends: the compound strokes of SPIRAL++ (Mellor et al.
2019, appendix A). There a line is painted as a whole when it ends, with one thickness and colour. Here it is painted
piece by piece, each one action late, when it is known how it goes on, so that the canvas shows how far it has come; and
each piece has the thickness and colour of its own action. A piece whose next action never comes is not painted.
"""

from __future__ import annotations

from envs import PAINT_ID
from envs.canvas_env import CanvasEnv, CanvasVectorEnv
from envs.paint_settings import PaintSettings
from envs.painter import Painter


class Paint(CanvasEnv):
    """One canvas and one brush; the settings are the fields of `PaintSettings`.

    Action: one index for each head of `action_spec`, in the order control, end, flag, pressure, size, red, green, blue;
    `size` is left out where there is one brush size, the colours where `color` is False, `control` with splines.

    | head | choices | meaning |
    |---|---|---|
    | control, end | grid_size² | row, column = divmod(index, grid_size); x = canvas_size · column / grid_size |
    | flag | 2 | 1 paints, 0 moves the pen; for a move only `end` and `flag` count |
    | pressure | 10 | 0.1 to 1.0; a stroke goes evenly from the last stroke's pressure to this one |
    | size | brush sizes | the brush's radius |
    | red, green, blue | 20 each | 0 to 1 |

    Info: `strokes`, how many actions painted; `disjoint_strokes`, how many of those came first or after a move; and
    `stroke_length`, how long their curves are together, in thousandths of the side of the canvas.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
        PaintError: the engine has no such brush, or no room for such a canvas.
    """

    env_id = PAINT_ID
    settings_type = PaintSettings
    episodes_type = Painter


class PaintVector(CanvasVectorEnv):
    """`num_envs` paintings, painted in one native call on `num_threads` threads; see `Paint`.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
        PaintError: the engine has no such brush, or cannot paint on so many canvases or with so many threads.
    """

    env_id = PAINT_ID
    settings_type = PaintSettings
    episodes_type = Painter
