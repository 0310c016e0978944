"""One network, CFW + LCM, learns to turn eyes up and down, aside, or both: figures 4.1, 4.4 and 4.9, and a page.

The page shows eyes that a slider turns. It is one file, with all frames made beforehand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from spiral.methods.deepwarp.eyes import Looks, chosen, random_looks
from spiral.methods.deepwarp.face import face_frames, read_face
from spiral.methods.deepwarp.figures import facing, strip, true_strip
from spiral.methods.deepwarp.measures import (
    errors_by_bin,
    frames_per_second,
    held_pairs,
    redirecting,
    unchanged,
)
from spiral.methods.deepwarp.model import size_in_bytes
from spiral.methods.deepwarp.page import PAGE_FILE, Subject, eye_subject, save_page
from spiral.methods.deepwarp.pairs import WIDEST, Axis, DrawnPairs, bin_bounds
from spiral.methods.deepwarp.training import AT_ONCE, Lightening, Warping, WarpingOptions, turned
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.pictures import save_animation, save_rows
from spiral.section import Size

SHOWN = 6  # eyes in a figure
UP, RIGHT = torch.tensor((1.0, 0.0)), torch.tensor((0.0, 1.0))
DIRECTIONS: dict[Axis, dict[str, torch.Tensor]] = {  # of the strips
    "vertical": {"up": UP},
    "horizontal": {"aside": RIGHT},
    "both": {"up": UP, "aside": RIGHT, "up_and_aside": UP + RIGHT},
}
DEGREES = tuple(np.linspace(-WIDEST, WIDEST, 9).tolist())
BREAKING = (-45.0, -37.5, -30.0, -15.0, 0.0, 15.0, 30.0, 37.5, 45.0)
HELD_OUT_SEED = 1_000_003  # added to the seed, so that nobody who is measured was learned from
MILLI = 1000


class RedirectOptions(WarpingOptions):
    """Along which axis eyes are turned; and a photo for the page, with a file of its landmarks (see `read_face`)."""

    axis: Axis = "vertical"
    steps: Size = 4000
    picture: str = ""
    landmarks: str = ""


class Vertical(Experiment):
    """The network with everything, CFW + LCM."""

    Options = RedirectOptions
    options: RedirectOptions

    def __init__(self, options: RedirectOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.face = read_face(options.picture, options.landmarks)
        source = DrawnPairs(random_looks(options.persons, options.shots, seed), options.axis)
        self.held_looks = random_looks(options.held_out, options.shots, seed + HELD_OUT_SEED)
        self.held = DrawnPairs(self.held_looks, options.axis)
        self.warping = Warping(options, "corrected", source, seed, device)
        self.parts = {"cfw": self.warping, "lcm": Lightening(self.warping, seed)}

    def measure(self) -> list[Table]:
        """The error in each bin beside that of the input, and size and speed."""
        held = held_pairs(self.held, self.options.measured, self.seed)
        before, after = errors_by_bin(unchanged, held), errors_by_bin(redirecting(self.warping.network), held)
        rows: list[Row] = [
            (f"{bin_bounds(number)[0]:g} to {bin_bounds(number)[1]:g}", MILLI * b, MILLI * a, a / b)
            for number, b, a in zip(self.held.bins, before, after, strict=True)
        ]
        columns = ("degrees", "input, MSE × 1000", "CFW + LCM, MSE × 1000", "of the input's")
        title = f"Figure 4.7: error over the angle, {self.options.axis}, eyes of nobody that it has seen"
        note = f"the thesis shows curves and no numbers; {PAGE_FILE}, in the folder, turns eyes by a slider"
        return [Table(title, columns, rows, note), self._cost()]

    def draw(self, folder: Path) -> None:
        """Strips, an animation, where the lightness is corrected, and the page."""
        looks = chosen(self.held_looks, self.options.shots * torch.arange(min(SHOWN, self.options.held_out)))
        network = self.warping.network
        for name, direction in DIRECTIONS[self.options.axis].items():
            save_rows(strip(network, looks, direction, DEGREES), folder / f"turned_{name}.png")
            save_rows(true_strip(looks, direction, DEGREES), folder / f"true_{name}.png")
            save_rows(strip(network, looks, direction, BREAKING), folder / f"breaking_{name}.png")
            frames = strip(network, looks, direction, np.linspace(-WIDEST, WIDEST, 25).tolist())
            moving = [[torch.stack([row[i] for row in frames])] for i in range(25)]
            save_animation(moving, folder / f"turning_{name}.gif")
        pairs = facing(looks, -WIDEST / 2 * next(iter(DIRECTIONS[self.options.axis].values())))
        made = turned(network, pairs.eyes, pairs.anchors, pairs.angles)
        assert made.lightness is not None, "CFW + LCM has one"
        save_rows([pairs.eyes, made.output, made.lightness, pairs.truth], folder / "lightness.png")
        save_page(self._subjects(looks), folder / PAGE_FILE)

    def _subjects(self, looks: Looks) -> list[Subject]:
        """Whose eyes the page turns: of the photo, if there is one, and drawn ones."""
        network, axis = self.warping.network, self.options.axis
        faces = [] if self.face is None else [face_frames(network, self.face, axis)]
        pairs = facing(looks, torch.zeros(2))
        eyes = [eye_subject(network, pairs.eyes[i], pairs.anchors[i], axis) for i in range(len(pairs))]
        return faces + eyes

    def _cost(self) -> Table:
        network = self.warping.network
        speeds = [frames_per_second(network, at_once) for at_once in (1, AT_ONCE)]
        rows: list[Row] = [("CFW + LCM", size_in_bytes(network) / 1000, *speeds, torch.get_num_threads())]
        columns = ("network", "kB of weights", "frames/s of 51×41", f"{AT_ONCE} at once", "threads")
        return Table("Section 4.5: size and speed", columns, rows, "thesis: 250 kB, 20 frames/s on a GPU of 2013")


class HorizontalOptions(RedirectOptions):
    """Aside."""

    axis: Axis = "horizontal"


class Horizontal(Vertical):
    """The same network, which learns to turn eyes aside (section 4.4.5)."""

    Options = HorizontalOptions


class BothOptions(RedirectOptions):
    """Both."""

    axis: Axis = "both"


class Both(Vertical):
    """The same network, which learns both angles at once."""

    Options = BothOptions
