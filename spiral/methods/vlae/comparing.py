"""What experiments on digits and on faces share: both forms are trained, and measured beside each other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.pictures import save_rows
from spiral.methods.vlae.arithmetic import Triples, blended
from spiral.methods.vlae.figures import traversal
from spiral.methods.vlae.measures import frechet, mutual_information, told_by
from spiral.methods.vlae.model import LadderAutoencoder
from spiral.methods.vlae.reward import judgement_of
from spiral.methods.vlae.training import Sampled, Training, VlaeOptions, decoded, encoded, read_sampled, sampled

SHOWN = 15  # pictures in a row of a figure
FORMS = ("mmd", "kl")


class Comparing(Experiment):
    """A data set, and the form with MMD beside that with KL on it.

    Attributes:
        train, test: the pictures that are learned from, and held-out ones.
        forms: the trainings, by name.
    """

    Options = VlaeOptions
    options: VlaeOptions

    def __init__(self, options: VlaeOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.train = read_sampled(options, "train", device)
        self.test = read_sampled(options, "test", device)
        self.forms = {form: Training(options, self.train, form, seed) for form in FORMS}  # type: ignore[arg-type]
        self.parts = self.forms

    @abstractmethod
    def seen(self, pictures: Tensor) -> Tensor:
        """Features [N, F] of an independent network, of pictures in [0, 1]."""

    @abstractmethod
    def attributes(self, pictures: Sampled) -> Mapping[str, Tensor]:
        """What codes are asked about, by name, [N] each: classes are int64, and numbers are not."""

    @abstractmethod
    def arithmetic(self) -> list[tuple[str, Triples, Mapping[str, Tensor]]]:
        """Triples of held-out pictures: what they are of, and for each attribute what a − b + c should be, [N]."""

    @abstractmethod
    def read(self, pictures: Tensor, attribute: str) -> Tensor:
        """What drawn pictures are in that way, by an independent measure, [N]."""

    def measure(self) -> list[Table]:
        """Quality, what each ladder knows, how much of the codes is used, and arithmetic."""
        known, asked = self.train.first(self.options.measured), self.test.first(self.options.measured)
        codes = {name: (self._codes(name, known), self._codes(name, asked)) for name in FORMS}
        return [
            self._quality(known, asked),
            self._disentangled({name: (one[0], other[0]) for name, (one, other) in codes.items()}, known, asked),
            self._used({name: other for name, (_, other) in codes.items()}),
            self._arithmetic(),
        ]

    def draw(self, folder: Path) -> None:
        """A sheet for each ladder, reconstructions and samples of both forms, and arithmetic."""
        best, layout = self.network("mmd"), self.options
        for ladder in range(layout.ladders):
            save_rows(list(traversal(best, ladder, self.seed)), folder / f"ladder-{ladder + 1}.png")
        some = self.test.first(SHOWN)
        drawn = [self._redrawn(form, some) for form in FORMS]
        save_rows([some.inputs(), *drawn], folder / "reconstructions.png")
        rows = [sampled(self.network(form), SHOWN, self.seed + row) for form in FORMS for row in range(3)]
        save_rows(rows, folder / "samples.png")
        for name, triples, _ in self.arithmetic():
            if len(triples.a):
                columns = [self.test.images[places[:SHOWN]] for places in (triples.a, triples.b, triples.c)]
                shown = [column.float() / 255 for column in columns]
                save_rows(list(torch.stack([*shown, blended(best, *columns)], 1)), folder / f"{name}.png")

    def judgement(self) -> Judgement:
        """The encoder of the form with MMD, and how far codes of different pictures are apart."""
        return judgement_of(self.network("mmd"), self.options, self.train.first(self.options.measured).images)

    def network(self, form: str) -> LadderAutoencoder:
        """A form's autoencoder."""
        return self.forms[form].network

    def _codes(self, form: str, pictures: Sampled) -> tuple[list[Tensor], list[Tensor]]:
        return encoded(self.network(form), pictures.images)

    def _redrawn(self, form: str, pictures: Sampled) -> Tensor:
        return decoded(self.network(form), self._codes(form, pictures)[0])

    def _quality(self, known: Sampled, asked: Sampled) -> Table:
        real, halves = self.seen(asked.inputs()), self.seen(known.inputs())
        rows: list[Row] = []
        for form in FORMS:
            redrawn, drawn = self._redrawn(form, asked), sampled(self.network(form), len(known), self.seed)
            error = float((redrawn - asked.inputs()).abs().mean())
            rows.append((form, error, frechet(self.seen(redrawn), real), frechet(self.seen(drawn), real)))
        rows.append(("pictures that are learned from", None, None, frechet(halves, real)))
        columns = ("form", "mean error", "Fréchet distance, reconstructions", "Fréchet distance, samples")
        note = f"of {len(asked):,} held-out pictures, in features of a network that is fitted apart"
        return Table("Quality", columns, rows, note)

    def _disentangled(
        self, codes: Mapping[str, tuple[list[Tensor], list[Tensor]]], known: Sampled, asked: Sampled
    ) -> Table:
        values, wanted = self.attributes(known), self.attributes(asked)
        rows: list[Row] = []
        for form in FORMS:
            for ladder, (own, other) in enumerate(zip(*codes[form], strict=True), start=1):
                told = [told_by(own, values[name], other, wanted[name]) for name in values]
                rows.append((f"{form}, ladder {ladder}", *told))
        note = "ladder 1 is the lowest; of numbers the share of the variance, of classes the share that is right"
        return Table("What a ladder tells by its nearest neighbours", ("ladder", *values), rows, note)

    def _used(self, codes: Mapping[str, tuple[list[Tensor], list[Tensor]]]) -> Table:
        found = [mutual_information(*codes[form], self.seed) for form in FORMS]
        names = [*(f"ladder {ladder + 1}" for ladder in range(self.options.ladders)), "all"]
        rows: list[Row] = list(zip(names, *found, strict=True))
        count = len(codes[FORMS[0]][0][0])
        note = f"between {count:,} held-out pictures and their codes; it can be log {count:,} at most"
        return Table("Mutual information, nats", ("codes", *FORMS), rows, note)

    def _arithmetic(self) -> Table:
        rows: list[Row] = []
        for name, triples, wanted in self.arithmetic():
            right = {form: self._right(form, triples, wanted) for form in FORMS}
            if len(triples.a):
                rows += [(f"{name}: {what}", *(right[form][what] for form in FORMS)) for what in (*wanted, "all")]
        title = "Figure 4: a − b + c is what it should be"
        return Table(title, ("triples", *FORMS), rows, f"of {self.options.triples} triples of held-out pictures")

    def _right(self, form: str, triples: Triples, wanted: Mapping[str, Tensor]) -> dict[str, float]:
        """The share of triples that are as they should be in each way, and in all."""
        drawn = blended(self.network(form), *(self.test.images[places] for places in (triples.a, triples.b, triples.c)))
        right = {name: self.read(drawn, name) == values for name, values in wanted.items()}
        right["all"] = torch.stack(list(right.values())).all(0)
        return {name: float(values.float().mean()) for name, values in right.items()}
