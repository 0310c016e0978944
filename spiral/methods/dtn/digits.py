"""Numbers on clutter become written digits (section 5.1): tables 1 to 3, figures 2 (a), 3 and 9 (a).

The set t is the test half of the target, as in the paper. What was transferred is read by the reader of
`spiral/judge.py`, which knows the training half alone and which no part here trains.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from spiral.data.pictures import Split
from spiral.methods.dtn.measures import grey, nearest_read, read_right
from spiral.methods.dtn.pixels import Pixels, in_chunks, read_digits
from spiral.methods.dtn.reading import Reading, TransferOptions
from spiral.methods.dtn.reward import judgement_of
from spiral.methods.dtn.transfer import Baseline, Terms, Transfer, Transferring
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.pictures import save_rows
from spiral.section import ConfigError, Size

SHOWN = 20  # pictures in a row of a figure
NEIGHBOURS = 5000  # pictures at most that a nearest neighbour is sought among, and for as many
TABLE_1 = (
    ("baseline", "baseline of section 3", 0.1371),
    ("dtn", "DTN", 0.9066),
    ("without-tid", "DTN without L_TID", 0.8840),
    ("without-const", "DTN without L_CONST", 0.7455),
    ("without-f", "DTN, G does not contain f", 0.3690),
    ("without-gan", "DTN without L_D and L_GANG", 0.3470),
    ("without-const-tid", "DTN without L_CONST and L_TID", 0.0528),
)
TABLE_3 = (
    ("dtn", "DTN", 0.9467),
    ("not-in-s", "not shown in s", 0.9333),
    ("not-in-t", "not shown in t", 0.4013),
    ("not-in-both", "not shown in s or t", 0.6002),
    ("not-in-f", "not shown in s, t, or to f", 0.0452),
)


class DigitsOptions(TransferOptions):
    """From which digits to which: `syn-numbers` or `svhn` to `mnist`, or any labelled ones that there are."""

    source: str = "syn-numbers"
    target: str = "mnist"


class DigitsExperiment(Experiment):
    """What the experiments with digits share: f, learned from the cluttered digits, and figures of what G makes.

    Attributes:
        f: its training.
        shown: held-out pictures to be transferred.
        transfers: the trainings of G, by name.
    """

    Options = DigitsOptions
    options: DigitsOptions
    shown: Pixels
    transfers: Mapping[str, Transferring]

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.cluttered = self._cluttered("train")
        self.f = Reading(options, self.cluttered, seed)

    def draw(self, folder: Path) -> None:
        """Some held-out pictures, and below them what each G makes of them (figures 2, 3 and 9)."""
        some = self.shown.first(SHOWN)
        rows = [transfer.transferred(some) for transfer in self.transfers.values()]
        save_rows([some.inputs(), *rows], folder / "transferred.png", black=-1)

    def _cluttered(self, split: Split) -> Pixels:
        return read_digits(self.options.source, split, True, self.options.pictures, self.device)

    def _written(self, split: Split) -> Pixels:
        return read_digits(self.options.target, split, False, self.options.pictures, self.device)

    def _transfer(
        self,
        source: Pixels,
        target: Pixels,
        f: Reading | None = None,
        terms: Terms | None = None,
        through_f: bool = True,
    ) -> Transfer:
        f = f or self.f
        return Transfer(self.options, f.perception, source, target, self.seed, through_f, f.kinds, terms)


class Digits(DigitsExperiment):
    """The transfer by itself, and what it is good for: reading the target without one label of it."""

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.shown, self.target = self._cluttered("test"), self._written("test")
        self.dtn = self._transfer(self.cluttered, self.target)
        self.transfers = {"dtn": self.dtn}
        self.parts = {"f": self.f, "dtn": self.dtn}

    def measure(self) -> list[Table]:
        """How what was transferred reads, and table 2."""
        shown, target = self.shown, self.target
        rows: list[Row] = [
            ("held-out source, transferred", read_right(self.dtn.transferred(shown), shown.labels), 0.9066),
            ("held-out source, as it is", read_right(grey(shown.inputs()), shown.labels), 0.4006),
            ("target, redrawn", read_right(self.dtn.transferred(target, "target"), target.labels), None),
            ("target, as it is", read_right(target.inputs(), target.labels), 0.994),
            ("held-out source, by f", self.f.accuracy(shown), 0.9505),
            ("target, by f", self.f.accuracy(target), 0.7608),
        ]
        title, note = f"{self.options.source} to {self.options.target}", "by a reader that was fitted apart, or by f"
        return [Table(title, ("pictures", "read right", "paper, SVHN to MNIST"), rows, note), self._adaptation()]

    def judgement(self) -> Judgement:
        """f, g and D."""
        return judgement_of(self.dtn)

    def _adaptation(self) -> Table:
        rows: list[Row] = [("subspace alignment", None, None, 0.5932), ("DANN", None, None, 0.7385)]
        asked = self.target.first(NEIGHBOURS)
        for name, pixels, paper in (("train", self.cluttered, 0.8444), ("test", self.shown, 0.7972)):
            known = pixels.first(NEIGHBOURS)
            drawn = self.dtn.transferred(known)
            by_f = nearest_read(self._seen(drawn), known.labels, self._seen(asked.inputs()), asked.labels)
            by_pixels = nearest_read(drawn, known.labels, asked.inputs(), asked.labels)
            rows.append((f"DTN, transferring the {name} split", by_f, by_pixels, paper))
        columns = ("method", "nearest on f", "nearest in pixels", "paper, SVHN to MNIST")
        return Table("Table 2: the target read by its nearest transferred picture", columns, rows)

    def _seen(self, pictures: Tensor) -> Tensor:
        return in_chunks(self.dtn.f_of("target"), pictures.__getitem__, len(pictures))


class Ablations(DigitsExperiment):
    """Table 1: the transfer without each of its losses, without f within G, and the baseline."""

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.shown, s, t = self._cluttered("test"), self.cluttered, self._written("test")
        self.transfers = {
            "baseline": Baseline(options, self.f.perception, s, t, seed, through_f=False, kinds=self.f.kinds),
            "dtn": self._transfer(s, t),
            "without-tid": self._transfer(s, t, terms=Terms(identity=False)),
            "without-const": self._transfer(s, t, terms=Terms(constancy=False)),
            "without-f": self._transfer(s, t, through_f=False),
            "without-gan": self._transfer(s, t, terms=Terms(adversarial=False)),
            "without-const-tid": self._transfer(s, t, terms=Terms(constancy=False, identity=False)),
        }
        self.parts = {"f": self.f, **self.transfers}

    def measure(self) -> list[Table]:
        """Table 1."""
        rows: list[Row] = [
            (title, read_right(self.transfers[name].transferred(self.shown), self.shown.labels), paper)
            for name, title, paper in TABLE_1
        ]
        rows.append(("original picture", read_right(grey(self.shown.inputs()), self.shown.labels), 0.4006))
        columns = ("method", "read right", "paper, SVHN to MNIST")
        return [Table("Table 1: held-out pictures of the source, transferred", columns, rows)]


class LeftOutOptions(DigitsOptions):
    """Which digit is left out; and fewer steps of f, of which there are two."""

    perception_steps: Size = 4000
    digit: int = Field(default=3, ge=0, le=9)


class LeftOut(DigitsExperiment):
    """Table 3: a digit that the source, the target, both, or f as well never showed."""

    Options = LeftOutOptions
    options: LeftOutOptions

    def __init__(self, options: LeftOutOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        shown, s, t = self._cluttered("test"), self.cluttered, self._written("test")
        self.shown = shown.where(shown.labels == options.digit)
        if not len(self.shown):
            raise ConfigError(
                f"digit={options.digit}, but none of the {len(shown)} held-out pictures of {options.source} in use "
                f"shows it: name another digit, or give more than pictures={options.pictures}"
            )
        others_s, others_t = s.where(s.labels != options.digit), t.where(t.labels != options.digit)
        f_without = Reading(options, others_s, seed)
        self.transfers = {
            "dtn": self._transfer(s, t),
            "not-in-s": self._transfer(others_s, t),
            "not-in-t": self._transfer(s, others_t),
            "not-in-both": self._transfer(others_s, others_t),
            "not-in-f": self._transfer(others_s, others_t, f_without),
        }
        self.parts = {"f": self.f, "f-without": f_without, **self.transfers}

    def measure(self) -> list[Table]:
        """Table 3."""
        rows: list[Row] = [
            (title, read_right(self.transfers[name].transferred(self.shown), self.shown.labels), paper)
            for name, title, paper in TABLE_3
        ]
        digit = self.options.digit
        columns = ("method", f"{digit} read right", "paper, the 3, SVHN to MNIST")
        return [Table(f"Table 3: held-out {digit}s of the source, transferred", columns, rows)]


class Reverse(DigitsExperiment):
    """Figure 9 (a): written digits become numbers on clutter, by the same f."""

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.reader = Reading(options, self.cluttered, seed + 1)
        self.shown = self._written("test")
        self.dtn = self._transfer(self._written("train"), self.cluttered)
        self.transfers = {"dtn": self.dtn}
        self.parts = {"f": self.f, "reader": self.reader, "dtn": self.dtn}

    def measure(self) -> list[Table]:
        """How what was transferred reads; the paper shows pictures alone."""
        held_out, shown = self._cluttered("test"), self.shown
        rows: list[Row] = [
            ("written digits, transferred", self.reader.accuracy_on(self.dtn.transferred(shown), shown.labels), None),
            ("written digits, as they are", self.reader.accuracy(shown), None),
            ("held-out target, as it is", self.reader.accuracy(held_out), None),
        ]
        title, note = f"{self.options.target} to {self.options.source}", "by a classifier of the target that is not f"
        return [Table(title, ("pictures", "read right", "paper"), rows, note)]
