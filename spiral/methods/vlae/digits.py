"""Digits in three ladders of two numbers each: figure 2, and which ladder holds the style and which the digit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from spiral.judge import classify, shipped
from spiral.methods.vlae.arithmetic import Trait, Triples, some_triples
from spiral.methods.vlae.comparing import Comparing
from spiral.methods.vlae.eyes import as_reader
from spiral.methods.vlae.measures import stroke_width
from spiral.methods.vlae.training import Sampled, VlaeOptions
from spiral.moments import slant_of
from spiral.section import ConfigError, Size


def _width_of(ink: Tensor) -> Tensor:
    return torch.from_numpy(stroke_width(ink.cpu().numpy()))


STYLES = {"stroke width": _width_of, "slant": slant_of}  # of ink [N, H, W], each [N]


class DigitsOptions(VlaeOptions):
    """The defaults are sized for two cores of a processor."""

    steps: Size = 3000


class Digits(Comparing):
    """Digits of any set that has labels."""

    Options = DigitsOptions

    def __init__(self, options: DigitsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        if "label" not in self.test.known or not set(self.test.known["label"].tolist()) <= set(range(10)):
            raise ConfigError(f"the data set {options.data!r} is not labelled from 0 to 9: name one of digits")
        self.middles = {name: measured(self.test.inputs(), name).median() for name in STYLES}

    def seen(self, pictures: Tensor) -> Tensor:
        """As the reader sees them."""
        return as_reader(pictures)

    def attributes(self, pictures: Sampled) -> Mapping[str, Tensor]:
        """The styles, which are measured, and the digit, which is labelled."""
        return {name: measured(pictures.inputs(), name) for name in STYLES} | {"digit": pictures.known["label"]}

    def arithmetic(self) -> list[tuple[str, Triples, Mapping[str, Tensor]]]:
        """An 8 that leans − an upright 8 + an upright 3 is a 3 that leans."""
        found: list[tuple[str, Triples, Mapping[str, Tensor]]] = []
        digit = Trait.of_classes(self.test.known["label"])
        for name in STYLES:
            style = Trait.of_thirds(measured(self.test.inputs(), name))
            triples = some_triples(style, digit, self.options.triples, self.seed)
            wanted = {name: style.kinds[triples.a], "digit": digit.kinds[triples.c]}
            found.append((name.replace(" ", "-"), triples, wanted))
        return found

    def read(self, pictures: Tensor, attribute: str) -> Tensor:
        """The digit by the reader, a style by its measure: 1 where there is more of it than in half of the digits."""
        if attribute == "digit":
            pixels = (255 * pictures).round().byte().permute(0, 2, 3, 1).cpu().numpy()
            return torch.from_numpy(classify(shipped("reader"), pixels)[0])
        return (measured(pictures, attribute) > self.middles[attribute]).long()


def measured(pictures: Tensor, style: str) -> Tensor:
    """A style of pictures [N, C, H, W] in [0, 1] of dark ink, float32 [N]."""
    return STYLES[style](1 - pictures.mean(1)).cpu()
