"""Photographs, part by part (`spiral paint`): one agent for the whole and for all of its parts.

Its episodes begin on canvases that are painted in part already. A warm start imitates a search with the real brush;
then every step is paid by how much nearer the canvas comes to the target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BRUSH_SIZES = [1.5, 2.5, 4.0, 6.5, 10.0, 16.0]  # pixels of 64


def paint_small() -> dict[str, Any]:
    """Copying squares of photographs on two cores, with an opaque brush that uses no chance."""
    return {
        "environment": {"settings": {"brush": "deevad/brush", "brush_sizes": BRUSH_SIZES}},
        "data": {"name": "photo-patches", "begun": True},
        "agent": {
            "stem_channels": 16,
            "stem_stride": 2,
            "channels": [32, 64, 64],
            "residual_blocks": 0,
            "hidden": 192,
            "location_head": "pointer",
            "location_planes": True,
            "location_read": True,
            "noise": 0,
            "level": True,
            "conditional": True,
        },
        "cloning": {"demonstrations": "search", "share": 0.8, "learning_rate": 1e-3, "minibatches": 8, "passes": 3},
        "policy": {
            "batch_size": 128,
            "learning_rate": 3e-4,
            "final_learning_rate": 1e-4,
            "entropy": 0.002,
            "final_entropy": 0.0005,
            "discount": 0.8,
            "clip_ratio": 0.2,
            "passes": 2,
            "minibatches": 2,
            "normalize_advantages": True,
        },
        "rewards": [{"name": "squared_error", "weight": 0.01, "when": "step"}],
    }


PRESETS: dict[str, Callable[[], dict[str, Any]]] = {"paint-small-conditional": paint_small}
