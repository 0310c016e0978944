"""Eyes of photographed people are turned: the experiment for those who have the Columbia gaze set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import Field

from spiral.data import data_root
from spiral.methods.deepwarp.columbia import MARGIN, Shots, read_columbia, split
from spiral.methods.deepwarp.landmarks import box_middle, corner_distance, in_region, region
from spiral.methods.deepwarp.measures import errors_by_bin, held_pairs, redirecting, unchanged
from spiral.methods.deepwarp.model import WIDTH
from spiral.methods.deepwarp.page import PAGE_FILE, eye_subject, save_page
from spiral.methods.deepwarp.pairs import HARD_TILT, WIDEST, Axis, Pairs, bin_bounds, bin_of, joined
from spiral.methods.deepwarp.redirect import MILLI, SHOWN
from spiral.methods.deepwarp.training import Lightening, Warping, WarpingOptions, turned
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.pictures import save_rows
from spiral.section import ConfigError


class PhotoPairs:
    """Pairs of photos of one eye in one pose, by the bin of their correction along an axis.

    Args:
        every: the sequences they are of.
        axis: along which gazes are turned.
        margin: of the picture after, in pixels.
    """

    def __init__(self, every: Sequence[Shots], axis: Axis, margin: int = 0) -> None:
        self.every, self.margin = every, margin
        self._places: dict[tuple[int, bool], list[tuple[int, int, int]]] = defaultdict(list)
        for number, shots in enumerate(every):
            for before in range(len(shots.gazes)):
                across = shots.points[before, 1] - shots.points[before, 0]
                hard = bool(torch.atan2(across[1], across[0]).rad2deg().abs() >= HARD_TILT)
                for after in range(len(shots.gazes)):
                    up, right = (shots.gazes[after] - shots.gazes[before]).tolist()
                    along, other = (right, up) if axis == "horizontal" else (up, right)
                    if before != after and abs(along) <= WIDEST and (axis == "both" or not other):
                        self._places[bin_of(along), hard].append((number, before, after))
        self.bins = tuple(sorted({number for number, _ in self._places}))
        if not self.bins:
            raise ConfigError(f"axis={axis!r}, but no two photos differ along it alone: name another axis")

    def of_bin(self, number: int, easy: int, hard: int, generator: torch.Generator) -> Pairs:
        """So many easy and hard pairs; where there are none of a kind, the other kind takes their place."""
        picked = []
        for is_hard, count in ((False, easy), (True, hard)):
            places = self._places[number, is_hard] or self._places[number, not is_hard]
            chosen = torch.randint(len(places), (count,), generator=generator).tolist()
            picked += [self._pair(*places[place]) for place in chosen]
        return joined(picked)

    def _pair(self, number: int, before: int, after: int) -> Pairs:
        shots = self.every[number]
        points = shots.points[before]
        around = box_middle(points)
        eye = region(shots.pictures[before], points, around)
        truth = region(shots.pictures[after], points, around, self.margin)
        angles = shots.gazes[after] - shots.gazes[before]
        anchors = in_region(points, around, corner_distance(points) / WIDTH)
        return Pairs(*(part.unsqueeze(0) for part in (eye, anchors, angles, truth)))


class PhotosOptions(WarpingOptions):
    """Where the photos are ($SPIRAL_DATA/columbia if nothing is said), and what of them is learned from.

    Gazes are turned along `axis`, heads by `most_pose` degrees at most; what is made may be off by `k` pixels (4.4.1).
    """

    folder: str = ""
    axis: Axis = "both"
    most_pose: int = Field(default=0, ge=0, le=90)
    k: int = Field(default=3, ge=0, le=MARGIN // 2)


class Photos(Experiment):
    """CFW + LCM from photos, with a page of people that it has not seen."""

    Options = PhotosOptions
    options: PhotosOptions

    def __init__(self, options: PhotosOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        folder = Path(options.folder) if options.folder else data_root() / "columbia"
        learned, held = split(read_columbia(folder, options.most_pose))
        self.held = PhotoPairs(held, options.axis)
        source = PhotoPairs(learned, options.axis, options.k)
        self.warping = Warping(options, "corrected", source, seed, device)
        self.parts = {"cfw": self.warping, "lcm": Lightening(self.warping, seed)}

    def measure(self) -> list[Table]:
        """The error in each bin that the photos have."""
        held = held_pairs(self.held, self.options.measured, self.seed)
        before, after = errors_by_bin(unchanged, held), errors_by_bin(redirecting(self.warping.network), held)
        rows: list[Row] = [
            (f"{bin_bounds(number)[0]:g} to {bin_bounds(number)[1]:g}", MILLI * b, MILLI * a)
            for number, b, a in zip(self.held.bins, before, after, strict=True)
        ]
        columns = ("degrees", "input, MSE × 1000", "CFW + LCM, MSE × 1000")
        return [Table(f"Columbia: error over the angle, {self.options.axis}", columns, rows)]

    def draw(self, folder: Path) -> None:
        """Pairs with what the network makes of them, and the page."""
        held = held_pairs(self.held, 4, self.seed)
        every = joined(held.values())
        made = turned(self.warping.network, every.eyes, every.anchors, every.angles)
        save_rows([every.eyes, made.output, every.truth], folder / "photos.png")
        count = min(SHOWN, len(every))
        subjects = [
            eye_subject(self.warping.network, every.eyes[i], every.anchors[i], self.options.axis) for i in range(count)
        ]
        save_page(subjects, folder / PAGE_FILE)
