"""Scenes of a few objects, built again from a picture (thesis 6.4.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spiral.presets.digits import DISCRIMINATOR, SMALL_CONDITIONAL_DISCRIMINATOR, mnist_small_conditional
from spiral.presets.document import merged

SCENES_ID = "spiral/Scenes-v0"
SCENES_V1_ID = "spiral/Scenes-v1"


def copy() -> dict[str, Any]:
    """Building scenes of up to 5 objects with the published layers, 20 commands, the discriminator's score alone."""
    return {
        "data": {"name": "scenes"},
        "environment": {"id": SCENES_ID},
        "agent": {"conditional": True, "noise": 0},
        "policy": {"learning_rate": 1e-4, "entropy": 0.01},
        "rewards": [DISCRIMINATOR],
    }


def copy_small() -> dict[str, Any]:
    """Building scenes of 1 or 2 objects on two cores, in the way of `mnist-small-conditional`.

    There is one command to spare, to change what was added. Random scenes are of the same kind as real ones, so that
    cloning teaches nearly all there is to know, and has most of the time. Targets are smoothed, or the agent would know
    the hard pixels of its own canvas alone. Objects cover little of the picture, so that the squared error has twice
    the weight that it has for digits.
    """
    return {
        **merged(mnist_small_conditional(), {"agent": {"location_read": True}, "cloning": {"share": 0.7}}),
        "data": {"name": "scenes-2", "smooth": True},
        "environment": {"id": SCENES_ID, "settings": {"episode_length": 3, "most_objects": 2}},
        "rewards": [
            SMALL_CONDITIONAL_DISCRIMINATOR,
            {"name": "squared_error", "weight": 0.06, "when": "step"},
        ],
    }


def copy_five_small() -> dict[str, Any]:
    """Building scenes of up to 5 objects with smooth edges on two cores, 20 commands, in the way of the smaller ones.

    Cloning has as many objects as the pictures have, and most of the time. A third of the targets look as pictures do
    that people bring. Episodes are long, so that few of them make up a minibatch.
    """
    return merged(
        copy_small(),
        {
            "data": {"name": "scenes-five", "smooth": False, "varied": True},
            "environment": {"id": SCENES_V1_ID, "settings": {"episode_length": 20, "most_objects": 5}},
            "cloning": {"share": 0.8, "minibatches": 16},
            "policy": {"minibatches": 8},
        },
    )


PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenes-conditional": copy,
    "scenes-small-conditional": copy_small,
    "scenes-five-small-conditional": copy_five_small,
}
