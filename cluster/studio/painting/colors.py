"""The colour that a picture has under a stroke.

An agent says the colour of a stroke by heart. Of those that are asked at once every second one paints with the mean
colour of the picture where its stroke goes, and the easel finds out which is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from envs.curves import on_curve
from envs.edits import COLORS
from envs.strokes import Strokes

ALONG, ACROSS = 9, 12  # places at which the picture is looked at: along the curve, and around each of its points
GOLDEN = np.pi * (3 - np.sqrt(5))
INSIDE = 0.8  # of the radius, within which they are


def with_colors_under(
    commands: NDArray[np.int64],
    begins: NDArray[np.float32],
    strokes: Strokes,
    target: NDArray[np.uint8],
    spec: ActionSpec,
) -> NDArray[np.int64]:
    """The commands [N, heads], every second of them in the colour of the picture under it.

    Args:
        commands: that paint the strokes.
        begins: where these begin, [N, 2], x and y in pixels.
        strokes: what the commands mean.
        target: the picture, uint8 [height, width, 3].
        spec: the heads.
    """
    t = np.linspace(0, 1, ALONG)[:, None]
    curve = on_curve((begins[:, None], strokes.control[:, None], strokes.end[:, None]), t)
    turn = GOLDEN * np.arange(ACROSS)
    disc = INSIDE * np.sqrt(np.arange(ACROSS) / (ACROSS - 1))[:, None] * np.stack((np.cos(turn), np.sin(turn)), axis=1)
    x, y = (curve[:, :, None] + strokes.radius[:, None, None, None] * disc).transpose(3, 0, 1, 2)
    height, width = target.shape[:2]
    seen = target[np.clip(y, 0, height - 1).astype(int), np.clip(x, 0, width - 1).astype(int)]
    light = seen.mean(axis=(1, 2)) / 255
    changed = commands.copy()
    for channel, name in enumerate(COLORS):
        changed[1::2, spec.index(name)] = np.rint(light[1::2, channel] * (spec.head(name).choices - 1))
    return changed
