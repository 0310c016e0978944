"""`spiral parse`: a picture of a person's becomes a program (Ganin et al. 2018, section 6.5.2, figure 6.6).

The picture is padded to a square in its own background and brought to the size of the agent's canvas. The agent paints
it many times, which costs little more than once, and the painting with the least error is kept (`docs/programs.md` says
what that gains).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from actors.evaluation import paint
from actors.scene_evaluation import objects_of
from cluster.cores import processors
from cluster.engine import inspect_environment
from cluster.program_pictures import painting_frames, save_animation, strokes_picture
from cluster.run_folder import RunError, write_text
from cluster.sheets import contact_sheet, save_picture
from cluster.use import find_agent
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.scene_objects import described
from envs.scene_settings import SceneSettings
from spiral.data.picture_file import open_picture
from spiral.picture_error import mean_squared_error

SHOWN = 256  # pixels, the width of the pictures that are written
AVERAGED = 100  # paintings, at most, in the picture of the strokes
CUTOFF = 1.0  # per cent of the pixels, at either end, that --contrast lets go
MIDDLE, NEAR = 127.5, 24.0  # of 255 grey levels: as good as the other colour, as good as the same


def parse(
    picture: Path,
    out: Path,
    run: Path | None,
    goal: str,
    samples: int,
    seed: int,
    temperature: float | None,
    invert: bool,
    contrast: bool,
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
        invert: whether to turn dark to light and light to dark first.
        contrast: whether to make its lightest parts white and its darkest black first.

    Raises:
        PictureError: the file is no picture that can be used.
        RunError: the agent copies nothing, or there is no run.
        CheckpointError: the run's agent is missing, damaged, or of another environment.
    """
    config, weights = find_agent(run, goal)
    if not config.agent.conditional:
        who = f"the agent of {run}" if run else f"the shipped agent of --goal {goal}"
        raise RunError(
            f"{who} looks at no picture: name one that copies by --run, or take --goal copy, characters or scenes"
        )
    _, (size, _, channels) = inspect_environment(config)
    square = squared(prepared(open_picture(picture, color=channels == 3), invert, contrast))
    target = resized(square, size, Image.Resampling.BILINEAR)
    out.mkdir(parents=True, exist_ok=True)
    heat = config.sample_temperature if temperature is None else temperature
    paintings = paint(config, weights, np.repeat(target[None], samples, axis=0), samples, seed, heat, processors())
    errors = [mean_squared_error(render, target) for render in paintings.renders]
    best = paintings.program(int(np.argmin(errors)), config)
    averaged = [paintings.program(index, config) for index in range(min(AVERAGED, samples))]
    written = write_program(out, best, square) + write_kind(out, best, averaged)
    empty = best.frames()[0]
    return "\n".join(
        (
            *advice(target, empty),
            f"error {min(errors):.4f}, of an empty canvas {mean_squared_error(empty, target):.4f}; "
            f"the best of {samples} paintings, on average {np.mean(errors):.4f}",
            f"{out}: {', '.join(written)}",
        )
    )


def prepared(picture: Image.Image, invert: bool, contrast: bool) -> Image.Image:
    """The picture as the agent is to see it, but for its size."""
    if invert:
        picture = ImageOps.invert(picture)
    return ImageOps.autocontrast(picture, CUTOFF, preserve_tone=True) if contrast else picture


def squared(picture: Image.Image) -> Image.Image:
    """The picture in the middle of a square, whose rest has the colour that is the median of the picture's edge."""
    side = max(picture.size)
    background = tuple(round(level) for level in edge_color(np.atleast_3d(np.asarray(picture))))
    square = Image.new(picture.mode, (side, side), background if picture.mode == "RGB" else background[0])
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def resized(square: Image.Image, size: int, filter: Image.Resampling) -> NDArray[np.uint8]:
    """The picture as uint8 [size, size, C]."""
    return np.atleast_3d(np.asarray(square.resize((size, size), filter)))


def edge_color(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The median of the outermost pixels of a picture [H, W, C] in each channel, [C]."""
    edge = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    return np.asarray(np.median(np.concatenate(edge), axis=0), np.float64)


def write_program(out: Path, program: Program, square: Image.Image) -> list[str]:
    """The names of the files that every program has."""
    program.save(out / "program.json")
    # On the left each pixel stays a box where the picture is small, since that is what it looks like.
    pair = np.stack((resized(square, SHOWN, Image.Resampling.BOX), program.render(SHOWN)))
    save_picture(out / "reconstruction.png", contact_sheet(pair, columns=2))
    save_animation(out / "painting.gif", painting_frames(program, SHOWN))
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


def advice(target: NDArray[np.uint8], empty: NDArray[np.uint8]) -> list[str]:
    """A line for a picture with another background than the canvas of an agent that paints in grey, if it has one."""
    difference = edge_color(target).mean() - edge_color(empty).mean()
    if target.shape[-1] != 1 or abs(difference) <= NEAR:
        return []
    how = "darker" if difference < 0 else "lighter"
    way_out = "try it with --invert, or without" if abs(difference) > MIDDLE else "try it with --contrast"
    return [f"note: the background of the picture is {how} than the agent's canvas: {way_out}"]
