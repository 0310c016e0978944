"""N4-Fields beside networks that classify pixels, and beside SIFT (thesis 3.4, table 3.I and figures 3.4 to 3.10).

`edges` finds the boundaries of drawn regions; `--set data=bsds500` or `data=nyu-rgbd` those of photographs, where a
user has them. `vessels` finds those of drawn retinas, or of DRIVE where it is at hand. Every method is a committee at
three scales, as in the thesis.
"""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from pydantic import Field as Bounded
from torch import Tensor

from spiral.data.annotated_sets import find_annotated
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.n4_fields import figures
from spiral.methods.n4_fields.benchmark import TOLERANCE, Scores, consensus, evaluated
from spiral.methods.n4_fields.comparing import (
    AE,
    CENTRAL,
    COARSE,
    N4,
    PATCH,
    SIFT,
    Comparison,
    ComparisonOptions,
)
from spiral.methods.n4_fields.field import SCALES, NearestField, codes_of
from spiral.methods.n4_fields.measures import agreement, by_target, looked_up
from spiral.methods.n4_fields.model import Stride
from spiral.methods.n4_fields.reward import COLORS, judgement_of

TOLERANCES = (0.00375, 0.005, TOLERANCE, 0.011, 0.015)
SPEED_SIZE = (320, 480)  # of the picture whose time the thesis gives: 6 s
ROUNDS = 3  # of which the fastest counts

# Table 3.I: ODS, OIS and AP.
Published = dict[str, tuple[float, float, float]]
PAPER: dict[str, Published] = {
    "bsds500": {
        N4: (0.75, 0.76, 0.77),
        AE: (0.75, 0.77, 0.78),
        PATCH: (0.73, 0.75, 0.74),
        CENTRAL: (0.72, 0.74, 0.75),
        SIFT: (0.59, 0.60, 0.60),
    },
    "nyu-rgbd": {
        N4: (0.61, 0.62, 0.56),
        AE: (0.63, 0.64, 0.58),
        PATCH: (0.58, 0.59, 0.49),
        CENTRAL: (0.60, 0.62, 0.55),
    },
}
PAPER["regions"] = PAPER["bsds500"]  # for comparison: what the drawn pictures stand for
PAPER_CONSENSUS: Published = {AE: (0.64, 0.67, 0.64)}
FIGURES = ("ODS", "OIS", "AP", "paper ODS", "paper OIS", "paper AP")


class Edges(Comparison):
    """Boundaries of things."""

    def measure(self) -> list[Table]:
        """Table 3.I, and the numbers of figures 3.4 to 3.6."""
        outlines = [] if self.data.thin else [self._consensus(), self._sweep]
        return [self._compared(), *outlines, self._watched(), self._matches(), self._speed()]

    def draw(self, folder: Path) -> None:
        """What each method finds, curves, and figures 3.4 to 3.6."""
        found = {name: self.found(name) for name in self.methods()}
        figures.draw_found(folder / "found.png", self.test, found, self.data.thin)
        figures.draw_curves(folder / "curves.png", self._scores)
        figures.draw_training(folder / "training.png", self.learning["n4"][0].looks)
        figures.draw_matches(folder / "matches.png", self.others, self._looked_up)
        if not self.data.thin:
            figures.draw_sweep(folder / "tolerance.png", self._sweep)

    def judgement(self) -> Judgement | None:
        """The first field of the committee; none where pictures have a depth, which no agent paints."""
        if self.patches.channels != COLORS:
            return None
        network, dictionary = self.learning["n4"][0].network, self.dictionary("n4", 0)
        found = self.found_by([NearestField(codes_of(network), dictionary)], self.test)
        threshold = self.scores(self.test, found).threshold
        return judgement_of(network, dictionary, self.patches.mean, self.options.width, threshold, self.options.stride)

    @cached_property
    def _scores(self) -> dict[str, Scores]:
        return {name: self.scores(self.test, self.found(name)) for name in self.methods()}

    @cached_property
    def _looked_up(self) -> dict[str, Tensor]:
        network = self.learning["n4"][0].network
        return looked_up(self.others, self.neural(network), self.dictionary("n4", 0), self.codes["n4"])

    def _compared(self) -> Table:
        published = PAPER.get(self.options.data, {})
        rows: list[Row] = [
            (name, found.ods, found.ois, found.ap, *published.get(name, 3 * (None,)))
            for name, found in self._scores.items()
        ]
        against = "the first annotator, pixel by pixel" if self.data.thin else "all annotators"
        note = f"{len(self.test)} held-out pictures of {self.options.data}, against {against}"
        return Table("What is found (table 3.I)", ("method", *FIGURES), rows, note)

    def _consensus(self) -> Table:
        drawn = [consensus(each.boundaries) for each in self.test]
        rows: list[Row] = []
        for name in self.methods():
            scores = evaluated(self.found(name), drawn)
            rows.append((name, scores.ods, scores.ois, scores.ap, *PAPER_CONSENSUS.get(name, 3 * (None,))))
        note = "against those boundaries alone that all annotators drew"
        return Table("What is found (table 3.I B)", ("method", *FIGURES), rows, note)

    @cached_property
    def _sweep(self) -> Table:
        drawn = [each.boundaries for each in self.test]
        rows: list[Row] = []
        for name in (N4, AE, CENTRAL):
            for tolerance in TOLERANCES:
                scores = evaluated(self.found(name), drawn, tolerance, COARSE)
                rows.append((name, tolerance, scores.ods, scores.ois))
        note = f"in diagonals of the picture; {TOLERANCE} is the benchmark's; {COARSE} thresholds"
        return Table("Over the tolerance (figure 3.5)", ("method", "tolerance", "ODS", "OIS"), rows, note)

    def _watched(self) -> Table:
        looks = self.learning["n4"][0].looks
        rows: list[Row] = [(f"{progress:.0%}", loss, score) for progress, loss, score in looks]
        varied = len(looks) > 2 and all(np.ptp(column) > 0 for column in np.array(looks).T)
        together = float(np.corrcoef(np.array(looks)[:, 1], np.array(looks)[:, 2])[0, 1]) if varied else float("nan")
        note = f"one network, on held-out pictures; their correlation is {together:.2f}"
        return Table("While it learns (figure 3.6)", ("of the training", "loss", "AP"), rows, note)

    def _matches(self) -> Table:
        rows: list[Row] = [(way, *agreement(self.others.marks, found), None) for way, found in self._looked_up.items()]
        network, own = self.learning["n4"][0].network, self.dictionary("n4", 0)
        for place, dictionary in ((0, own), (2, by_target(own, self.codes["n4"]))):
            found = self.found_by([NearestField(codes_of(network), dictionary)], self.validation)
            rows[place] = (*rows[place][:3], self.scores(self.validation, found, COARSE).ods)
        columns = ("codes of patch / dictionary", "agreement on edges", "on none", "ODS")
        return Table("What is nearest (figure 3.4)", columns, rows, "agreement: F-measure within a pixel; one network")

    def _speed(self) -> Table:
        image, (height, width) = self.test[0].image, SPEED_SIZE
        more = max(0, height - len(image)), max(0, width - image.shape[1])
        image = np.pad(image, ((0, more[0]), (0, more[1]), (0, 0)), mode="symmetric")[:height, :width]
        committee = self.fields(N4)
        rows: list[Row] = []
        for name, fields, scales in (
            ("one field, the picture's own scale", committee[:1], (1.0,)),
            ("one field, three scales", committee[:1], SCALES),
            ("the committee, three scales", committee, SCALES),
        ):
            clocks = time.perf_counter, time.process_time
            took = []
            for _ in range(ROUNDS):
                begun = [clock() for clock in clocks]
                self.edges(image, fields, scales, self.options.stride)
                took.append([clock() - before for clock, before in zip(clocks, begun, strict=True)])
            rows.append((name, *np.min(took, 0).tolist(), 6.0 if fields is committee else None))
        columns = ("", "seconds", "of all processors", "paper")
        note = f"patches every {self.options.stride} pixels, {torch.get_num_threads()} threads, {self.precision}"
        return Table("Seconds for 480×320 pixels", columns, rows, note)


class VesselOptions(ComparisonOptions):
    """The micrographs are DRIVE's where they are at hand, and drawn ones otherwise."""

    stride: Stride = 4  # a vessel is as thin as what fewer patches would miss
    data: str = Bounded(default_factory=lambda: "vessels" if find_annotated("drive").missing() else "drive")


class ThinVessels(Edges):
    """Thin things (figure 3.10)."""

    Options = VesselOptions


EXPERIMENTS: dict[str, type[Experiment]] = {"edges": Edges, "vessels": ThinVessels}
