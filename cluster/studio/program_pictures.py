"""Pictures of how programs paint: each stroke in a colour of its own, and stroke after stroke as an animation.

Below each picture is a strip with one numbered cell for each command, counted from 0.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import gymnasium
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cluster.run.contact_sheet import LINE
from envs.canvas_env import in_three_channels
from envs.edits import in_colors
from envs.program import Program
from spiral.files import write_bytes

STRIP = 20  # pixels, its height
LEAST_CELL = 14  # pixels, the width that a number needs
DONE = (0.35, 0.35, 0.35)
SECONDS, LAST_SECONDS = 0.4, 2.0  # how long a frame of an animation stays


def strokes_picture(programs: Sequence[Program], size: int, num_threads: int = 1) -> NDArray[np.uint8]:
    """The mean of paintings of one picture, command k of each in the same colour, uint8 [height + strip, width, 3].

    Where the paintings agree on a stroke it stands out sharp; where they do not it is a haze (thesis, figure 6.6 d).

    Args:
        programs: paintings with equal settings and as many commands.
        size: of the canvas in pixels; each is painted anew at this size.
        num_threads: on how many threads.
    """
    colors = stroke_colors(len(programs[0].actions))
    colored = [in_colors(program, colors) for program in programs]
    settings = colored[0].at_size(size).settings
    canvases = gymnasium.make_vec(programs[0].env_id, num_envs=len(programs), num_threads=num_threads, **settings)
    observation, _ = canvases.reset()
    for actions in np.stack([program.actions for program in colored], axis=1):
        observation, *_ = canvases.step(actions)
    canvases.close()
    width, height = colored[0].at_size(size).shape
    seen = observation["canvas"][:, :height, :width]
    mean = np.rint(seen.mean(axis=0, dtype=np.float64)).astype(np.uint8)
    return np.concatenate((mean, numbered_strip(width, colors)))


def stroke_colors(count: int) -> NDArray[np.float64]:
    """Colours around the circle of hues, [count, 3] in [0, 1]."""
    return np.array([colorsys.hsv_to_rgb(number / count, 1.0, 0.85) for number in range(count)]).reshape(-1, 3)


def numbered_strip(width: int, colors: NDArray[np.float64], filled: int | None = None) -> NDArray[np.uint8]:
    """Numbered cells side by side, uint8 [strip, width, 3]; the first `filled` have their colours, by default all."""
    count = len(colors)
    strip = Image.new("RGB", (width, STRIP), (LINE,) * 3)
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(11)
    edges = np.linspace(0, width, count + 1)
    for number, color in enumerate(colors):
        left, right = edges[number], edges[number + 1]
        if filled is None or number < filled:
            fill = tuple(round(255 * part) for part in color)
            draw.rectangle((left, 0, max(left, right - 2), STRIP), fill=fill)
        if right - left >= LEAST_CELL:
            draw.text(((left + right) / 2 - 1, STRIP / 2), str(number), "white", font, anchor="mm")
    return np.asarray(strip)


def painting_frames(program: Program, size: int) -> Iterator[NDArray[np.uint8]]:
    """The canvas before the first and after every command, painted at `size`, each uint8 [height + strip, width, 3].

    The strip tells how many are done, so that a command that paints nothing is seen as well.
    """
    colors = np.tile(DONE, (len(program.actions), 1))
    for done, canvas in enumerate(program.at_size(size).frames()):
        yield np.concatenate((in_three_channels(canvas), numbered_strip(canvas.shape[1], colors, done)))


def save_animation(path: Path, frames: Iterable[NDArray[np.uint8]], count: int) -> None:
    """Write `count` frames, each uint8 [H, W, 3], as an endless GIF, whole or not at all."""
    write_bytes(path, animation(frames, count))


def animation(frames: Iterable[NDArray[np.uint8]], count: int) -> bytes:
    """So many frames, each uint8 [H, W, 3], as an endless GIF."""
    pictures = (Image.fromarray(frame) for frame in frames)
    first = next(pictures)
    milliseconds = [round(1000 * SECONDS)] * (count - 1) + [round(1000 * LAST_SECONDS)]
    file = io.BytesIO()
    first.save(file, format="GIF", save_all=True, append_images=pictures, duration=milliseconds, loop=0)
    return file.getvalue()
