"""What tests of agents and learners share: settings small enough for a test, and episodes made up without painting."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.actions import ActionSpec, paint_action_spec
from spiral.config import RunConfig, parse_config
from spiral.presets import merged
from spiral.trajectory import Trajectory

PAINT: dict[str, Any] = {
    "canvas_size": 16,
    "grid_size": 8,
    "brush": "classic/pen",
    "brush_sizes": [1, 2],
    "color": False,
    "episode_length": 4,
}
TINY: dict[str, Any] = {
    "device": "cpu",
    "precision": "float32",
    "environment": {"settings": PAINT},
    "agent": {
        "stem_channels": 4,
        "stem_stride": 2,
        "channels": [8],
        "residual_blocks": 0,
        "hidden": 16,
        "location_head": "pointer",
        "noise": 3,
    },
    "policy": {"batch_size": 8},
    "rewards": [{"name": "blank"}],
}
DISCRIMINATOR: dict[str, Any] = {
    "name": "discriminator",
    "options": {"width": 4, "batch_size": 8},
    "pace": {"floor": 1, "ceiling": 1},
    "warm_up": 0,
}
SPEC = paint_action_spec(8, 2, color=False)
SHAPE = (16, 16, 1)
CONDITIONAL: dict[str, Any] = {"agent": {"conditional": True, "noise": 0}}


def tiny_config(*changes: dict[str, Any]) -> RunConfig:
    """Settings of a run on canvases of 16×16 pixels, with the changes laid over them."""
    return parse_config(merged(TINY, *changes))


def tiny_discriminator(options: dict[str, Any] | None = None, **term: Any) -> dict[str, Any]:
    """The term of a reward with a small discriminator, with these options of it and settings of the term."""
    return merged(DISCRIMINATOR, {"options": options or {}}, term)


def made_up(
    config: RunConfig,
    seed: int = 0,
    length: int = 4,
    batch: int = 8,
    spec: ActionSpec = SPEC,
    shape: tuple[int, int, int] = SHAPE,
    version: int = 0,
) -> Trajectory:
    """Episodes of random canvases and random actions that obey what `Trajectory` promises of its arrays."""
    rng = np.random.default_rng(seed)
    actions = rng.integers(0, spec.nvec, (length, batch, len(spec.heads)))
    masks = np.concatenate((np.zeros((1, batch, len(spec.heads)), np.int8), spec.mask(actions)))
    painting = actions[..., spec.index(spec.kind)] == 1
    strokes = np.concatenate((np.zeros((1, batch), np.int64), painting.cumsum(axis=0)))
    return Trajectory(
        canvases=rng.integers(0, 256, (length + 1, batch, *shape), np.uint8),
        actions=actions,
        action_masks=masks,
        log_probs=rng.uniform(-9, -7, (length, batch)).astype(np.float32),
        noise=rng.standard_normal((batch, config.agent.noise), np.float32),
        targets=rng.integers(0, 256, (batch, *shape), np.uint8) if config.agent.conditional else None,
        counts={"strokes": strokes, "disjoint_strokes": (strokes + 1) // 2},
        versions=np.full(batch, version),
        first=np.zeros(batch, np.int64),
        previous=np.zeros((batch, len(spec.heads)), np.int64),
        state=np.zeros((2, batch, config.agent.hidden), np.float32),
        episode_length=length,
    )
