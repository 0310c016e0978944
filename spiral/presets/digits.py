"""The published painting agent, and its experiments on digits (thesis 6.4.3).

The `small` ones learn the same on two processor cores within half an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spiral.presets.document import merged

# The published WGAN-GP as often as its process can, and five times a policy step at least (Gulrajani et al., 2017).
DISCRIMINATOR: dict[str, Any] = {"name": "discriminator", "pace": {"floor": 5, "ceiling": None}}

PUBLISHED_DIGITS: dict[str, Any] = {
    "environment": {"settings": {"color": False, "brush_sizes": [1, 2, 4, 8, 12, 24]}},
    "rewards": [
        DISCRIMINATOR,
        {"name": "blank", "weight": 1.0},
        {"name": "stroke_start", "weight": 0.05},
    ],
    "policy": {"learning_rate": 1e-4, "entropy": 0.01},
}

SMALL: dict[str, Any] = {
    "environment": {
        "settings": {
            "canvas_size": 32,
            "render_size": 64,
            "brush": "classic/pen",
            "brush_sizes": [0.4, 0.6, 0.8, 1.0, 1.3, 1.7],
            "color": False,
            "episode_length": 8,
        }
    },
    "agent": {
        "stem_channels": 16,
        "stem_stride": 2,
        "channels": [32, 64],
        "residual_blocks": 0,
        "hidden": 128,
        "location_head": "pointer",
        "location_planes": True,
    },
    "policy": {"batch_size": 128},
}

# It learns from pictures in varied ink, and has a hidden layer, so that it judges shapes and learns them soon.
SMALL_DISCRIMINATOR: dict[str, Any] = {
    "name": "discriminator",
    "when": "step",
    "pace": {"floor": 4, "ceiling": 4},
    "options": {
        "loss": "logistic",
        "width": 24,
        "hidden": 128,
        "learning_rate": 1e-3,
        "softplus_shift": 1.0,
        "reink": True,
    },
}
# Beside a distance to the target, which does most of the work.
SMALL_CONDITIONAL_DISCRIMINATOR: dict[str, Any] = {
    "name": "discriminator",
    "weight": 0.05,
    "when": "step",
    "pace": {"floor": 5, "ceiling": 5},
    "options": {"width": 16, "learning_rate": 2e-4},
}


def stroke_penalties(weight: float) -> list[dict[str, Any]]:
    """The penalties of SPIRAL++ at every step, for the number and for the length of strokes."""
    return [{"name": name, "weight": weight, "when": "step"} for name in ("stroke_start", "stroke_length")]


def reference() -> dict[str, Any]:
    """The published painting setting: colour, 64×64, 20 commands, unconditional."""
    return {"rewards": [DISCRIMINATOR]}


def mnist() -> dict[str, Any]:
    """Inventing digits with the published layers in grey."""
    return PUBLISHED_DIGITS


def mnist_conditional() -> dict[str, Any]:
    """Copying digits with the published layers in grey."""
    return merged(PUBLISHED_DIGITS, {"agent": {"conditional": True, "noise": 0}})


def mnist_small() -> dict[str, Any]:
    """Inventing digits on two cores: the discriminator's score at every step, and the penalties, as in SPIRAL++.

    Whatever the discriminator can hold against a painting and no program can mend costs the agent its time. So the
    discriminator sees every picture in varied ink, and the agent has few commands, a coarse grid and pens as wide as
    those of real digits to explore.
    """
    return merged(
        SMALL,
        {
            "environment": {"settings": {"grid_size": 16, "brush_sizes": [1.0, 1.3, 1.7], "episode_length": 6}},
            "policy": {
                "learning_rate": 5e-4,
                "final_learning_rate": 5e-5,
                "entropy": 0.005,
                "final_entropy": 0.0005,
                "anchor": 0.05,
                "clip_ratio": 0.2,
                "minibatches": 4,
                "normalize_advantages": True,
            },
            "rewards": [
                SMALL_DISCRIMINATOR,
                {"name": "blank", "weight": 1.0},
                {"name": "stroke_start", "weight": 0.05},
            ],
        },
    )


def mnist_small_conditional() -> dict[str, Any]:
    """Copying digits on two cores: a warm start by cloning, then the discriminator's score and ℓ2 at every step."""
    return merged(
        SMALL,
        {
            "agent": {"conditional": True, "noise": 0},
            "cloning": {"share": 0.1, "learning_rate": 1e-3, "minibatches": 4},
            "policy": {
                "learning_rate": 5e-4,
                "final_learning_rate": 1e-4,
                "entropy": 0.004,
                "final_entropy": 0.0005,
                "clip_ratio": 0.2,
                "passes": 2,
                "minibatches": 2,
                "normalize_advantages": True,
            },
            "rewards": [
                SMALL_CONDITIONAL_DISCRIMINATOR,
                {"name": "squared_error", "weight": 0.03, "when": "step"},
            ],
        },
    )


def mnist_small_parses() -> dict[str, Any]:
    """Inventing digits by imitation alone: the shipped copying agent's parses of real digits. This is not SPIRAL."""
    return merged(
        SMALL,
        {
            "cloning": {"demonstrations": "parses", "share": 1.0, "learning_rate": 1e-3, "minibatches": 4},
            "rewards": [{"name": "blank"}],
            "sample_temperature": 0.8,
        },
    )


PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    "reference": reference,
    "mnist": mnist,
    "mnist-conditional": mnist_conditional,
    "mnist-small": mnist_small,
    "mnist-small-conditional": mnist_small_conditional,
    "mnist-small-parses": mnist_small_parses,
}
