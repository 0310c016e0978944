"""libmypaint for Python: brush strokes on many canvases at once, as arrays.

    >>> canvases = Canvases(2, 64, 64, "classic/pen")
    >>> canvases.step(
    ...     paint=[True, True], control=[[32, 0], [0, 32]], end=[[60, 60], [60, 60]],
    ...     pressure=[0.8, 0.4], radius=[2, 8], color=[[0, 0, 0], [1, 0, 0]],
    ... )
    >>> canvases.read().shape
    (2, 64, 64, 3)

libmypaint is the brush engine of MyPaint, GIMP and Krita: https://github.com/mypaint/libmypaint. Strokes go through its
interface for brushes of MyPaint 1; what brushes of MyPaint 2 say about the mixing of pigments is not used.
"""

try:
    from envs.pymypaint import _native  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"the extension for libmypaint cannot be loaded ({error}); compile it with `pip install -e .` in the project's "
        "folder, which names the system packages it needs"
    ) from error

from envs.pymypaint.brushes import fingerprint
from envs.pymypaint.canvas import Canvas
from envs.pymypaint.canvases import Canvases
from envs.pymypaint.errors import (
    ArrayError,
    BrushFormatError,
    BrushNotFoundError,
    CanvasSizeError,
    PaintError,
    StrokeError,
)
from envs.pymypaint.folders import brush_folders, find_brush, list_brushes

__all__ = [
    "ArrayError",
    "BrushFormatError",
    "BrushNotFoundError",
    "Canvas",
    "CanvasSizeError",
    "Canvases",
    "PaintError",
    "StrokeError",
    "brush_folders",
    "find_brush",
    "fingerprint",
    "list_brushes",
]
