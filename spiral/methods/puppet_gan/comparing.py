"""What the experiments share: models learn beside each other, and the columns of the slides' table are measured."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from spiral.data.pictures import Split
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.pictures import save_rows
from spiral.methods.puppet_gan.baselines import CycleGan, Munit
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.disentangling import CycleVae, Dida
from spiral.methods.puppet_gan.measures import correlation, jeffreys, rest_variance
from spiral.methods.puppet_gan.puppet import PuppetGan
from spiral.methods.puppet_gan.reward import KNOWN, judgement_of
from spiral.methods.puppet_gan.training import ManipulationOptions, Training

Model = Literal["puppet_gan", "without-composition", "cyclegan", "dida", "munit", "cycle-vae", "dagger"]
MODELS: dict[str, tuple[str, Callable[..., Training]]] = {
    "puppet_gan": ("PuppetGAN", PuppetGan),
    "without-composition": ("PuppetGAN without compositional losses", partial(PuppetGan, compositional=False)),
    "cyclegan": ("CycleGAN", CycleGan),
    "dida": ("after DiDA", Dida),
    "munit": ("after MUNIT", Munit),
    "cycle-vae": ("after Cycle-VAE", CycleVae),
    "dagger": ("PuppetGAN†, of demonstrations that are further off", PuppetGan),
}
FIGURES = ("Acc", "r_attr^syn", "r_rest^syn", "V_rest")
SHOWN = 8  # real pictures in a figure


class ComparingOptions(ManipulationOptions):
    """And which models are trained: of the names in `MODELS`."""

    models: tuple[Model, ...] = Field(default=("puppet_gan", "without-composition"), min_length=1)


@dataclass(frozen=True)
class Synthetic:
    """Demonstrations that are learned from, and references whose rests were not among them."""

    learned: Demonstrations
    asked: Demonstrations


class Comparing(Experiment):
    """Real pictures and demonstrations, and the models that learn from them.

    Attributes:
        paper: the table's four figures by model, where it has any.
        paper_discrepancies: J of the attribute and of the rest, of the demonstrations and of those of †.
        real, shown: real pictures that are learned from, and held-out ones that are manipulated.
        near, far: the demonstrations, and those of †.
    """

    Options: ClassVar[type[ComparingOptions]] = ComparingOptions
    options: ComparingOptions
    paper: ClassVar[Mapping[str, tuple[float, ...]]] = {}
    paper_discrepancies: ClassVar[tuple[tuple[float | None, ...], ...]] = ((None, None), (None, None))

    def __init__(self, options: Any, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.real, held_out = self.pixels("train"), self.pixels("test")
        self.shown = held_out.first(options.measured)
        self.near, self.far = self._synthetic(far=False), self._synthetic(far=True)
        self.trainings: dict[str, Training] = {
            name: MODELS[name][1](options, self.real, self._learned(name).learned, seed) for name in options.models
        }
        self.parts = self.trainings

    @abstractmethod
    def pixels(self, split: Split) -> Pixels:
        """Real pictures of a split."""

    @abstractmethod
    def demonstrated(self, rests: int, levels: int, seed: int, far: bool) -> Demonstrations:
        """Demonstrations, or those of †."""

    @abstractmethod
    def attribute(self, pictures: Tensor) -> Tensor:
        """The attribute of pictures [N, C, H, W], as it is measured in them, [N]."""

    @abstractmethod
    def rest(self, pictures: Tensor) -> Tensor:
        """What of the rest must not leak, as it is measured in them, [N]."""

    @abstractmethod
    def accuracy(self, drawn: Tensor) -> float:
        """The share of pictures [N, M, C, H, W] that are still what the N that are shown are."""

    def ideal(self, references: Demonstrations) -> Tensor | None:
        """What should be drawn, [N, M, C, H, W], where it is known."""
        del references
        return None

    def measure(self) -> list[Table]:
        """The slides' table: quality of disentanglement, and discrepancies of the domains."""
        real = self.shown.inputs().unsqueeze(1)
        asked = self.near.asked
        rows = [self._row(name) for name in self.trainings]
        if (wanted := self.ideal(asked)) is not None:
            rows.append(("as it should be, by truth", *self._figures(wanted, asked), *4 * (None,)))
        unchanged = real.expand(-1, asked.images[..., 0, 0, 0].numel(), -1, -1, -1)
        rows.append(("real pictures as they are", *self._figures(unchanged, asked), *4 * (None,)))
        columns = ("model", *FIGURES, *(f"paper: {name}" for name in FIGURES))
        note = f"{len(real)} held-out pictures after each of {unchanged.shape[1]} references"
        return [Table("Disentanglement", columns, rows, note), self._discrepancies()]

    def draw(self, folder: Path) -> None:
        """For each model a sheet: references of rising values above, and below them pictures after these."""
        some = self.shown.first(SHOWN).inputs()
        for name, training in self.trainings.items():
            references = self._learned(name).asked.inputs()[: len(self._learned(name).asked.values)]
            drawn = training.manipulated(some, references)
            rows = [torch.cat((torch.ones_like(some[:1]), references))]
            rows += [torch.cat((some[i : i + 1], drawn[i])) for i in range(len(some))]
            save_rows(rows, folder / f"{name}.png", black=-1)

    def judgement(self) -> Judgement | None:
        """E and R of PuppetGAN, and how demonstrations of each value are seen; None where it was not trained."""
        trained = self.trainings.get("puppet_gan")
        return judgement_of(trained) if isinstance(trained, PuppetGan) else None

    def _learned(self, model: str) -> Synthetic:
        return self.far if model == "dagger" else self.near

    def _synthetic(self, far: bool) -> Synthetic:
        options = self.options
        asked = self.demonstrated(options.references, options.references, self.seed + 1, far)
        return Synthetic(self.demonstrated(options.rests, options.levels, self.seed, far), asked)

    def _row(self, name: str) -> Row:
        asked = self._learned(name).asked
        drawn = self.trainings[name].manipulated(self.shown.inputs(), asked.inputs())
        return (MODELS[name][0], *self._figures(drawn, asked), *self.paper.get(name, 4 * (None,)))

    def _figures(self, drawn: Tensor, asked: Demonstrations) -> tuple[float, float, float, float]:
        """Acc, r_attr^syn, r_rest^syn and V_rest of what was drawn after references, [N, M, C, H, W]."""
        rests, values = asked.images.shape[:2]
        flat = drawn.flatten(0, 1)
        wanted, leaking = asked.values.repeat(rests), asked.rests.repeat_interleave(values)
        return (
            self.accuracy(drawn),
            correlation(self.attribute(flat), wanted.repeat(len(drawn))),
            abs(correlation(self.rest(flat), leaking.repeat(len(drawn)))),
            rest_variance(drawn.unflatten(1, (rests, values))),
        )

    def _discrepancies(self) -> Table:
        real = self.real.first(KNOWN).inputs()
        rows: list[Row] = []
        names = ("the demonstrations", "those of PuppetGAN†")
        for name, synthetic, paper in zip(names, (self.near, self.far), self.paper_discrepancies, strict=True):
            drawn = synthetic.asked.inputs()
            found = [jeffreys(measure(real), measure(drawn)) for measure in (self.attribute, self.rest)]
            rows.append((name, *found, *paper))
        columns = ("synthetic pictures", "J_attr^syn", "J_rest^syn", "paper: J_attr^syn", "paper: J_rest^syn")
        note = "Jeffreys' divergence of Gaussians fitted to what is measured in real and in synthetic pictures"
        return Table("Input domain discrepancy", columns, rows, note)
