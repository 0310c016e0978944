"""`spiral parse`: a picture of a person's becomes a program (Ganin et al. 2018, section 6.5.2, figure 6.6).

The picture is brought to the size of the agent's canvas (`cluster/framing.py`). The agent paints it many times, which
costs little more than once, and the painting with the least error is kept (`docs/programs.md` says what that gains).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from actors.evaluation import paint
from actors.scene_evaluation import objects_of
from cluster.cores import processors
from cluster.engine import inspect_environment
from cluster.framing import Framing, resized
from cluster.program_pictures import painting_frames, save_animation, strokes_picture
from cluster.run_folder import RunError, write_text
from cluster.sheets import contact_sheet, save_picture
from cluster.use import find_agent, name_of_agent
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.scene_objects import described
from envs.scene_settings import SceneSettings
from spiral.data.picture_file import open_picture
from spiral.picture_error import mean_squared_error

SHOWN = 256  # pixels, the width of the pictures that are written
AVERAGED = 100  # paintings, at most, in the picture of the strokes


def parse(
    picture: Path,
    out: Path,
    run: Path | None,
    goal: str,
    samples: int,
    seed: int,
    temperature: float | None,
    framing: Framing,
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
        framing: what is done to the picture first.

    Raises:
        PictureError: the file is no picture that can be used.
        RunError: the agent copies nothing, or there is no run.
        CheckpointError: the run's agent is missing, damaged, or of another environment.
    """
    config, weights = find_agent(run, goal)
    if not config.agent.conditional:
        raise RunError(
            f"{name_of_agent(run, goal)} looks at no picture: "
            "name one that copies by --run, or take --goal copy, characters or scenes"
        )
    _, (size, _, channels) = inspect_environment(config)
    square = framing.apply(open_picture(picture, color=channels == 3))
    target = resized(square, size, Image.Resampling.BILINEAR)
    out.mkdir(parents=True, exist_ok=True)
    heat = config.sample_temperature if temperature is None else temperature
    paintings = paint(config, weights, np.repeat(target[None], samples, axis=0), samples, seed, heat, processors())
    errors = [mean_squared_error(render, target) for render in paintings.renders]
    best = paintings.program(int(np.argmin(errors)), config)
    averaged = [paintings.program(index, config) for index in range(min(AVERAGED, samples))]
    written = write_program(out, best, square) + write_kind(out, best, averaged)
    empty = next(best.frames())
    return "\n".join(
        (
            *framing.advice(target, empty),
            f"error {min(errors):.4f}, of an empty canvas {mean_squared_error(empty, target):.4f}; "
            f"the best of {samples} paintings, on average {np.mean(errors):.4f}",
            f"{out}: {', '.join(written)}",
        )
    )


def write_program(out: Path, program: Program, square: Image.Image) -> list[str]:
    """The names of the files that every program has."""
    program.save(out / "program.json")
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
