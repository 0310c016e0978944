"""The agents that come with the package: for digits, characters and scenes, and one that paints photographs.

`docs/results.md` says how they were trained and what they reach, and of the last one `docs/paint.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays

Goal = Literal["copy", "characters", "invent", "invent-characters", "scenes", "paint"]


class FinishedWeights:
    """A store that holds the weights of one finished agent, as version 0 of `agent`."""

    def __init__(self, agent: Arrays) -> None:
        self._agent = agent

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Nobody trains a finished agent.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{name!r} cannot be published to a finished agent")

    def version(self, name: str) -> int:
        """0 for `agent`, otherwise -1."""
        return 0 if name == "agent" else -1

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The weights of `agent`.

        Raises:
            KeyError: for any other name.
        """
        return 0, {"agent": self._agent}[name]


def shipped_agent(goal: Goal) -> tuple[RunConfig, FinishedWeights]:
    """The settings and the weights of the shipped agent that can do `goal`."""
    weights = resources.files("spiral") / "weights" / goal / "agent.safetensors"
    return parse_config(shipped_document(goal)["config"]), FinishedWeights(load(weights.read_bytes()))


def shipped_document(goal: Goal) -> dict[str, Any]:
    """What is written of the shipped agent that can do `goal`: the document of its checkpoint."""
    document: dict[str, Any] = json.loads((resources.files("spiral") / "weights" / goal / "run.json").read_text())
    return document
