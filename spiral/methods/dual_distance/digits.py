"""scikit-learn's digits of 8×8 are moved onto MNIST's, whose strokes are of another width and lie otherwise.

By an affine map and by a small network. A classifier that learned from the moved digits is then asked about MNIST's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from spiral.data import load_digits
from spiral.methods.dual_distance.aligning import Aligning
from spiral.methods.dual_distance.model import distance, gaussian, primal
from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.pictures import save_rows
from spiral.section import Size


class DigitsOptions(ExperimentOptions):
    """Which map moves the digits, and how many of each kind a step sees."""

    steps: Size = 1500
    batch_size: Size = 128
    penalty: float = Field(default=0.1, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    hidden: Size = 128


class MovingDigits(Aligning):
    """A map of 8×8 digits onto others, by the dual distance or by the game."""

    def __init__(
        self, options: DigitsOptions, a: Tensor, b: Tensor, network: nn.Module, width: float, game: bool, seed: int
    ) -> None:
        self.options, self.a, self.b, self.game = options, a, b, game
        self.kernel = gaussian(width)
        self.anchors = torch.cat((a[: options.batch_size], b[: options.batch_size]))
        super().__init__(options.steps, seed, network, torch.zeros(len(self.anchors)), options.learning_rate)

    def step(self, progress: float) -> dict[str, float]:
        """One step of the map on some digits of each kind, and in the game one of the discriminator."""
        del progress
        moved, b = moved_digits(self.map, self._some(self.a)), self._some(self.b)
        value = self._value(moved, b) if self.game else distance(moved, b, self.kernel, self.options.penalty)
        self.play(value, self.game)
        return {"distance": float(value.detach())}

    def _some(self, pictures: Tensor) -> Tensor:
        return pictures[torch.randint(len(pictures), (self.options.batch_size,), generator=self.generator)]

    def _value(self, a: Tensor, b: Tensor) -> Tensor:
        weights = self.discriminator["weights"]
        logits = self.kernel(torch.cat((a, b)), self.anchors) @ weights + self.discriminator["bias"]
        squared_norm = weights @ self.kernel(self.anchors, self.anchors) @ weights
        return primal(logits, len(a), squared_norm, self.options.penalty)


def moved_digits(network: nn.Module, pictures: Tensor) -> Tensor:
    """T(x) = x + network(x): the map begins near the identity."""
    moved: Tensor = pictures + network(pictures)
    return moved


class Digits(Experiment):
    """scikit-learn's digits onto MNIST's."""

    Options = DigitsOptions
    options: DigitsOptions

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.a, self.a_labels = small_digits()
        self.b, self.b_labels = shrunk_digits("train")
        width = float(torch.pdist(self.b[:500]).median())
        self.moving = {}
        for shape in ("affine", "network"):
            for game in (False, True):
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(seed)
                    network = _map(shape, options.hidden)
                name = f"{shape}-{'game' if game else 'dual'}"
                self.moving[name] = MovingDigits(options, self.a, self.b, network, width, game, seed)
        self.parts = self.moving

    @torch.no_grad()
    def measure(self) -> list[Table]:
        """How many of MNIST's digits a classifier of the moved ones reads."""
        from sklearn.linear_model import LogisticRegression

        held_out, labels = shrunk_digits("test")
        sets = {"not moved": self.a} | {name: moved_digits(part.map, self.a) for name, part in self.moving.items()}
        rows: list[Row] = []
        for name, pictures in sets.items():
            reader = LogisticRegression(max_iter=500).fit(pictures.numpy(), self.a_labels)
            apart = distance(pictures[:512], held_out[:512], gaussian(3.0), 0.1)
            rows.append((name, float(reader.score(held_out.numpy(), labels)), float(apart)))
        best = LogisticRegression(max_iter=500).fit(self.b.numpy(), self.b_labels)
        rows.append(("trained on MNIST", float(best.score(held_out.numpy(), labels)), None))
        return [Table("scikit-learn's digits onto MNIST's", ("map", "MNIST read right", "distance"), rows)]

    @torch.no_grad()
    def draw(self, folder: Path) -> None:
        """Ten digits, and what each map made of them."""
        sets = [self.a[:10]] + [moved_digits(part.map, self.a[:10]) for part in self.moving.values()] + [self.b[:10]]
        save_rows([1 - digits.view(10, 1, 8, 8) for digits in sets], folder / "digits.png")


def small_digits() -> tuple[Tensor, NDArray[np.int64]]:
    """scikit-learn's digits to train on, ink in [0, 1], [N, 64], and what they are."""
    images, labels = load_digits("digits8", "train", 8)
    return torch.from_numpy(1 - images.reshape(len(images), 64).astype(np.float32) / 255), labels


def shrunk_digits(split: Any) -> tuple[Tensor, NDArray[np.int64]]:
    """The best digits at hand at 8×8, ink in [0, 1], [N, 64], and what they are."""
    images, labels = load_digits("digits", split, 32)
    ink = 1 - torch.from_numpy(images[..., 0].astype(np.float32) / 255)
    return functional.avg_pool2d(ink.unsqueeze(1), 4).flatten(1), labels


def _map(shape: str, hidden: int) -> nn.Module:
    last = nn.Linear(64 if shape == "affine" else hidden, 64)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return last if shape == "affine" else nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), last)
