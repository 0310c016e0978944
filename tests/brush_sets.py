"""Two folders of brushes in which one name means two brushes."""

from __future__ import annotations

import json
from pathlib import Path

NAME = "mine/ink"


def write_set(folder: Path, opaque: float) -> Path:
    """The folder, with a brush that paints so strongly."""
    path = folder / f"{NAME}.myb"
    path.parent.mkdir(parents=True)
    settings = {
        "opaque": {"base_value": opaque, "inputs": {}},
        "opaque_multiply": {"base_value": 1.0, "inputs": {}},
        "hardness": {"base_value": 1.0, "inputs": {}},
        "dabs_per_actual_radius": {"base_value": 4.0, "inputs": {}},
    }
    path.write_text(json.dumps({"version": 3, "settings": settings}))
    return folder
