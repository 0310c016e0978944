"""CycleGAN, and its two defences against itself: noise, the guess loss, or both. Beside it pix2pix, which has pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.methods.self_defence.model import (
    discriminator,
    generator,
    guess_pairs,
    guesser,
    least_squares,
    told_apart,
)
from spiral.methods.self_defence.pairs import Pairs
from spiral.methods.self_defence.translating import Networks, ThereAndBack, Translation, TranslationOptions


class CycleGan(ThereAndBack):
    """There and back, with the defences that are asked for."""

    def __init__(
        self, options: TranslationOptions, pairs: Pairs, seed: int, noise: bool = False, guess: bool = False
    ) -> None:
        def make() -> tuple[Networks, Networks]:
            judges: dict[str, nn.Module] = {"a": discriminator(options), "b": discriminator(options)}
            if guess:
                judges |= {"guess_a": guesser(options), "guess_b": guesser(options)}
            return {"to_b": generator(options), "to_a": generator(options)}, judges

        self.sigma, self.guessed = options.noise if noise else 0.0, guess
        super().__init__(options, pairs, seed, make)

    def translate(
        self, pictures: Tensor, drawings: Tensor
    ) -> tuple[Tensor, Callable[[], tuple[Tensor, dict[str, float]]], dict[str, float]]:
        """L(G), and the losses of D_A, D_B and D_guess."""
        to_a, to_b, options = self.generators["to_a"], self.generators["to_b"], self.options
        fake_b, fake_a = to_b(pictures), to_a(drawings)
        again_a, again_b = to_a(self._noisy(fake_b)), to_b(self._noisy(fake_a))
        cycle = functional.l1_loss(again_a, pictures) + functional.l1_loss(again_b, drawings)
        deceived = self.deceive("a", fake_a) + self.deceive("b", fake_b)
        loss = deceived + options.cycle * cycle
        measured = {"cycle": float(cycle.detach()), "deceived": float(deceived.detach())}
        if options.identity:
            same = functional.l1_loss(to_a(pictures), pictures) + functional.l1_loss(to_b(drawings), drawings)
            loss = loss + options.identity * options.cycle * same
        cycles = {"guess_a": (pictures, again_a), "guess_b": (drawings, again_b)} if self.guessed else {}
        for name, (originals, copies) in cycles.items():
            pairs, answers = guess_pairs(originals, copies, self.generator)
            loss = loss + options.guess * least_squares(self.discriminators[name](pairs), 1 - answers)

        def judged() -> tuple[Tensor, dict[str, float]]:
            total = self.judge("a", fake_a, pictures) + self.judge("b", fake_b, drawings)
            told = {"judged": float(total.detach())}
            for name, (originals, copies) in cycles.items():
                pairs, answers = guess_pairs(originals, copies.detach(), self.generator)
                guesses = self.discriminators[name](pairs)
                total = total + least_squares(guesses, answers)
                told[f"{name} right"] = told_apart(guesses, answers)
            return total, told

        return loss, judged, measured

    @torch.no_grad()
    def to_drawings(self, pictures: Tensor) -> Tensor:
        """G_B(a)."""
        drawings: Tensor = self.generators["to_b"](pictures)
        return drawings

    @torch.no_grad()
    def to_pictures(self, drawings: Tensor, like: Tensor | None = None) -> Tensor:
        """G_A(b)."""
        pictures: Tensor = self.generators["to_a"](drawings)
        return pictures

    def _noisy(self, pictures: Tensor) -> Tensor:
        return pictures + self.sigma * self.normal(pictures) if self.sigma else pictures


class Pix2Pix(Translation):
    """A to B from pairs, which no other part is shown (Isola et al., 2017); by it the pictures of others are read."""

    def __init__(self, options: TranslationOptions, pairs: Pairs, seed: int) -> None:
        def make() -> tuple[Networks, Networks]:
            return {"to_b": generator(options)}, {"pair": discriminator(options, channels=6)}

        super().__init__(options, pairs, seed, make)

    def sample(self) -> tuple[Tensor, Tensor]:
        """Pairs."""
        chosen = self._some(len(self.pairs))
        return self.pairs.pictures(chosen), self.pairs.drawings(chosen)

    def translate(
        self, pictures: Tensor, drawings: Tensor
    ) -> tuple[Tensor, Callable[[], tuple[Tensor, dict[str, float]]], dict[str, float]]:
        """The distance from the right drawings and what deceives D, which sees the picture beside the drawing."""
        fake = self.generators["to_b"](pictures)
        beside = torch.cat((pictures, fake), dim=1)
        error, deceived = functional.l1_loss(fake, drawings), self.deceive("pair", beside)
        loss = deceived + self.options.supervised * error

        def judged() -> tuple[Tensor, dict[str, float]]:
            total = self.judge("pair", beside, torch.cat((pictures, drawings), dim=1))
            return total, {"judged": float(total.detach())}

        return loss, judged, {"error": float(error.detach()), "deceived": float(deceived.detach())}

    @torch.no_grad()
    def to_drawings(self, pictures: Tensor) -> Tensor:
        """G_B(a)."""
        drawings: Tensor = self.generators["to_b"](pictures)
        return drawings
