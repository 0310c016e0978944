"""Agents that know nothing yet, as checkpoints, for tests of what finished agents are used for."""

from __future__ import annotations

from pathlib import Path

from cluster.run.engine import inspect_environment
from learners.checkpoint import write_checkpoint
from spiral.agent import Agent
from spiral.config import RunConfig


def untrained(config: RunConfig, folder: Path) -> Path:
    """A checkpoint of an agent that knows nothing yet."""
    spec, shape = inspect_environment(config)
    agent = {name: tensor.numpy() for name, tensor in Agent(spec, shape, config.agent).state_dict().items()}
    document = {"config": config.model_dump(mode="json"), "action_spec": spec.to_json(), "canvas_shape": list(shape)}
    folder.mkdir(parents=True)
    write_checkpoint(folder, document, {"agent": agent})
    return folder
