"""`spiral parse`: a picture of a person's becomes a program (Ganin et al. 2018, section 6.5.2, figure 6.6).

The picture is brought to the size of the agent's canvas (`cluster/studio/preprocessing.py`). The agent paints it many
times, which costs little more than once, and the painting with the least error is kept (`docs/programs.md` says what
that gains).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from actors.scene_evaluation import objects_of
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.cores import processors
from cluster.run.folder import write_text
from cluster.studio.agents import load_agent
from cluster.studio.apart import require_apart
from cluster.studio.blank_notes import PAINTS_NOTHING, nothing_drawn, paints_nothing, same_grey
from cluster.studio.parsing import Parsing
from cluster.studio.preprocessing import LONGEST, Preprocessing, as_array, drawn_box, resized
from cluster.studio.program_pictures import painting_frames, save_animation, strokes_picture
from envs.paint_settings import PaintSettings
from envs.scene_objects import described
from envs.scene_settings import SceneSettings
from spiral.data.picture_file import open_picture

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
    search: int = 0,
) -> str:
    """Writes the program of a picture and pictures of it into the folder `out`, and says how near it comes.

    Args:
        picture: a file of any kind that `open_picture` reads.
        out: is made if it is not there; files of the same names are replaced.
        run: the folder of a copying agent's run, or None for a shipped one.
        goal: which shipped one, `copy`, `characters` or `scenes`.
        samples: how many paintings to choose from.
        seed: decides every painting.
        temperature: of the agent's choices; None is the run's own.
        preprocessing: what is done to the picture first.
        search: the best of them is made better, with the commands of so many more paintings.

    Raises:
        PictureError: the file is no picture that can be used.
        RunError: the agent copies nothing, there is no run, or a file to be written is the picture itself.
        CheckpointError: the run's agent is missing, damaged, or of another environment.
    """
    agent = load_agent(run, goal)
    agent.require_conditional()
    require_apart(picture, out, WRITTEN)
    parsing = agent.parse(picture, samples, seed, temperature, preprocessing, search)
    out.mkdir(parents=True, exist_ok=True)
    notes = (*preprocessing.advice(parsing.target, parsing.paintings.empty), *_unseen(picture, preprocessing, parsing))
    written = write_program(out, parsing) + write_kind(out, parsing)
    return "\n".join((*notes, _error_in_words(parsing), f"{out}: {', '.join(written)}", *_unpainted(parsing)))


def _error_in_words(parsing: Parsing) -> str:
    best = min(parsing.errors)
    searched = f"found by search from {best:.4f}, " if parsing.error < best else ""
    return (
        f"error {parsing.error:.4f}, of an empty canvas {parsing.empty_error:.4f}; "
        f"{searched}the best of {len(parsing.errors)} paintings, on average {np.mean(parsing.errors):.4f}"
    )


def _unseen(picture: Path, preprocessing: Preprocessing, parsing: Parsing) -> list[str]:
    """Lines about a picture in which the agent sees nothing."""
    if drawn_box(parsing.target) is not None:
        return []
    white, black = (open_picture(picture, True, background=color, longest=LONGEST) for color in ("white", "black"))
    pale = white != black
    notes = nothing_drawn(preprocessing, as_array(parsing.square), parsing.target, pale)
    if notes and parsing.square.mode == "L":
        return same_grey(preprocessing.apply_to_file(picture, True), parsing.square) or notes
    return notes


def _unpainted(parsing: Parsing) -> list[str]:
    """Lines about a painting that is no better than none."""
    if paints_nothing(parsing.program):
        return [PAINTS_NOTHING]
    if parsing.error < parsing.empty_error:
        return []
    return [
        "note: no painting comes nearer to the picture than an empty canvas: the agent does not know such pictures; "
        "try another --goal, more --samples, --crop or --contrast"
    ]


def write_program(out: Path, parsing: Parsing) -> list[str]:
    """The names of the files that every program has."""
    program = parsing.program
    write_text(out / "program.json", program.to_text())
    # On the left each pixel stays a box where the picture is small, since that is what it looks like.
    pair = np.stack((resized(parsing.square, SHOWN, Image.Resampling.BOX), program.render(SHOWN)))
    save_picture(out / "reconstruction.png", contact_sheet(pair, columns=2))
    save_animation(out / "painting.gif", painting_frames(program, SHOWN), len(program.actions) + 1)
    return ["program.json", "reconstruction.png", "painting.gif"]


def write_kind(out: Path, parsing: Parsing) -> list[str]:
    """The names of the files that only programs of this environment have."""
    program = parsing.program
    settings = program.parsed_settings
    if isinstance(settings, PaintSettings):
        averaged = [parsing.paintings.program(index) for index in range(min(AVERAGED, len(parsing.errors)))]
        save_picture(out / "strokes.png", strokes_picture(averaged, SHOWN, processors()))
        write_text(out / "program.svg", program.to_svg(SHOWN))
        return ["strokes.png", "program.svg"]
    if isinstance(settings, SceneSettings):
        write_text(out / "objects.txt", described(objects_of(settings, program.actions)))
        return ["objects.txt"]
    return []
