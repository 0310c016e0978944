"""The data sets of which it is known what each pixel shows, by name."""

from __future__ import annotations

from pathlib import Path

from spiral.data.aerials import Aerials
from spiral.data.catalogue import SETS, find
from spiral.data.pictures import DatasetError
from spiral.data.scene_views import SceneViews
from spiral.data.segmented import SegmentedSet


def find_segmented(name: str, root: Path | None = None) -> SegmentedSet:
    """The data set of this name.

    Raises:
        DatasetError: there is none, or nobody knows what its pixels show.
    """
    found = find(name, root)
    if not isinstance(found, SceneViews | Aerials):
        known = [other for other in SETS if isinstance(find(other, root), SceneViews | Aerials)]
        raise DatasetError(f"nobody has marked what the pixels of {name} show: give {' or '.join(known)}")
    return found
