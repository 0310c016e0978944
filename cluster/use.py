"""What finished agents are used for: `spiral sample` and `spiral render`."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actors.evaluation import Paintings, paint
from cluster.brush import compare_brush
from cluster.cores import processors
from cluster.engine import inspect_environment
from cluster.nothing import paints_nothing
from cluster.run_folder import RunError, RunFolder, write_text
from cluster.sheets import contact_sheet, save_picture
from envs.program import Program
from learners.checkpoint import DOCUMENT, CheckpointError, latest_checkpoint, load_checkpoint
from learners.weights import MemoryWeights
from spiral.agent import Agent
from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.data import load
from spiral.files import written_whole

INVENTIONS = 1000
PAINTS_NOTHING = "note: the program paints nothing: the picture is its empty canvas"


def sample(
    out: Path, run: Path | None, goal: str, data: str | None, count: int, seed: int, temperature: float | None
) -> str:
    """Writes `count` pictures of an agent as arrays into an .npz or as a contact sheet into a .png, and says so.

    Raises:
        RunError: the file is of another kind, there are not so many held-out pictures to copy, or it copies none.
    """
    if out.suffix.lower() not in (".npz", ".png"):
        raise RunError(f"--out {out} must end in .npz, for arrays, or .png, for a sheet to look at")
    config, weights = find_agent(run, goal)
    config = of_data(config, data)
    paintings, targets = let_paint(config, weights, count, seed, temperature)
    if out.suffix.lower() == ".png":
        save_picture(out, contact_sheet(paintings.renders, targets))
        said = f"{out}: {count} pictures{'' if targets is None else ', below those that they copy'}"
        return "\n".join((said, *_all_empty(paintings)))
    arrays = {"renders": paintings.renders} | ({} if targets is None else {"targets": targets})
    # Into an open file, since numpy appends .npz to other names.
    with written_whole(out) as unfinished, unfinished.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    said = f"{out}: {', '.join(f'{name} {array.dtype} {array.shape}' for name, array in arrays.items())}"
    return "\n".join((said, *_all_empty(paintings)))


def _all_empty(paintings: Paintings) -> list[str]:
    """A line where an agent paints nothing at all."""
    if (paintings.renders != paintings.empty).any():
        return []
    return ["note: the agent paints nothing: all its canvases stay empty; train it for longer, or name another run"]


def render(program: Path, out: Path, size: int, brush: str | None) -> str:
    """Paints a program anew into a .png or .svg file, and says so.

    Raises:
        RunError: the file is of another kind or the program itself, or an SVG was asked for with a brush.
    """
    document = Program.load(program)
    if out.exists() and out.samefile(program):
        raise RunError(f"--out {out} is the program itself, which would be written over: name another file")
    if out.suffix.lower() == ".svg":
        if brush is not None:
            raise RunError(f"--brush {brush} has no effect in SVG, which has lines and no brushes: write a .png")
        text = document.to_svg(size)
        nothing = text == replace(document, actions=document.actions[:0]).to_svg(size)
        write_text(out, text)
    elif out.suffix.lower() == ".png":
        picture = document.render(size, brush)
        nothing = paints_nothing(document, picture)
        save_picture(out, picture)
    else:
        raise RunError(f"--out {out} must end in .png or .svg")
    said = f"{out}: {size} x {size}"
    return f"{said}\n{PAINTS_NOTHING}" if nothing else said


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


def let_paint(
    config: RunConfig, weights: MemoryWeights, count: int | None, seed: int, temperature: float | None
) -> tuple[Paintings, NDArray[np.uint8] | None]:
    """Paintings, with the held-out pictures that they copy if the agent is conditional.

    Raises:
        RunError: `count` is above the number of held-out pictures.
    """
    targets = None
    if config.agent.conditional:
        _, (size, _, channels) = inspect_environment(config)
        targets = load(config.data.name, "test", size, channels == 3)
        if count is not None and count > len(targets):
            raise RunError(f"--count {count}: there are {len(targets)} held-out pictures to copy, ask for no more")
        targets = targets[:count]
    number = len(targets) if targets is not None else count or INVENTIONS
    heat = config.sample_temperature if temperature is None else temperature
    return paint(config, weights, targets, number, seed, heat, processors()), targets
