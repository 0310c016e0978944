"""Finished agents: how one is found, among runs or those that are shipped, and what it paints.

`spiral sample`, `eval`, `audit` and `parse` are thin over this, and so is a script (`docs/python.md`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actors.evaluation import Paintings, paint
from actors.program_search import improved, nearest
from cluster.run.brush_fingerprint import compare_brush
from cluster.run.cores import processors
from cluster.run.engine import inspect_environment
from cluster.run.folder import RunError, RunFolder
from cluster.studio.parsing import Parsing
from cluster.studio.preprocessing import Preprocessing, resized
from learners.checkpoint import DOCUMENT, CheckpointError, latest_checkpoint, load_checkpoint
from spiral.agent import Agent
from spiral.config import MOST_SEED, RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.data import load_pictures
from spiral.data.pictures import Pictures
from spiral.shipped import FinishedWeights, Goal

SAMPLES = 100  # paintings of a picture, of which the best is kept


@dataclass(frozen=True)
class FinishedAgent:
    """An agent that learns no more: it copies pictures, or invents them.

    Attributes:
        name: what messages call it.
        config: the settings that it was trained with.
        canvas_shape: height, width and channels of the pictures that it sees and paints.
        weights: the store of its weights.
    """

    name: str
    config: RunConfig
    canvas_shape: tuple[int, int, int]
    weights: FinishedWeights

    @property
    def conditional(self) -> bool:
        """Whether it looks at a picture and copies it; another one invents pictures."""
        return self.config.agent.conditional

    def held_out(self) -> Pictures:
        """The held-out pictures of its data set, as its canvas shows them, with their labels.

        Raises:
            DatasetError: they are not there.
        """
        size, _, channels = self.canvas_shape
        return load_pictures(self.config.data.name, "test", size, channels == 3)

    def copy(
        self,
        pictures: NDArray[np.uint8],
        seed: int = 0,
        temperature: float | None = None,
        samples: int = 1,
        search: int = 0,
    ) -> Paintings:
        """A painting of each picture.

        Args:
            pictures: uint8 [N, H, W, C] of `canvas_shape`.
            seed: decides every painting.
            temperature: of its choices: below 1 it is surer, 0 takes the first; None is as it was trained.
            samples: how often it paints each picture; the nearest painting is kept.
            search: this painting is made better, with the commands of so many more (`actors/program_search.py`).

        Raises:
            RunError: the agent copies nothing, the pictures are of another shape or kind, or a number is too small.
        """
        _check_numbers(samples, search)
        paintings = self._samples(pictures, seed, temperature, samples)
        return self._searched(paintings, pictures, seed, search)

    def invent(self, count: int, seed: int = 0, temperature: float | None = None) -> Paintings:
        """So many paintings of its own; seed and temperature as of `copy`.

        Raises:
            RunError: the agent copies pictures and invents none.
        """
        if self.conditional:
            raise RunError(f"{self.name} copies pictures and invents none: name one that invents, or let it `copy`")
        return self._paint(None, count, seed, temperature)

    def parse(
        self,
        picture: str | PathLike[str],
        samples: int = SAMPLES,
        seed: int = 0,
        temperature: float | None = None,
        preprocessing: Preprocessing | None = None,
        search: int = 0,
    ) -> Parsing:
        """A picture of any size as a program: the best of so many paintings; other arguments as of `copy`.

        Args:
            picture: a file of any kind that `open_picture` reads.
            preprocessing: what is done to the picture first; None only brings it to the canvas.

        Raises:
            PictureError: the file is no picture that can be used.
            RunError: the agent copies nothing.
        """
        self.require_conditional()
        _check_numbers(samples, search)
        size, _, channels = self.canvas_shape
        square = (preprocessing or Preprocessing()).apply_to_file(Path(picture), channels == 3)
        target = resized(square, size, Image.Resampling.BILINEAR)
        paintings = self._samples(target[None], seed, temperature, samples)
        return Parsing(square, target, paintings, self._searched(paintings, target[None], seed, search))

    def require_conditional(self) -> None:
        """Refuses an agent that copies nothing.

        Raises:
            RunError: naming it, and what to take instead.
        """
        if not self.conditional:
            raise RunError(
                f"{self.name} looks at no picture: "
                "name one that copies by --run, or take --goal copy, characters or scenes"
            )

    def _samples(self, pictures: NDArray[np.uint8], seed: int, temperature: float | None, samples: int) -> Paintings:
        """So many paintings of each picture, one picture after the other; else as `copy`."""
        self.require_conditional()
        given = np.asarray(pictures)
        if given.dtype != np.uint8 or given.ndim != 4 or given.shape[1:] != self.canvas_shape or not len(given):
            shape = ", ".join(map(str, self.canvas_shape))
            raise RunError(
                f"the pictures are {given.dtype} {list(given.shape)}, and {self.name} copies uint8 [N, {shape}], of "
                "which `held_out` gives some: `parse` takes a file with a picture of any size"
            )
        return self._paint(np.repeat(given, samples, axis=0), len(given) * samples, seed, temperature)

    def _searched(self, paintings: Paintings, pictures: NDArray[np.uint8], seed: int, search: int) -> Paintings:
        """The nearest of the paintings of each picture, made better; else as `copy`."""
        begun = nearest(paintings, pictures)
        if not search:
            return begun
        return improved(self.config, self.weights, pictures, begun, search, seed, processors())

    def _paint(self, targets: NDArray[np.uint8] | None, count: int, seed: int, temperature: float | None) -> Paintings:
        heat = self.config.sample_temperature if temperature is None else temperature
        if not 0 <= heat < math.inf:
            raise RunError(f"temperature={heat}: give 0 or more, 1 for choices as in training")
        if not 0 <= seed <= MOST_SEED:
            raise RunError(f"seed={seed}: give a number from 0 to {MOST_SEED}")
        return paint(self.config, self.weights, targets, count, seed, heat, processors())


def _check_numbers(samples: int, search: int) -> None:
    if samples < 1:
        raise RunError(f"samples={samples}: ask for 1 painting or more")
    if search < 0:
        raise RunError(f"search={search}: ask for a search with the commands of 0 paintings or more")


def load_agent(run: str | PathLike[str] | None = None, goal: str = "copy") -> FinishedAgent:
    """The newest agent of the run in a folder, or without one the shipped agent that can do `goal`.

    Raises:
        RunError: there is no run in the folder, or no agent is shipped for this goal.
        CheckpointError: its checkpoint is missing, damaged, or of another environment.
    """
    place = _shipped_place(goal) if run is None else _place_of(Path(run))
    name = f"the shipped agent of --goal {goal}" if run is None else f"the agent of {run}"
    checkpoint = load_checkpoint(place, only=("agent",))
    # How it was computed where it was trained says nothing of this machine.
    config = parse_config(checkpoint.document["config"]).model_copy(update={"precision": "auto"})
    spec, canvas_shape = inspect_environment(config)
    checkpoint.require(spec, canvas_shape)
    compare_brush(config, checkpoint.document, name)
    require_weights(checkpoint.part("agent"), Agent(spec, canvas_shape, config.agent), place)
    return FinishedAgent(name, config, canvas_shape, FinishedWeights(checkpoint.part("agent")))


def _shipped_place(goal: str) -> Path:
    """Where the shipped agent lies that can do `goal`."""
    place = Path(str(resources.files("spiral"))) / "weights" / goal
    if goal not in get_args(Goal) or not (place / DOCUMENT).is_file():
        there = ", ".join(get_args(Goal))
        raise RunError(f"no agent for --goal {goal} is shipped: name one of {there}, or a run with --run")
    return place


def _place_of(run: Path) -> Path:
    """Where the agent of a run lies: in its newest checkpoint, or in the folder itself if that is one."""
    if (run / DOCUMENT).is_file():
        return run
    if not run.is_dir():
        raise RunError(f"there is no folder {run}: name a run with --run")
    return latest_checkpoint(RunFolder(run).checkpoints)


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


def of_data(agent: FinishedAgent, data: str | None) -> FinishedAgent:
    """The agent, to copy the pictures of another data set unless that is None.

    Raises:
        RunError: it copies none.
    """
    if data is None:
        return agent
    if not agent.conditional:
        raise RunError(f"--data {data} is for agents that copy pictures, and this one invents them: leave it out")
    return replace(agent, config=agent.config.with_changes({"data.name": data}))


def first_of(pictures: Pictures, count: int | None) -> NDArray[np.uint8]:
    """So many of the held-out pictures for an agent to copy, or all of them.

    Raises:
        RunError: `count` is above their number.
    """
    if count is not None and count > len(pictures.images):
        raise RunError(f"--count {count}: there are {len(pictures.images)} held-out pictures to copy, ask for no more")
    return pictures.images[:count]
