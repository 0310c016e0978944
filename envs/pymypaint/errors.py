"""What can go wrong when painting, one name for each failure."""

from __future__ import annotations


class PaintError(ValueError):
    """Base of all errors of this package."""


class BrushNotFoundError(PaintError):
    """No brush of that name or path is there."""


class BrushFormatError(PaintError):
    """The file is there, but is not a brush that libmypaint can use."""


class CanvasSizeError(PaintError):
    """The number of canvases, their size, their channels, their background or the number of threads cannot be."""


class StrokeError(PaintError):
    """A coordinate, pressure, radius, colour or time cannot be painted with."""


class ArrayError(PaintError):
    """An array has the wrong shape, type or layout."""
