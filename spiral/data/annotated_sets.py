"""Annotated pictures by name: drawn ones, which are always there, and those that a user has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spiral.data.annotated import AnnotatedSet
from spiral.data.bsds500 import Bsds500
from spiral.data.catalogue import DatasetInfo, data_root
from spiral.data.drive import Drive
from spiral.data.nyu_rgbd import NyuRgbd
from spiral.data.photos import Photos
from spiral.data.pictures import DatasetError
from spiral.data.regions import Regions
from spiral.data.vessels import Vessels


def _nyu_rgbd(folder: Path) -> AnnotatedSet:
    """As it is published, or translated into the layout of BSDS500 where somebody has done so."""
    translated = Bsds500(folder, depth=True)
    return NyuRgbd(folder) if translated.missing() else translated


SETS: dict[str, Callable[[Path], AnnotatedSet]] = {
    "regions": lambda root: Regions(Photos(root / "bsds500")),
    "vessels": lambda root: Vessels(),
    "bsds500": lambda root: Bsds500(root / "bsds500"),
    "nyu-rgbd": lambda root: _nyu_rgbd(root / "nyu-rgbd"),
    "drive": lambda root: Drive(root / "drive"),
}


def find_annotated(name: str, root: Path | None = None) -> AnnotatedSet:
    """The annotated pictures of this name.

    Raises:
        DatasetError: there are none.
    """
    if name not in SETS:
        raise DatasetError(f"no annotated pictures are called {name!r}: give {', '.join(SETS)}")
    return SETS[name](root or data_root())


def annotated_catalogue(root: Path | None = None) -> list[DatasetInfo]:
    """All of them as `spiral data` lists them, with what to do for those that are not ready."""
    found = {name: find_annotated(name, root) for name in SETS}
    return [
        DatasetInfo(name, each.where, each.size, not (missing := each.missing()), missing or each.what)
        for name, each in found.items()
    ]
