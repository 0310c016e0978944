"""Where a brush is: which folders are searched, and which file a name means.

A name such as "classic/pen" means a file in one of the folders with brushes, the first that has it, and never one in
the current folder. A path is absolute, begins with `./` or `../`, or is a `Path`. Either may leave the ending out. With
the ending `.myb`, what is the name of no installed brush is a path as well.

Several sets of MyPaint's brushes may be installed side by side, and a name may be another brush in each: `classic/pen`
is, in 1.0 and in 2.0. So the newest set comes first.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from envs.pymypaint.errors import BrushNotFoundError

ENDING = ".myb"


def brush_folders() -> list[Path]:
    """Return the folders in which brushes are looked for, first one first.

    Those of `MYPAINT_BRUSHES` (several separated as in `PATH`), then those in each data folder: the user's, the
    system's, Homebrew's. In a data folder the newest set of MyPaint's brushes comes first, 10.0 before 2.0.
    """
    folders = [Path(folder) for folder in os.environ.get("MYPAINT_BRUSHES", "").split(os.pathsep) if folder]
    user = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    system = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    homebrew = os.environ.get("HOMEBREW_PREFIX") or "/opt/homebrew"
    for share in (user, *system.split(os.pathsep), f"{homebrew}/share", "/usr/local/share", "/usr/share"):
        # The specification of these variables ignores what depends on the current folder.
        if os.path.isabs(share) and os.path.isdir(share):
            sets = sorted(Path(share).glob("mypaint-data/*/brushes"), key=_version, reverse=True)
            folders += [*sets, Path(share) / "mypaint" / "brushes"]
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]  # which any name may be asked of


def list_brushes() -> list[str]:
    """Return the names of all installed brushes, sorted, such as "classic/pen"; `find_brush` says what each means."""
    return sorted({name for folder in brush_folders() for name in _names(folder)})


def find_brush(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the file of a brush, given its name ("classic/pen") or its path, with or without ".myb".

    Raises:
        BrushNotFoundError: no such brush.
    """
    if not isinstance(name_or_path, (str, os.PathLike)) or not os.fspath(name_or_path):
        raise BrushNotFoundError(
            f"brush is {name_or_path!r}; give a name such as 'classic/pen' or a path to a {ENDING} file"
        )
    candidates = _candidates(name_or_path)
    for candidate in candidates:
        if _is_file(candidate):
            return candidate
    text = os.fsdecode(name_or_path)
    searched = ", ".join(str(candidate)[:200] for candidate in candidates) or "no folder with brushes"
    near = difflib.get_close_matches(text.removesuffix(ENDING).lower(), list_brushes(), n=1, cutoff=0.8)
    here = Path(f"{text.removesuffix(ENDING)}{ENDING}")
    raise BrushNotFoundError(
        f"brush {text!r:.200} was not found (searched: {searched}); "
        + (f"did you mean {near[0]!r}? " if near else "")
        + (f"the file in the current folder is './{here}'; " if here not in candidates and _is_file(here) else "")
        + f"give a name from list_brushes() or a path to a {ENDING} file that begins with / or ./, install the package "
        "mypaint-brushes, or name a folder of brushes in MYPAINT_BRUSHES"
    )


def _candidates(name_or_path: str | os.PathLike[str]) -> list[Path]:
    """The files that a name or a path may mean, first one first."""
    text = os.fsdecode(name_or_path)
    file = Path(text if text.endswith(ENDING) else text + ENDING)
    if isinstance(name_or_path, os.PathLike) or text.startswith(("/", "./", "../")):
        return [file]
    named = [] if ".." in file.parts else [folder / file for folder in brush_folders()]
    return [*named, file] if text.endswith(ENDING) else named


def _version(brushes: Path) -> tuple[tuple[int, ...], str]:
    """How new the set of brushes in `mypaint-data/<version>/brushes` is; a name that is no version comes last."""
    name = brushes.parent.name
    numbers = tuple(map(int, name.split("."))) if re.fullmatch(r"[0-9]+(\.[0-9]+)*", name) else ()
    return numbers, name


def _names(folder: Path) -> Iterator[str]:
    """The names of the brushes in a folder, through links as well."""
    seen: set[str] = set()
    for place, subfolders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))
        subfolders[:] = [name for name in subfolders if os.path.realpath(os.path.join(place, name)) not in seen]
        for name in files:
            path = Path(place, name)
            if name.endswith(ENDING) and _is_file(path):
                yield path.relative_to(folder).as_posix().removesuffix(ENDING)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that the file system cannot have
        return False
