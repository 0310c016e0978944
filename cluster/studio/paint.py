"""`spiral paint`: any picture, painted from coarse to fine with a real brush by one trained agent.

The picture is brought to 512 pixels along its longer side, whatever its size and ratio, and nothing is stretched. What
is written all comes from the program: the painting at any size, SVG, and a film of how it is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.run.contact_sheet import contact_sheet, png, save_picture
from cluster.run.cores import processors
from cluster.run.folder import RunError
from cluster.studio.agents import load_agent
from cluster.studio.apart import require_apart
from cluster.studio.painting.defaults import BRUSH, STROKES
from cluster.studio.painting.painter import Follow, Painter, Painting
from cluster.studio.painting.palette import MOST
from cluster.studio.painting.preview import Preview
from cluster.studio.program_pictures import animation
from cluster.studio.sketch import READ, on_page
from cluster.studio.sketching.defaults import MOST_STROKES
from envs.program import Program
from spiral.data.picture_file import open_picture
from spiral.files import write_bytes
from spiral.picture_error import mean_squared_error

FORMS = ("program.json", "painting.png", "painting.svg", "painting.gif")
COMPARISON = "comparison.png"
FILM_SIZE, FRAMES = 320, 100  # pixels of the film's canvas; its frames at most, and the empty canvas


def paint(
    picture: str | os.PathLike[str],
    strokes: int = STROKES,
    brush: str = BRUSH,
    palette: int | None = None,
    seed: int = 0,
    agent: Path | None = None,
    follow: Follow = lambda canvas, done: None,
    content: bytes | None = None,
) -> Painting:
    """A picture, painted from coarse to fine.

    Args:
        picture: a file of any kind that `open_picture` reads.
        strokes: how many at most.
        brush: by name or file.
        palette: of how many colours; None is any.
        seed: decides what is tried.
        agent: the folder of a run; None is the agent that is shipped.
        follow: is told the canvas, uint8 [height, width, 3], and how many strokes are done, after each.
        content: all bytes of a file that is on no disk, of which `picture` is then the name.

    Raises:
        PictureError: the file is no picture that can be used.
        RunError: the agent does not copy in colour, or a number is out of range.
        CheckpointError: the agent is missing, damaged, or of another environment.
        PaintError: there is no such brush.
    """
    if not 1 <= strokes <= MOST_STROKES:
        raise RunError(f"strokes is {strokes!r}; give a whole number from 1 to {MOST_STROKES:,}")
    if palette is not None and not 1 <= palette <= MOST:
        raise RunError(f"palette is {palette!r}; give 1 to {MOST} colours, or leave it out for any")
    shown = on_page(open_picture(Path(picture), color=True, content=content, longest=READ))
    painter = Painter(shown, load_agent(agent, "paint"), brush, palette, seed, processors(), follow)
    return painter.paint(strokes)


def write_painting(
    picture: Path, out: Path, strokes: int, brush: str, palette: int | None, size: int, seed: int, agent: Path | None
) -> str:
    """Writes the painting of a picture into the folder `out` in every form, and says how near it comes.

    Args:
        picture, strokes, brush, palette, seed, agent: as for `paint`.
        out: is made if it is not there; files of the same names are replaced.
        size: pixels of the longer side of `painting.png`.

    Raises:
        RunError: a file to be written is the picture itself; and whatever `paint` raises.
    """
    require_apart(picture, out, (*FORMS, COMPARISON))
    with Preview(strokes) as preview:
        painting = paint(picture, strokes, brush, palette, seed, agent, preview)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in forms(painting.program, size).items():
        write_bytes(out / name, content)
    pair = np.stack((np.asarray(painting.picture), painting.program.replay()))
    save_picture(out / COMPARISON, contact_sheet(pair, columns=2))
    return "\n".join((*summary(painting, pair[1]), f"{out}: {', '.join((*FORMS, COMPARISON))}"))


def forms(program: Program, size: int) -> dict[str, bytes]:
    """The painting that a program makes, as the content of each file of `FORMS`.

    Args:
        program: of strokes that are two commands each.
        size: pixels of the longer side of the PNG.
    """
    made = (
        program.to_text().encode(),
        png(program.render(size)),
        program.to_svg().encode(),
        animation(film_frames(program), len(_marks(program))),
    )
    return dict(zip(FORMS, made, strict=True))


def film_frames(program: Program) -> Iterator[NDArray[np.uint8]]:
    """The canvas, empty and after every so many strokes, small, at most `FRAMES` + 1 times uint8 [height, width, 3]."""
    wanted = set(_marks(program))
    for done, canvas in enumerate(program.at_size(FILM_SIZE).frames()):
        if done in wanted:
            yield canvas


def _marks(program: Program) -> list[int]:
    """After how many commands the frames are taken: each stroke is two of them."""
    strokes = len(program.actions) // 2
    return [2 * int(mark) for mark in np.unique(np.linspace(0, strokes, min(strokes, FRAMES) + 1).astype(int))]


def summary(painting: Painting, replayed: NDArray[np.uint8]) -> list[str]:
    """Lines about a painting that looks so once it is painted anew, uint8 [height, width, 3]."""
    error = mean_squared_error(replayed, np.asarray(painting.picture))
    errors, ends = painting.errors, painting.level_ends
    if len(errors) == 1:
        return ["no stroke comes nearer to the picture than the white canvas, which is the painting"]
    by_level = ", ".join(f"{errors[end]:.4f} after {end}" for end in ends)
    return [
        f"{len(errors) - 1} strokes; error {error:.4f}, {error / errors[0]:.1%} of an empty canvas's",
        f"level by level: {by_level}",
    ]
