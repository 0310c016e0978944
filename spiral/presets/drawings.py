"""Characters as line drawings (thesis 6.4.4): OMNIGLOT, and the characters of KanjiVG in its place.

They have several strokes, so that the penalty for a new one, which is for digits, is left out, but in SPIRAL++.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spiral.presets.digits import (
    DISCRIMINATOR,
    SMALL,
    SMALL_DISCRIMINATOR,
    mnist,
    mnist_conditional,
    mnist_small,
    mnist_small_conditional,
    stroke_penalties,
)
from spiral.presets.document import for_data, merged

# Eight strokes, and a way to each; fine lines beside each other need all pens and the whole grid.
SMALL_DRAWINGS: dict[str, Any] = merged(
    {"environment": SMALL["environment"]}, {"environment": {"settings": {"episode_length": 16, "grid_size": 32}}}
)


def invent(data: str) -> dict[str, Any]:
    """Inventing characters with the published layers in grey."""
    rewards = [DISCRIMINATOR, {"name": "blank", "weight": 1.0}]
    return merged(mnist(), {"data": {"name": data}, "rewards": rewards})


def copy(data: str) -> dict[str, Any]:
    """Copying characters with the published layers in grey."""
    return merged(mnist_conditional(), {"data": {"name": data}, "rewards": [DISCRIMINATOR]})


def copy_plus(data: str) -> dict[str, Any]:
    """Copying characters in smooth lines as in SPIRAL++, with the published layers in grey.

    The paper (Mellor et al. 2019, appendix D) has 40 commands, and does not give the weights of its two penalties.
    """
    discriminator = {
        "name": "discriminator",
        "when": "step",
        "pace": {"floor": 1, "ceiling": None},
        "options": {"loss": "logistic", "beta2": 0.999, "complement": True},
    }
    painting = {"render_size": 256, "strokes": "splines", "episode_length": 40}
    return merged(
        copy(data), {"environment": {"settings": painting}, "rewards": [discriminator, *stroke_penalties(0.05)]}
    )


def invent_small(data: str) -> dict[str, Any]:
    """Inventing characters on two cores: the discriminator's score at every step."""
    rewards = [SMALL_DISCRIMINATOR, {"name": "blank", "weight": 1.0}]
    return merged(mnist_small(), SMALL_DRAWINGS, {"data": {"name": data}, "rewards": rewards})


def copy_small(data: str) -> dict[str, Any]:
    """Copying characters on two cores, in the way of `mnist-small-conditional`.

    Twice as many commands are harder to find by trial: most of the time clones random characters.
    """
    return merged(
        mnist_small_conditional(),
        SMALL_DRAWINGS,
        {"data": {"name": data}, "agent": {"location_read": True}, "cloning": {"share": 0.6}},
    )


def presets_of(data: str) -> dict[str, Callable[[], dict[str, Any]]]:
    """The five presets of a data set."""
    kinds = {
        "": invent,
        "-conditional": copy,
        "-plus-conditional": copy_plus,
        "-small": invent_small,
        "-small-conditional": copy_small,
    }
    return {f"{data}{suffix}": for_data(data, make) for suffix, make in kinds.items()}


PRESETS = presets_of("characters") | presets_of("omniglot")
