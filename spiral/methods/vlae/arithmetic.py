"""Arithmetic on pictures (section 4, figure 4): a − b + c in the space of codes, drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from spiral.methods.vlae.model import Codes, LadderAutoencoder
from spiral.methods.vlae.training import decoded, encoded

CLEAR = 1 / 3  # of the pictures are clearly of little, and as many of much


@dataclass(frozen=True)
class Trait:
    """A way in which pictures differ.

    Attributes:
        kinds: the class of each picture, int64 [N]; −1 for what is not clearly of one.
        degree: how much of it each picture has, [N].
    """

    kinds: Tensor
    degree: Tensor

    @classmethod
    def of_thirds(cls, degree: Tensor) -> Trait:
        """Kind 0 is the third with the least of it, kind 1 that with the most."""
        return cls.between(degree, float(degree.quantile(CLEAR)), float(degree.quantile(1 - CLEAR)))

    @classmethod
    def between(cls, degree: Tensor, least: float, most: float) -> Trait:
        """Kind 0 has up to `least` of it, and kind 1 from `most` on."""
        degree = degree.cpu()
        return cls(torch.where(degree >= most, 1, torch.where(degree <= least, 0, -1)), degree)

    @classmethod
    def of_classes(cls, kinds: Tensor) -> Trait:
        """All of a class have as much of it."""
        return cls(kinds.cpu(), torch.zeros(len(kinds)))

    def distance(self, some: Tensor, other: Tensor) -> Tensor:
        """How far pictures at the places `some` are from one other, in deviations of the clear ones, squared."""
        deviation = self.degree[self.kinds >= 0].std().clamp(min=torch.finfo(torch.float32).tiny)
        return ((self.degree[some] - self.degree[other]) / deviation).square()


@dataclass(frozen=True)
class Triples:
    """Places of pictures a, b and c, each int64 [N]: b is of a's kind in one way, and of c's in the other."""

    a: Tensor
    b: Tensor
    c: Tensor


def blended(network: LadderAutoencoder, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a − b + c of pictures uint8 [N, C, side, side], as pictures in [0, 1]."""
    codes = [encoded(network, pictures)[0] for pictures in (a, b, c)]
    summed: Codes = [of_a - of_b + of_c for of_a, of_b, of_c in zip(*codes, strict=True)]
    return decoded(network, summed)


def some_triples(kept: Trait, changed: Trait, count: int, seed: int) -> Triples:
    """Triples of which a − b + c should have the `kept` class of a and the `changed` one of c.

    a and b agree in the `changed` class alone, b and c in the `kept` class alone: men of pale skin − men of dark skin +
    women of dark skin. All ways in which classes can be so are as frequent. a and c are drawn; b is what someone would
    pick for them, the picture that has most nearly as much as a of the one and as c of the other. None, where there
    are no such pictures.
    """
    generator = torch.Generator().manual_seed(seed)
    of = _cells(kept.kinds, changed.kinds)
    ways = [
        (one, (other[0], one[1]), other)
        for one, other in product(of, of)
        if one[0] != other[0] and one[1] != other[1] and (other[0], one[1]) in of
    ]
    found: list[tuple[int, int, int]] = []
    for which in torch.randint(len(ways), (count,), generator=generator) if ways else ():
        of_a, of_b, of_c = ways[which]
        a, c = (_one_of(of[cell], generator) for cell in (of_a, of_c))
        b = of[of_b][(changed.distance(of[of_b], a) + kept.distance(of[of_b], c)).argmin()]
        found.append((int(a), int(b), int(c)))
    places = torch.tensor(found, dtype=torch.int64).reshape(-1, 3)
    return Triples(places[:, 0], places[:, 1], places[:, 2])


def _cells(kept: Tensor, changed: Tensor) -> dict[tuple[int, int], Tensor]:
    """The places of the pictures of each pair of classes that there is."""
    pairs = torch.stack((kept, changed), 1)
    clear = pairs[(pairs >= 0).all(1)].unique(dim=0).tolist()
    return {(one, other): ((kept == one) & (changed == other)).nonzero()[:, 0] for one, other in clear}


def _one_of(places: Tensor, generator: torch.Generator) -> Tensor:
    return places[torch.randint(len(places), (), generator=generator)]
