"""Numbers and arrays from outside, checked and copied, so that the extension may trust them.

Copies, because another Python thread could change the caller's array while the extension works without the lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.pymypaint.errors import ArrayError, CanvasSizeError, PaintError, StrokeError

Limits = tuple[float, float]

POSITION: Limits = (-16384.0, 16384.0)  # pixels from the upper left corner, twice the largest canvas
RADIUS: Limits = (0.05, 1000.0)  # pixels; libmypaint's own limit is 1000
SHARE: Limits = (0.0, 1.0)
SECONDS: Limits = (1e-4, 5.0)
SCALE: Limits = (0.01, 1000.0)


def whole(value: Any, least: int, most: int, name: str) -> int:
    """Return `value` if it is a whole number from `least` to `most`.

    Raises:
        CanvasSizeError: it is not.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise CanvasSizeError(f"{name} is {value!r}; it must be a whole number from {least} to {most}")
    return int(value)


def number(value: Any, limits: Limits, name: str) -> float:
    """Return `value` if it is a number within `limits`.

    Raises:
        StrokeError: it is not.
    """
    array = _array(value, StrokeError, name)
    if array.shape != () or array.dtype.kind not in "fiu" or not limits[0] <= array <= limits[1]:
        raise StrokeError(f"{name} is {value!r}; it must be a number from {limits[0]:g} to {limits[1]:g}")
    return float(array)


def color(value: Any, error: Callable[[str], PaintError], name: str) -> list[float]:
    """Return `value` if it is three numbers from 0 to 1.

    Raises:
        error: it is not.
    """
    array = _array(value, error, name)
    if array.shape != (3,) or array.dtype.kind not in "fiu" or not np.all((array >= 0) & (array <= 1)):
        raise error(f"{name} is {value!r}; it must be three numbers (RGB) from 0 to 1")
    return [float(part) for part in array]


def flags(values: ArrayLike, count: int, name: str) -> NDArray[np.uint8]:
    """Return 0 or 1 for each of `count` truth values.

    Raises:
        ArrayError: a wrong shape or type.
    """
    array = _array(values, ArrayError, name)
    if array.shape != (count,) or array.dtype.kind not in "biu":
        raise ArrayError(f"{name} has shape {array.shape} and type {array.dtype}; it must be bool of shape ({count},)")
    return np.array(array != 0, np.uint8)


def numbers(values: ArrayLike, shape: tuple[int, ...], limits: Limits, name: str) -> NDArray[np.float32]:
    """Return a copy of `values` in single precision.

    Raises:
        ArrayError: a wrong shape or type.
        StrokeError: a number outside of `limits`, or not a number.
    """
    array = _array(values, ArrayError, name)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise ArrayError(f"{name} has shape {array.shape} and type {array.dtype}; it must be float32 of shape {shape}")
    array = array.copy()
    least, most = limits
    if not (array.min() >= least and array.max() <= most):  # what is not a number is not in order either
        wrong = array[~((array >= least) & (array <= most))].flat[0]
        raise StrokeError(f"{name} holds {wrong}; each number must be from {least:g} to {most:g}")
    return np.ascontiguousarray(array, np.float32)


def controls(values: ArrayLike, count: int) -> NDArray[np.float32]:
    """Return a copy of the control points of `count` curves, one or two of each, in single precision.

    Raises:
        ArrayError: a wrong shape or type.
        StrokeError: a number outside of `POSITION`, or not a number.
    """
    array = _array(values, ArrayError, "control")
    shape = (count, array.shape[1], 2) if array.ndim == 3 and array.shape[1] in (1, 2) else (count, 2)
    return numbers(array, shape, POSITION, "control")


def indices(values: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return `values` as indices of `count` canvases.

    Raises:
        ArrayError: they are not whole numbers, out of range, or not all different.
    """
    array = np.atleast_1d(_array(values, ArrayError, "indices"))
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ArrayError(f"indices have shape {array.shape} and type {array.dtype}; give a list of whole numbers")
    if array.min() < 0 or array.max() >= count or np.unique(array).size != array.size:
        raise ArrayError(f"indices are {array.tolist()}; each must be from 0 to {count - 1}, and none be there twice")
    return np.array(array, np.int64)


def _array(values: Any, error: Callable[[str], PaintError], name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError) as reason:
        raise error(f"{name} is {values!r:.60}; it must be an array of numbers ({reason})") from reason
