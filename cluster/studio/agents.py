"""Finished agents: how one is found, among runs or those that are shipped, and how it paints."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actors.evaluation import Paintings, paint
from cluster.run.brush_fingerprint import compare_brush
from cluster.run.cores import processors
from cluster.run.engine import inspect_environment
from cluster.run.folder import RunError, RunFolder
from learners.checkpoint import DOCUMENT, CheckpointError, latest_checkpoint, load_checkpoint
from learners.weights import MemoryWeights
from spiral.agent import Agent
from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.data import load_pictures
from spiral.data.pictures import Pictures

INVENTIONS = 1000


def find_agent(run: Path | None, goal: str) -> tuple[RunConfig, MemoryWeights]:
    """The settings and the weights of a run's newest agent, or of the shipped one that can do `goal`.

    Raises:
        RunError: there is no run in the folder, or no agent is shipped for this goal.
        CheckpointError: its checkpoint is missing, damaged, or of another environment.
    """
    if run is None:
        place = Path(str(resources.files("spiral"))) / "weights" / goal
        if not (place / DOCUMENT).is_file():
            raise RunError(f"no agent for --goal {goal} is shipped in {place.parent}: name a run with --run")
    elif (run / DOCUMENT).is_file():
        place = run
    elif not run.is_dir():
        raise RunError(f"there is no folder {run}: name a run with --run")
    else:
        place = latest_checkpoint(RunFolder(run).checkpoints)
    checkpoint = load_checkpoint(place, only=("agent",))
    # How it was computed where it was trained says nothing of this machine.
    config = parse_config(checkpoint.document["config"]).model_copy(update={"precision": "auto"})
    spec, canvas_shape = inspect_environment(config)
    checkpoint.require(spec, canvas_shape)
    compare_brush(config, checkpoint.document, name_of_agent(run, goal))
    require_weights(checkpoint.part("agent"), Agent(spec, canvas_shape, config.agent), place)
    weights = MemoryWeights()
    weights.publish("agent", 0, checkpoint.part("agent"))
    return config, weights


def name_of_agent(run: Path | None, goal: str) -> str:
    """What an error calls the agent that `find_agent` finds."""
    return f"the shipped agent of --goal {goal}" if run is None else f"the agent of {run}"


def of_data(config: RunConfig, data: str | None) -> RunConfig:
    """The settings of an agent that is to copy the pictures of another data set, unless that is None.

    Raises:
        RunError: the agent copies none.
    """
    if data is None:
        return config
    if not config.agent.conditional:
        raise RunError(f"--data {data} is for agents that copy pictures, and this one invents them: leave it out")
    return config.with_changes({"data.name": data})


def require_weights(arrays: Arrays, agent: Agent, place: Path) -> None:
    """Refuses weights that an agent cannot have.

    Raises:
        CheckpointError: naming an array that is missing, unknown or of another shape.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in agent.state_dict().items()}
    given = {name: array.shape for name, array in arrays.items()}
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise CheckpointError(
                f"the agent in {place} is none of its settings: {name} has shape {given.get(name)}, and they call for "
                f"{wanted.get(name)}; use the {DOCUMENT} that was written with it"
            )


def held_out(config: RunConfig) -> Pictures | None:
    """The held-out pictures for an agent to copy, with their labels; None for one that copies none."""
    return pictures_like(config) if config.agent.conditional else None


def pictures_like(config: RunConfig) -> Pictures:
    """The held-out pictures of the agent's data set, as its canvas shows them.

    Raises:
        DatasetError: they are not there.
    """
    _, (size, _, channels) = inspect_environment(config)
    return load_pictures(config.data.name, "test", size, channels == 3)


def let_paint(
    config: RunConfig,
    weights: MemoryWeights,
    pictures: Pictures | None,
    count: int | None,
    seed: int,
    temperature: float | None,
) -> tuple[Paintings, NDArray[np.uint8] | None]:
    """Paintings, with those of the held-out `pictures` that they copy.

    Raises:
        RunError: `count` is above the number of held-out pictures.
    """
    if pictures is not None and count is not None and count > len(pictures.images):
        raise RunError(f"--count {count}: there are {len(pictures.images)} held-out pictures to copy, ask for no more")
    targets = None if pictures is None else pictures.images[:count]
    number = len(targets) if targets is not None else count or INVENTIONS
    heat = config.sample_temperature if temperature is None else temperature
    return paint(config, weights, targets, number, seed, heat, processors()), targets
