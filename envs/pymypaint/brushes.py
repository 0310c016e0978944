"""Brushes are `.myb` files: JSON with a base value and curves for each setting of libmypaint's engine.

They are checked here, because libmypaint stops the process on some broken files and ignores others in silence.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.pymypaint import _native
from envs.pymypaint.errors import BrushFormatError, BrushNotFoundError
from envs.pymypaint.folders import find_brush
from envs.pymypaint.scaling import Curve, scaled

LARGEST_FILE = 1 << 20  # bytes; the largest brush of the package mypaint-brushes has 20,000
VERSION = 3
MOST_POINTS = 64  # of a curve; libmypaint's own limit
LARGEST_NUMBER = 1000.0  # of a setting; the brushes of mypaint-brushes stay within 360
MOST_DABS = 200.0  # for each radius or second; more would only cost time


@dataclass(frozen=True)
class Brush:
    """A brush as libmypaint is given it.

    Attributes:
        recipe: what the engine makes it from.
        fingerprint: 12 hexadecimal digits of a hash of the numbers that the engine is given. Comments, white space, the
            order and defaults that are written out do not count.
    """

    recipe: _native.Recipe
    fingerprint: str


def fingerprint(name_or_path: str | os.PathLike[str]) -> str:
    """Return the fingerprint of a brush, by which one tells whether two machines mean the same by a name; see `Brush`.

    Raises:
        BrushNotFoundError: no such brush.
        BrushFormatError: the file is no brush.
    """
    return load_brush(name_or_path).fingerprint


def load_brush(name_or_path: str | os.PathLike[str], scale: float = 1.0) -> Brush:
    """Return the brush, read and checked, and `scale` times as large in all that it reckons in pixels.

    Settings that the file does not name keep libmypaint's defaults; names that libmypaint does not know are left out.

    Raises:
        BrushNotFoundError: no such brush.
        BrushFormatError: not JSON, not version 3, or numbers that libmypaint cannot work with.
    """
    path = find_brush(name_or_path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BrushNotFoundError(f"brush {path} cannot be read: {error}") from error
    return parse_brush(content, str(path), scale)


def parse_brush(content: bytes, origin: str, scale: float = 1.0) -> Brush:
    """Return the brush that `content` describes, `scale` times as large; `origin` names it in errors.

    Raises:
        BrushFormatError: as in `load_brush`.
    """
    if len(content) > LARGEST_FILE:
        raise BrushFormatError(f"brush {origin} has more than {LARGEST_FILE} bytes; a brush is a small JSON file")
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also of a number with more digits than Python reads
        raise BrushFormatError(f"brush {origin} is not JSON: {error}; save it again from MyPaint") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        version = document.get("version") if isinstance(document, dict) else None
        raise BrushFormatError(
            f"brush {origin} has version {version!r}; it must be {VERSION}: save it again from MyPaint 1.2 or later"
        )
    settings = document.get("settings")
    if not isinstance(settings, dict):
        raise BrushFormatError(f"brush {origin} has no object 'settings'; save it again from MyPaint")
    values, curves, fingerprint = _read(settings, origin)
    return Brush(_native.Recipe(*((values, curves) if scale == 1 else scaled(values, curves, scale))), fingerprint)


def _read(settings: dict[str, Any], origin: str) -> tuple[list[float], list[Curve], str]:
    values = [_native.setting_default(setting) for setting in range(_native.SETTINGS)]
    curves: list[Curve] = []
    told: dict[str, Any] = {}  # by names, which stay, while the numbers of settings may be others in another libmypaint
    for name, content in settings.items():
        setting = _native.setting_from_name(name)
        if not 0 <= setting < _native.SETTINGS:
            continue
        where = f"brush {origin}, setting {name!r}"
        if not isinstance(content, dict) or not isinstance(content.get("inputs"), dict):
            raise BrushFormatError(f"{where}: {_short(content)} is not an object with 'base_value' and 'inputs'")
        limit = MOST_DABS if name.startswith("dabs_per_") else LARGEST_NUMBER
        value = _number(content.get("base_value"), limit, f"{where}, base_value")
        inputs: dict[str, list[tuple[float, float]]] = {}
        for input_name, points in content["inputs"].items():
            input_id = _native.input_from_name(input_name)
            if 0 <= input_id < _native.INPUTS:
                curve = _curve(points, limit, f"{where}, input {input_name!r}")
                if curve:
                    curves.append((setting, input_id, curve))
                    inputs[input_name] = curve
        if inputs or value != _single(values[setting]):
            told[name] = [value, inputs]
        values[setting] = value
    text = json.dumps(told, sort_keys=True)
    return values, curves, hashlib.sha256(text.encode()).hexdigest()[:12]


def _curve(points: Any, limit: float, where: str) -> list[tuple[float, float]]:
    if not isinstance(points, list) or len(points) == 1 or len(points) > MOST_POINTS:
        raise BrushFormatError(f"{where}: {_short(points)} is not a list of 2 to {MOST_POINTS} points (or of none)")
    curve: list[tuple[float, float]] = []
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise BrushFormatError(f"{where}: {_short(point)} is not a point [x, y]")
        x = _number(point[0], LARGEST_NUMBER, where)
        if curve and x < curve[-1][0]:
            raise BrushFormatError(f"{where}: x goes back from {curve[-1][0]} to {x}; points must be sorted by x")
        curve.append((x, _number(point[1], limit, where)))
    return curve


def _number(value: Any, limit: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= limit:
        raise BrushFormatError(f"{where}: {_short(value)} is not a number from {-limit:g} to {limit:g}")
    return _single(value)


def _single(value: float) -> float:
    """The number as the engine keeps it, in 32 bits; -0.0 becomes 0.0."""
    return float(np.float32(value)) + 0.0


def _short(value: Any) -> str:
    text = re.sub(r"\s+", " ", repr(value))
    return text if len(text) <= 60 else text[:57] + "..."
