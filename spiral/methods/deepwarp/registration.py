"""Section 4.4.6: heads move between the pictures of a pair, and an objective looks for the crop that fits (4.4.1)."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from spiral.methods.deepwarp.eyes import chosen, random_looks
from spiral.methods.deepwarp.figures import facing
from spiral.methods.deepwarp.measures import errors_by_bin, held_pairs, redirecting, unchanged
from spiral.methods.deepwarp.model import distance
from spiral.methods.deepwarp.pairs import DrawnPairs, joined
from spiral.methods.deepwarp.redirect import HELD_OUT_SEED, MILLI, SHOWN
from spiral.methods.deepwarp.training import Lightening, Warping, WarpingOptions
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.pictures import save_rows
from spiral.section import Size


class RegistrationOptions(WarpingOptions):
    """By how many pixels heads move at most, and k, by how many the truth is larger on all sides."""

    steps: Size = 1200
    misaligned: float = Field(default=2.0, ge=0)
    k: int = Field(default=3, ge=1, le=8)


class Registration(Experiment):
    """CFW + LCM from exact pairs, from misaligned ones, and from misaligned ones by the objective of the thesis."""

    Options = RegistrationOptions
    options: RegistrationOptions

    def __init__(self, options: RegistrationOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        looks = random_looks(options.persons, options.shots, seed)
        self.held_looks = random_looks(options.held_out, options.shots, seed + HELD_OUT_SEED)
        moved, k = options.misaligned, options.k
        sources = {
            "exact": DrawnPairs(looks),
            "misaligned": DrawnPairs(looks, misaligned=moved),
            "registered": DrawnPairs(looks, margin=k, misaligned=moved),
        }
        self.warpings = {name: Warping(options, "corrected", source, seed, device) for name, source in sources.items()}
        corrections = {f"{name}, lightness": Lightening(each, seed) for name, each in self.warpings.items()}
        self.parts = {**self.warpings, **corrections}

    def measure(self) -> list[Table]:
        """Errors on exact pairs, as they are and after the best shift, and how sharp the results are."""
        held = held_pairs(DrawnPairs(self.held_looks), self.options.measured, self.seed)
        wide = held_pairs(DrawnPairs(self.held_looks, margin=self.options.k), self.options.measured, self.seed)
        every, wider = joined(held.values()), joined(wide.values())
        rows: list[Row] = []
        models = {"input": unchanged} | {name: redirecting(part.network) for name, part in self.warpings.items()}
        for name, redirect in models.items():
            errors, made = errors_by_bin(redirect, held), redirect(every)
            shifted = float(distance(made, wider.truth).mean())
            rows.append((name, MILLI * sum(errors) / len(errors), MILLI * shifted, sharpness(made, every.truth)))
        columns = ("learned from", "MSE × 1000", "after the best shift", "sharpness, 1 of the truth's")
        title = f"Section 4.4.6: heads that move by {self.options.misaligned:g} pixels, k = {self.options.k}"
        return [Table(title, columns, rows, "measured on exact pairs; the thesis shows pictures alone")]

    def draw(self, folder: Path) -> None:
        """Eyes, what the three make of them, and the truth."""
        looks = chosen(self.held_looks, self.options.shots * torch.arange(min(SHOWN, self.options.held_out)))
        pairs = facing(looks, torch.tensor((15.0, 0.0)))
        made = [redirecting(part.network)(pairs) for part in self.warpings.values()]
        save_rows([pairs.eyes, *made, pairs.truth], folder / "registration.png")


def sharpness(pictures: Tensor, truth: Tensor) -> float:
    """The mean difference between neighbouring pixels, over that of the truth."""

    def edges(of: Tensor) -> float:
        return float(of.diff(dim=-1).abs().mean() + of.diff(dim=-2).abs().mean())

    return edges(pictures) / edges(truth)
