"""Faces in colour (thesis 6.4.5): CELEBA, and the faces of a generative network in its place.

Beside the discriminator, the distance between the colours of render and target counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spiral.presets.digits import (
    DISCRIMINATOR,
    SMALL_CONDITIONAL_DISCRIMINATOR,
    mnist_small_conditional,
    stroke_penalties,
)
from spiral.presets.document import for_data, merged


def copy(data: str) -> dict[str, Any]:
    """Copying faces with the published layers: the discriminator, and a penalty on wrong colours."""
    return {
        "data": {"name": data},
        "agent": {"conditional": True, "noise": 0},
        "rewards": [DISCRIMINATOR, {"name": "color_histogram", "weight": 1.0}],
        "policy": {"learning_rate": 1e-4, "entropy": 0.01},
    }


def copy_small(data: str) -> dict[str, Any]:
    """Copying faces on two cores, in the way of `mnist-small-conditional`, with large brushes and a penalty on colours.

    A face is ten times as far from the empty canvas as a digit, so that the squared error has a tenth of the weight.
    """
    brushes = [0.8, 1.3, 2.0, 3.2, 5.0, 8.0]
    return merged(
        mnist_small_conditional(),
        {
            "data": {"name": data},
            "environment": {"settings": {"color": True, "brush_sizes": brushes, "episode_length": 20}},
            "rewards": [
                SMALL_CONDITIONAL_DISCRIMINATOR,
                {"name": "squared_error", "weight": 0.003, "when": "step"},
                {"name": "color_histogram", "weight": 1.0, "when": "step"},
            ],
        },
    )


def copy_plus_small(data: str) -> dict[str, Any]:
    """Copying faces on two cores as SPIRAL++ does (Mellor et al., 2019): 200 commands, smooth lines, unrolls of 20.

    It paints at four times the size that is seen. The discriminator sees half of the copy beside half of the target,
    and the two penalties are small beside what a good stroke gains.
    """
    discriminator = merged(SMALL_CONDITIONAL_DISCRIMINATOR, {"options": {"loss": "logistic", "complement": True}})
    small = copy_small(data)
    return merged(
        small,
        {
            "environment": {"settings": {"render_size": 128, "strokes": "splines", "episode_length": 200}},
            "policy": {"unroll_length": 20},
            "rewards": [discriminator, *small["rewards"][1:], *stroke_penalties(0.001)],
        },
    )


def presets_of(data: str) -> dict[str, Callable[[], dict[str, Any]]]:
    """The three presets of a data set."""
    kinds = {"-conditional": copy, "-small-conditional": copy_small, "-plus-small-conditional": copy_plus_small}
    return {f"{data}{suffix}": for_data(data, make) for suffix, make in kinds.items()}


PRESETS = presets_of("faces") | presets_of("celeba")
