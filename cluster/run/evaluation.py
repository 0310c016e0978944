"""At regular times the agent shows what it can: how good its pictures are, a contact sheet, some programs.

The same pictures, noise and random decisions each time, so that one sheet can be compared with the next. It disturbs no
random state of the run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.evaluation import judge_copies, judge_inventions, paint
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.folder import RunFolder
from spiral.config import RunConfig
from spiral.contracts import LiveFeed, WeightStore
from spiral.data import DIGITS, resolve

MEASURED = 256  # paintings, few enough to cost little
SHOWN = 40  # of these on the sheet
PROGRAMS = 8  # of these kept as programs
SEED = 12345


class Evaluation:
    """The evaluations of one run.

    Args:
        folder: where sheets and programs go.
        config: the run's settings.
        held_out: uint8 [N, H, W, C], of which the first are copied by a conditional agent.
        feed: where the sheets are shown too.
    """

    def __init__(self, folder: RunFolder, config: RunConfig, held_out: NDArray[np.uint8], feed: LiveFeed) -> None:
        self.folder = folder
        self.config = config
        self.feed = feed
        self.targets = held_out[:MEASURED] if config.agent.conditional else None
        self.digits = resolve(config.data.name)[0] in DIGITS

    def evaluate(self, weights: WeightStore, frames: int) -> dict[str, float]:
        """Measurements of the newest agent.

        Of copies `held_out/error`, and `held_out/error_ratio` to an empty canvas's. Of invented digits
        `held_out/accepted`, the share that the judge takes for digits, and `held_out/digits`, how many of the ten kinds
        make up 2 % or more. Other inventions are only shown.
        """
        count = MEASURED if self.targets is None else len(self.targets)
        paintings = paint(self.config, weights, self.targets, count, SEED, self.config.sample_temperature)
        renders = paintings.renders
        sheet = contact_sheet(renders[:SHOWN], None if self.targets is None else self.targets[:SHOWN])
        save_picture(self.folder.sheets / f"{frames:012d}.png", sheet)
        save_picture(self.folder.picture, sheet)
        self.feed.hang(frames, sheet)
        for index in range(min(PROGRAMS, count)):
            paintings.program(index).save(self.folder.programs / f"{index}.json")
        if self.targets is None:
            return self._inventions(renders) if self.digits else {}
        report = judge_copies(renders, self.targets, paintings.empty)
        return {"held_out/error": report.error, "held_out/error_ratio": report.relative_error}

    def _inventions(self, renders: NDArray[np.uint8]) -> dict[str, float]:
        report = judge_inventions(renders)
        return {"held_out/accepted": report.accepted, "held_out/digits": float(report.digits_present)}
