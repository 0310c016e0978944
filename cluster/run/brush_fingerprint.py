"""Which brush a run paints with on this machine, and whether its agent learned with another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.rollout import brush_fingerprint, make_environments
from envs.other_brush import warn_of_other_brush
from envs.settings import Settings
from spiral.config import RunConfig

KEY = "brush_fingerprint"  # in the document of a checkpoint


def fingerprint_here(config: RunConfig) -> str | None:
    """The fingerprint of the brush that the run's environment finds; None of one without a brush."""
    return _look(config)[1]


def compare_brush(config: RunConfig, document: Mapping[str, Any], trained: str) -> None:
    """Warns if a checkpoint was trained with another brush than the one found here.

    Args:
        config: the run's settings.
        document: of the checkpoint.
        trained: what was, such as "the agent of runs/x".
    """
    warn_of_other_brush(*_look(config), document.get(KEY), f"{trained} was trained")


def describe_brush(config: RunConfig) -> list[str]:
    """The brush's name, fingerprint and file, as a line; none of an environment without a brush."""
    settings, fingerprint = _look(config)
    if fingerprint is None:
        return []
    from envs.pymypaint import find_brush

    name = getattr(settings, "brush", "")
    return [f"brush: {name}, fingerprint {fingerprint}, {find_brush(name)}"]


def _look(config: RunConfig) -> tuple[Settings, str | None]:
    environments = make_environments(config, 1)
    try:
        return environments.unwrapped.settings, brush_fingerprint(environments)
    finally:
        environments.close()
