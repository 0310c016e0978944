"""Digits of two domains, aligned in the features of an encoder; then a reader of one domain reads the other.

A is unlabelled: scikit-learn's digits, which are large and blurred. B has labels: MNIST. A map moves the features of A
onto those of B, by LRMF with RealNVPs and with Gaussians, by a game and by the MMD; a reader (nearest neighbours) that
knows B alone is then asked what T(A) are. The loss of LRMF says how far the sets still are from being alike.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.lrmf.aligning import Aligning, Pair, Private
from spiral.methods.lrmf.baselines import Discrepancy, Game
from spiral.methods.lrmf.features import ENCODERS, Digits, Encoding, read_digits
from spiral.methods.lrmf.model import AffineMap, Flow, FlowMap, FlowOptions, Gaussian
from spiral.methods.lrmf.moons import sliced
from spiral.methods.pictures import save_rows
from spiral.section import Size

NEIGHBOURS = 5


class DigitsOptions(ExperimentOptions):
    """Which domains, in which features, and how large the flows are.

    `noise`, a share of the features' deviation, is added to what is learned from and measured with, so that no density
    can grow without end on points that lie on a line.
    """

    steps: Size = 3000
    source: str = "digits8"
    target: str = "digits"
    most: Size = 8000
    encoder: Literal["classifier", "vae"] = "classifier"
    encoder_steps: Size = 1200
    features: Size = 10
    noise: float = Field(default=0.2, gt=0)
    batch_size: Size = 256
    learning_rate: float = Field(default=2e-3, gt=0)
    flow: FlowOptions = FlowOptions(couplings=6, hidden=48)
    map: FlowOptions = FlowOptions(couplings=4, hidden=32)


class Domains(Pair):
    """The features of two domains, known when their encoder is trained, in units of the deviation of B's.

    Args:
        learned, held_out_digits: A and B, to learn from and held out.
    """

    def __init__(
        self,
        encoding: Encoding,
        learned: tuple[Digits, Digits],
        held_out_digits: tuple[Digits, Digits],
        options: DigitsOptions,
        seed: int,
    ) -> None:
        self.encoding, self.learned, self.held_out_digits = encoding, learned, held_out_digits
        self.options, self.seed = options, seed

    @cached_property
    def features(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Of A and B, to learn from and held out, [N, F] each."""
        with torch.no_grad():
            a, b, a_held_out, b_held_out = (
                self.encoding.encoder(digits.ink) for digits in (*self.learned, *self.held_out_digits)
            )
        mean, deviation = b.mean(0), b.std(0).clamp(min=1e-3)
        a, b, a_held_out, b_held_out = ((features - mean) / deviation for features in (a, b, a_held_out, b_held_out))
        return (a, b), (a_held_out, b_held_out)

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Some features of each, with noise."""
        count = self.options.batch_size
        a, b = (every[torch.randint(len(every), (count,), generator=generator)] for every in self.features[0])
        return self._noisy(a, generator), self._noisy(b, generator)

    @property
    def held_out(self) -> tuple[Tensor, Tensor]:
        """The features held out, with noise that is always the same."""
        generator = torch.Generator().manual_seed(self.seed)
        a, b = self.features[1]
        return self._noisy(a, generator), self._noisy(b, generator)

    def _noisy(self, features: Tensor, generator: torch.Generator) -> Tensor:
        return features + self.options.noise * torch.randn(features.shape, generator=generator)


class AligningDigits(Experiment):
    """A map of A's features onto B's, by LRMF and by its rivals."""

    Options = DigitsOptions
    options: DigitsOptions

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        names, most = (options.source, options.target), options.most
        self.a, self.b = (read_digits(name, "train", most) for name in names)
        self.a_held_out, self.b_held_out = (read_digits(name, "test", most) for name in names)
        size, steps, rate = options.features, options.steps, options.learning_rate
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = ENCODERS[options.encoder](size)
            encoding = Encoding(options.encoder_steps, seed, encoder, self.a, self.b, 2e-3)
            self.pair = pair = Domains(encoding, (self.a, self.b), (self.a_held_out, self.b_held_out), options, seed)
            private = Private(steps, seed, pair, Flow(size, options.flow), Flow(size, options.flow), rate)
            plain = Private(steps, seed, pair, Gaussian(size), Gaussian(size), rate)
            self.aligning: dict[str, Aligning | Game | Discrepancy] = {
                "lrmf": Aligning(
                    steps, seed, pair, FlowMap(size, options.map), Flow(size, options.flow), rate, private
                ),
                "gaussian": Aligning(steps, seed, pair, AffineMap(size), Gaussian(size), rate, plain),
                "game": Game(steps, seed, pair, FlowMap(size, options.map), size, rate),
                "mmd": Discrepancy(steps, seed, pair, FlowMap(size, options.map), rate),
            }
        self.parts = {"encoder": encoding, "private": private, "private-gaussian": plain, **self.aligning}

    @torch.no_grad()
    def measure(self) -> list[Table]:
        """How much of A, held out, a reader of B reads, and how far T(A) is from B."""
        options = self.options
        (known_a, known_b), (a, b) = self.pair.features
        rows: list[Row] = [("not moved", self._read_right(a), None, sliced(a, b))]
        for name, part in self.aligning.items():
            loss = float(part.final_loss()) if isinstance(part, Aligning) else None
            moved = part.moved(a)
            rows.append((NAMES[name], self._read_right(moved), loss, sliced(moved, b)))
        rows.append(("the reader on its own domain", _read_right(known_b, self.b, b, self.b_held_out), None, None))
        rows.append(("a reader that knows A's labels", _read_right(known_a, self.a, a, self.a_held_out), None, None))
        columns = ("map", "A read right", "final loss, nats", "sliced distance")
        title = f"{options.source} onto {options.target}, in features of a {options.encoder}"
        return [Table(title, columns, rows, "the loss is of what was held out; 0 means aligned")]

    @torch.no_grad()
    def draw(self, folder: Path) -> None:
        """Digits of A, and of B those that are nearest to them before the map and after each."""
        shown = torch.arange(0, len(self.a_held_out.ink), max(1, len(self.a_held_out.ink) // 24))[:24]
        features, known = self.pair.features[1][0][shown], self.pair.features[0][1]
        rows = [self.a_held_out.ink[shown]]
        for moved in (features, *(part.moved(features) for part in self.aligning.values())):
            rows.append(self.b.ink[torch.cdist(moved, known).argmin(-1)])
        save_rows([1 - row for row in rows], folder / "digits.png")

    def _read_right(self, moved: Tensor) -> float:
        return _read_right(self.pair.features[0][1], self.b, moved, self.a_held_out)


NAMES = {
    "lrmf": "LRMF, RealNVP",
    "gaussian": "LRMF, Gaussian and affine map",
    "game": "GAN, the same RealNVP map",
    "mmd": "MMD, the same RealNVP map",
}


def _read_right(known: Tensor, digits: Digits, asked: Tensor, truth: Digits) -> float:
    """The share that the nearest neighbours read right."""
    from sklearn.neighbors import KNeighborsClassifier

    reader = KNeighborsClassifier(NEIGHBOURS).fit(known.numpy(), digits.labels.numpy())
    return float(reader.score(asked.numpy(), truth.labels.numpy()))
