"""`spiral parse`: a picture of a person's becomes a program (Ganin et al. 2018, section 6.5.2, figure 6.6).

The picture is brought to the size of the agent's canvas (`cluster/studio/preprocessing.py`). The agent paints it many
times, which costs little more than once, and the painting with the least error is kept (`docs/programs.md` says what
that gains).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from actors.evaluation import Paintings, paint
from actors.scene_evaluation import objects_of
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.cores import processors
from cluster.run.engine import inspect_environment
from cluster.run.folder import RunError, write_text
from cluster.studio.agents import find_agent, name_of_agent
from cluster.studio.blank_notes import PAINTS_NOTHING, nothing_drawn, paints_nothing, same_grey
from cluster.studio.preprocessing import Preprocessing, as_array, drawn_box, resized
from cluster.studio.program_pictures import painting_frames, save_animation, strokes_picture
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.scene_objects import described
from envs.scene_settings import SceneSettings
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from spiral.data.picture_file import open_picture
from spiral.picture_error import mean_squared_error

SHOWN = 256  # pixels, the width of the pictures that are written
WRITTEN = ("program.json", "reconstruction.png", "painting.gif", "strokes.png", "program.svg", "objects.txt")
AVERAGED = 100  # paintings, at most, in the picture of the strokes


def parse(
    picture: Path,
    out: Path,
    run: Path | None,
    goal: str,
    samples: int,
    seed: int,
    temperature: float | None,
    preprocessing: Preprocessing,
) -> str:
    """Writes the program of a picture and pictures of it into the folder `out`, and says how near it comes.

    Args:
        picture: a PNG or JPEG file.
        out: is made if it is not there; files of the same names are replaced.
        run: the folder of a copying agent's run, or None for a shipped one.
        goal: which shipped one, `copy`, `characters` or `scenes`.
        samples: how many paintings to choose from.
        seed: decides every painting.
        temperature: of the agent's choices; None is the run's own.
        preprocessing: what is done to the picture first.

    Raises:
        PictureError: the file is no picture that can be used.
        RunError: the agent copies nothing, there is no run, or a file to be written is the picture itself.
        CheckpointError: the run's agent is missing, damaged, or of another environment.
    """
    config, weights = _copying_agent(run, goal)
    _, (size, _, channels) = inspect_environment(config)
    _require_apart(picture, out)
    square = preprocessing.apply(_opened(picture, channels == 3, preprocessing.background))
    target = resized(square, size, Image.Resampling.BILINEAR)
    out.mkdir(parents=True, exist_ok=True)
    heat = config.sample_temperature if temperature is None else temperature
    paintings = paint(config, weights, np.repeat(target[None], samples, axis=0), samples, seed, heat, processors())
    unseen = _unseen(picture, preprocessing, square, target)
    empty, said = _keep_best(config, paintings, target, square, out)
    return "\n".join((*preprocessing.advice(target, empty), *unseen, *said))


def _copying_agent(run: Path | None, goal: str) -> tuple[RunConfig, MemoryWeights]:
    """The settings and weights of an agent that looks at a picture; `find_agent` says which."""
    config, weights = find_agent(run, goal)
    if not config.agent.conditional:
        raise RunError(
            f"{name_of_agent(run, goal)} looks at no picture: "
            "name one that copies by --run, or take --goal copy, characters or scenes"
        )
    return config, weights


def _keep_best(
    config: RunConfig, paintings: Paintings, target: NDArray[np.uint8], square: Image.Image, out: Path
) -> tuple[NDArray[np.uint8], list[str]]:
    """The empty canvas, and lines about the painting with the least error, which is written into `out`."""
    errors = [mean_squared_error(render, target) for render in paintings.renders]
    best = paintings.program(int(np.argmin(errors)), config)
    averaged = [paintings.program(index, config) for index in range(min(AVERAGED, len(errors)))]
    written = write_program(out, best, square) + write_kind(out, best, averaged)
    empty = next(best.frames())
    said = [
        f"error {min(errors):.4f}, of an empty canvas {mean_squared_error(empty, target):.4f}; "
        f"the best of {len(errors)} paintings, on average {np.mean(errors):.4f}",
        f"{out}: {', '.join(written)}",
    ]
    return empty, said + _unpainted(best, target, empty)


def _opened(picture: Path, color: bool, background: str) -> Image.Image:
    try:
        ImageColor.getrgb(background)
    except ValueError:
        raise RunError(
            f"--background {background} is no colour: give white, black, #rrggbb or any that CSS has"
        ) from None
    return open_picture(picture, color, background=background)


def _require_apart(picture: Path, out: Path) -> None:
    """Refuses to write over the picture.

    Raises:
        RunError: the picture is one of the files that will be written.
    """
    if any((out / name).exists() and (out / name).samefile(picture) for name in WRITTEN if picture.exists()):
        raise RunError(f"{picture} would be written over, since --out {out} is its folder: name another one")


def _unseen(picture: Path, preprocessing: Preprocessing, square: Image.Image, target: NDArray[np.uint8]) -> list[str]:
    """Lines about a picture in which the agent sees nothing."""
    if drawn_box(target) is not None:
        return []
    pale = open_picture(picture, True, background="white") != open_picture(picture, True, background="black")
    notes = nothing_drawn(preprocessing, as_array(square), target, pale)
    if notes and square.mode == "L":
        colored = preprocessing.apply(_opened(picture, True, preprocessing.background))
        return same_grey(colored, square) or notes
    return notes


def _unpainted(best: Program, target: NDArray[np.uint8], empty: NDArray[np.uint8]) -> list[str]:
    """Lines about a painting that is no better than none."""
    if paints_nothing(best):
        return [PAINTS_NOTHING]
    if mean_squared_error(best.replay(), target) < mean_squared_error(empty, target):
        return []
    return [
        "note: no painting comes nearer to the picture than an empty canvas: the agent does not know such pictures; "
        "try another --goal, more --samples, --crop or --contrast"
    ]


def write_program(out: Path, program: Program, square: Image.Image) -> list[str]:
    """The names of the files that every program has."""
    write_text(out / "program.json", program.to_text())
    # On the left each pixel stays a box where the picture is small, since that is what it looks like.
    pair = np.stack((resized(square, SHOWN, Image.Resampling.BOX), program.render(SHOWN)))
    save_picture(out / "reconstruction.png", contact_sheet(pair, columns=2))
    save_animation(out / "painting.gif", painting_frames(program, SHOWN), len(program.actions) + 1)
    return ["program.json", "reconstruction.png", "painting.gif"]


def write_kind(out: Path, program: Program, others: list[Program]) -> list[str]:
    """The names of the files that only programs of this environment have; `others` are of the same picture."""
    settings = program.parsed_settings
    if isinstance(settings, PaintSettings):
        save_picture(out / "strokes.png", strokes_picture(others, SHOWN, processors()))
        write_text(out / "program.svg", program.to_svg(SHOWN))
        return ["strokes.png", "program.svg"]
    if isinstance(settings, SceneSettings):
        write_text(out / "objects.txt", described(objects_of(settings, program.actions)))
        return ["objects.txt"]
    return []
