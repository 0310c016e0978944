"""A picture is never written over by what is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cluster.run.folder import RunError


def require_apart(picture: Path, out: Path, names: Iterable[str]) -> None:
    """Refuses to write over the picture.

    Raises:
        RunError: the picture is one of the files in `out` that will be written.
    """
    if any((out / name).exists() and (out / name).samefile(picture) for name in names if picture.exists()):
        raise RunError(f"{picture} would be written over, since --out {out} is its folder: name another one")
