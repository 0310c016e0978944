"""Arithmetic on pictures (section 4, figure 4): a − b + c in the space of codes, drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.methods.vlae.model import Codes, LadderAutoencoder
from spiral.methods.vlae.training import decoded, encoded


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


def some_triples(kept: Tensor, changed: Tensor, count: int, seed: int) -> Triples:
    """Triples of which a − b + c should have the `kept` class of a and the `changed` one of c.

    Both are int64 [N], one for each picture, −1 for what is neither clearly one nor the other. a and b agree in the
    `changed` class alone, b and c in the `kept` class alone: men of pale skin − men of dark skin + women of dark skin.
    Fewer than asked for, where there are no such pictures.
    """
    generator = torch.Generator().manual_seed(seed)
    clear = ((kept >= 0) & (changed >= 0)).nonzero().flatten()
    if not len(clear):
        return Triples(clear, clear, clear)
    found: list[tuple[int, int, int]] = []
    for a in clear[torch.randint(len(clear), (4 * count,), generator=generator)]:
        like_a = clear[(changed[clear] == changed[a]) & (kept[clear] != kept[a])]
        if not len(like_a):
            continue
        b = _one_of(like_a, generator)
        like_b = clear[(kept[clear] == kept[b]) & (changed[clear] != changed[b])]
        if len(like_b):
            found.append((int(a), int(b), int(_one_of(like_b, generator))))
        if len(found) == count:
            break
    places = torch.tensor(found, dtype=torch.int64).reshape(-1, 3)
    return Triples(places[:, 0], places[:, 1], places[:, 2])


def _one_of(places: Tensor, generator: torch.Generator) -> Tensor:
    return places[torch.randint(len(places), (), generator=generator)]
