"""Translations are trained on the same pictures and measured beside each other: tables 2 and 3 of the slides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.pictures import save_rows
from spiral.methods.self_defence.cycle import CycleGan, Pix2Pix
from spiral.methods.self_defence.figures import save_curves
from spiral.methods.self_defence.measures import agreement, honesty, sensitivity
from spiral.methods.self_defence.pairs import Pairs, quantized, read_classes, read_pairs
from spiral.methods.self_defence.reward import judgement_of
from spiral.methods.self_defence.rivals import Munit, Unit
from spiral.methods.self_defence.translating import ThereAndBack, Translation, TranslationOptions

Figures = tuple[float | None, float | None, float | None, float | None, float | None]

PIX2PIX, BOTH = "pix2pix", "guess-noise"
TITLES = {
    "cyclegan": "CycleGAN",
    "noise": "CycleGAN + noise",
    "guess": "CycleGAN + guess",
    BOTH: "CycleGAN + guess + noise",
    "unit": "UNIT",
    "munit": "MUNIT + cycle",
    PIX2PIX: "pix2pix (supervised)",
}
# Accuracy, IoU, IoU of pix2pix, RH and SN, as on the slides.
TABLE_2: dict[str, Figures] = {
    "cyclegan": (0.23, 0.16, 0.20, 27.43, 446.9),
    "noise": (0.24, 0.17, 0.23, 9.17, 94.2),
    "guess": (0.24, 0.17, 0.21, 11.4, 212.6),
    BOTH: (0.236, 0.17, 0.24, 6.1, 150.6),
    "unit": (0.08, 0.04, 0.06, 6.4, 361.5),
    "munit": (0.13, 0.08, 0.17, 2.5, 244.9),
    PIX2PIX: (0.4, 0.34, None, None, None),
}
TABLE_3: dict[str, Figures] = {
    "cyclegan": (0.23, 0.18, 0.21, 21.8, 251.2),
    "noise": (0.24, 0.19, 0.22, 12.27, 222.2),
    "guess": (0.24, 0.184, 0.224, 7.5, 235.4),
    BOTH: (0.25, 0.19, 0.22, -0.45, 238.3),
    "unit": (0.21, 0.15, 0.12, 19.6, 528.2),
    "munit": (0.15, 0.09, 0.12, 21.4, 687.3),
    PIX2PIX: (0.3, 0.23, None, None, None),
}
PAPER = {
    "scene-views": ("Table 2 of the slides: GTA V", TABLE_2),
    "aerials": ("Table 3 of the slides: Google Maps", TABLE_3),
}
SIGMAS = (0.02, 0.05, 0.1, 0.2)  # of which the table's SN is the mean
CHUNK = 100  # pictures at a time where nothing is learned
SHOWN = 12  # in a row of a picture
SEED = 7  # of the noise by which they are measured


class Comparison(Experiment):
    """Some of the methods of the table, and pix2pix, which reads the pictures that the others make.

    Attributes:
        translations: the parts but for pix2pix.
    """

    Options = TranslationOptions
    options: TranslationOptions
    rows: tuple[str, ...] = ()

    def __init__(self, options: TranslationOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.pairs = read_pairs(options.data, "train", options.pictures, options.side, device)
        self.held_out = read_pairs(options.data, "test", options.measured, options.side, device)
        makers: dict[str, Callable[[], ThereAndBack]] = {
            "cyclegan": lambda: CycleGan(options, self.pairs, seed),
            "noise": lambda: CycleGan(options, self.pairs, seed, noise=True),
            "guess": lambda: CycleGan(options, self.pairs, seed, guess=True),
            BOTH: lambda: CycleGan(options, self.pairs, seed, noise=True, guess=True),
            "unit": lambda: Unit(options, self.pairs, seed),
            "munit": lambda: Munit(options, self.pairs, seed),
        }
        self.translations = {name: makers[name]() for name in self.rows}
        self.reader = Pix2Pix(options, self.pairs, seed)
        self.parts = {PIX2PIX: self.reader, **self.translations}

    def measure(self) -> list[Table]:
        """The slides' table with ours beside it, and SN by σ."""
        curves, names = self._curves(), (*self.rows, PIX2PIX)
        rows: list[Row] = [
            (TITLES[name], *self._right(part), *self._hidden(part, curves[name]))
            for name, part in self.translations.items()
        ]
        rows.append((TITLES[PIX2PIX], *self._right(self.reader), None, None, None, None))
        columns = ("method", "accuracy", "IoU", "IoU p2p", "RH", "±", "SN")
        note = "RH and SN in grey levels of 255; ± is the deviation over the pictures; SN is the mean over the σ below"
        by_sigma: list[Row] = [(TITLES[name], *values) for name, values in curves.items()]
        title, paper = PAPER[self.options.data]
        theirs: list[Row] = [(TITLES[name], *paper[name]) for name in names]
        return [
            Table(f"{self.options.data}, {len(self.held_out)} held-out pictures", columns, rows, note + _ratio(rows)),
            Table(title, ("method", "accuracy", "IoU", "IoU p2p", "RH", "SN"), theirs, "in a unit that is not said"),
            Table("SN(σ)", ("method", *(f"σ {sigma:g}" for sigma in SIGMAS)), by_sigma),
        ]

    def draw(self, folder: Path) -> None:
        """For each method: its drawings, what it reads in these, and what once they are quantised; SN over σ."""
        some = self.held_out.part(slice(SHOWN))
        rows = [some.pictures(), some.drawings(), self.reader.to_drawings(some.pictures())]
        for part in self.translations.values():
            shown = part.to_drawings(some.pictures())
            flat = quantized(shown, some.palette)
            rows += [shown, *(part.to_pictures(each, some.pictures()) for each in (shown, flat))]
        save_rows(rows, folder / "translated.png", black=-1)
        save_curves({TITLES[name]: values for name, values in self._curves().items()}, SIGMAS, folder / "noise.png")

    def judgement(self) -> Judgement | None:
        """D_guess of pictures, of the part that has both defences."""
        part = self.translations.get(BOTH)
        return None if part is None else judgement_of(part)

    def _right(self, part: Translation) -> tuple[float, float]:
        """Accuracy and IoU of its drawings."""
        pairs = self.held_out
        found = torch.cat([read_classes(part.to_drawings(some.pictures()), some.palette) for some in chunks(pairs)])
        right = agreement(found, pairs.classes, len(pairs.palette))
        return right.accuracy, right.iou

    def _hidden(self, part: ThereAndBack, curve: list[float]) -> tuple[float, float, float, float]:
        """IoU of pix2pix on its pictures, RH with its deviation, and SN."""
        terms = torch.cat([self._honesty(part, some) for some in chunks(self.held_out)])
        return self._read_alike(part), float(terms.mean()), float(terms.std()), sum(curve) / len(curve)

    def _read_alike(self, part: ThereAndBack) -> float:
        """IoU(pix(G_A(b)), pix(a)): does pix2pix see in a picture made of a drawing what it sees in the real one?"""
        seen = []
        for some in chunks(self.held_out):
            made = part.to_pictures(some.drawings())
            seen.append([read_classes(self.reader.to_drawings(each), some.palette) for each in (made, some.pictures())])
        made, real = (torch.cat(parts) for parts in zip(*seen, strict=True))
        return agreement(made, real, len(self.held_out.palette)).iou

    def _honesty(self, part: ThereAndBack, some: Pairs) -> Tensor:
        pictures = some.pictures()
        shown = part.to_drawings(pictures)
        return honesty(reading(part, pictures), shown, quantized(shown, some.palette), pictures)

    def _curves(self) -> Mapping[str, list[float]]:
        """SN at each σ, by method."""
        return {name: self._curve(part) for name, part in self.translations.items()}

    def _curve(self, part: ThereAndBack) -> list[float]:
        generator = torch.Generator().manual_seed(SEED)
        terms: list[list[Tensor]] = [[] for _ in SIGMAS]
        for some in chunks(self.held_out):
            read, shown = reading(part, some.pictures()), part.to_drawings(some.pictures())
            for place, sigma in enumerate(SIGMAS):
                terms[place].append(sensitivity(read, shown, sigma, generator))
        return [float(torch.cat(each).mean()) for each in terms]


def chunks(pairs: Pairs) -> Iterator[Pairs]:
    """The pairs, some at a time."""
    return (pairs.part(slice(i, i + CHUNK)) for i in range(0, len(pairs), CHUNK))


def reading(part: ThereAndBack, originals: Tensor) -> Callable[[Tensor], Tensor]:
    """G_A of drawings of these originals."""
    return lambda drawings: part.to_pictures(drawings, originals)


def _ratio(rows: list[Row]) -> str:
    """How many times RH falls by both defences, in words, where both rows are there."""
    found = {row[0]: row[4] for row in rows}
    plain, both = found.get(TITLES["cyclegan"]), found.get(TITLES[BOTH])
    if not isinstance(plain, float) or not isinstance(both, float):
        return ""
    times = f"{plain / both:.1f} times lower" if both > 0 < plain else f"{both:.2f} after {plain:.2f}"
    return f"; RH with guess and noise: {times} (slides: 4.5 times)"
