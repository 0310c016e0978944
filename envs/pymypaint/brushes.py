"""Brushes are `.myb` files: JSON with a base value and curves for each setting of libmypaint's engine.

They are checked here, because libmypaint stops the process on some broken files and ignores others in silence.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from envs.pymypaint import _native
from envs.pymypaint.errors import BrushFormatError, BrushNotFoundError

LARGEST_FILE = 1 << 20  # bytes; the largest brush of the package mypaint-brushes has 20,000
VERSION = 3
MOST_POINTS = 64  # of a curve; libmypaint's own limit
LARGEST_NUMBER = 1000.0  # of a setting; the brushes of mypaint-brushes stay within 360
MOST_DABS = 200.0  # for each radius or second; more would only cost time

Curve = tuple[int, int, list[tuple[float, float]]]


def brush_folders() -> list[Path]:
    """Return the folders in which brushes are looked for, first one first.

    `MYPAINT_BRUSHES` (several separated as in `PATH`), the user's and the system's data folders, Homebrew's.
    """
    named = [Path(folder) for folder in os.environ.get("MYPAINT_BRUSHES", "").split(os.pathsep) if folder]
    user = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    system = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    homebrew = os.environ.get("HOMEBREW_PREFIX") or "/opt/homebrew"
    folders = named
    for share in (user, *system.split(os.pathsep), f"{homebrew}/share", "/usr/local/share", "/usr/share"):
        folders += [*sorted(Path(share).glob("mypaint-data/*/brushes")), Path(share) / "mypaint" / "brushes"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def list_brushes() -> list[str]:
    """Return the names of all installed brushes, sorted, such as "classic/pen"."""
    names = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in brush_folders()
        for path in folder.rglob("*.myb")
    }
    return sorted(names)


def find_brush(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the file of a brush, given its name ("classic/pen", with or without ".myb") or its path.

    Raises:
        BrushNotFoundError: no such brush.
    """
    if not isinstance(name_or_path, (str, os.PathLike)) or not os.fspath(name_or_path):
        raise BrushNotFoundError(
            f"brush is {name_or_path!r}; give a name such as 'classic/pen' or a path to a .myb file"
        )
    text = os.fsdecode(name_or_path)
    path = Path(text if text.endswith(".myb") else text + ".myb")
    folders = brush_folders()
    for candidate in (path, *(folder / path for folder in folders)):
        if _is_file(candidate):
            return candidate
    searched = ", ".join(str(folder) for folder in folders) or "no folder with brushes on this machine"
    raise BrushNotFoundError(
        f"brush {text!r:.200} was not found (searched: {searched}); give a name from list_brushes() or a path to a "
        ".myb file, install the package mypaint-brushes, or name a folder of brushes in MYPAINT_BRUSHES"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that the file system cannot have
        return False


def load_brush(name_or_path: str | os.PathLike[str]) -> _native.Recipe:
    """Return the brush, read and checked.

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
    return parse_brush(content, str(path))


def parse_brush(content: bytes, origin: str) -> _native.Recipe:
    """Return the brush that `content` describes; `origin` names it in errors.

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
    return _recipe(settings, origin)


def _recipe(settings: dict[str, Any], origin: str) -> _native.Recipe:
    values = [_native.setting_default(setting) for setting in range(_native.SETTINGS)]
    curves: list[Curve] = []
    for name, content in settings.items():
        setting = _native.setting_from_name(name)
        if not 0 <= setting < _native.SETTINGS:
            continue
        where = f"brush {origin}, setting {name!r}"
        if not isinstance(content, dict) or not isinstance(content.get("inputs"), dict):
            raise BrushFormatError(f"{where}: {_short(content)} is not an object with 'base_value' and 'inputs'")
        limit = MOST_DABS if name.startswith("dabs_per_") else LARGEST_NUMBER
        values[setting] = _number(content.get("base_value"), limit, f"{where}, base_value")
        for input_name, points in content["inputs"].items():
            input_id = _native.input_from_name(input_name)
            if 0 <= input_id < _native.INPUTS:
                curve = _curve(points, limit, f"{where}, input {input_name!r}")
                if curve:
                    curves.append((setting, input_id, curve))
    return _native.Recipe(values, curves)


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
    return float(value)


def _short(value: Any) -> str:
    text = re.sub(r"\s+", " ", repr(value))
    return text if len(text) <= 60 else text[:57] + "..."
