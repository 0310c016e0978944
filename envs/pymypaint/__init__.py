"""libmypaint for Python: brush strokes on many canvases at once, as arrays.

    >>> canvases = Canvases(2, 64, 64, "classic/pen")
    >>> canvases.step(
    ...     paint=[True, True], control=[[32, 0], [0, 32]], end=[[60, 60], [60, 60]],
    ...     pressure=[0.8, 0.4], radius=[2, 8], color=[[0, 0, 0], [1, 0, 0]],
    ... )
    >>> canvases.read().shape
    (2, 64, 64, 3)

libmypaint is the brush engine of MyPaint, GIMP and Krita: https://github.com/mypaint/libmypaint
"""

from envs.pymypaint.brushes import brush_folders, find_brush, list_brushes
from envs.pymypaint.canvases import Canvases
from envs.pymypaint.errors import (
    ArrayError,
    BrushFormatError,
    BrushNotFoundError,
    CanvasSizeError,
    PaintError,
    StrokeError,
)

__all__ = [
    "ArrayError",
    "BrushFormatError",
    "BrushNotFoundError",
    "CanvasSizeError",
    "Canvases",
    "PaintError",
    "StrokeError",
    "brush_folders",
    "find_brush",
    "list_brushes",
]
