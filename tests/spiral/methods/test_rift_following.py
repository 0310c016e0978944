"""It is seen where a factor of one domain's own is drawn for one of the other's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from spiral.methods.rift.following import following_table
from spiral.methods.rift.measures import Task
from spiral.methods.rift.pictures import Domain

KINDS = 4  # of each factor
FACTORS = ("shape", "wall", "size")
TWO_BITS = pytest.approx(2, abs=0.1)


def domain(generator: torch.Generator) -> Domain:
    """Pictures each of whose channels is a factor."""
    values = torch.randint(KINDS, (400, 3), generator=generator)
    return Domain((60 * values).to(torch.uint8)[:, :, None, None].expand(-1, 3, 2, 2), {})


def read(pictures: Tensor) -> dict[str, Tensor]:
    values = ((pictures[:, :, 0, 0] + 1) * 127.5 / 60).round().long()
    return dict(zip(FACTORS, values.unbind(1), strict=True))


def paired(pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
    """Towards B the size is drawn that the picture's wall is; towards A all is as it should be."""
    return pictures[:, [0, 1, 1]] if to_b else torch.stack((pictures[:, 0], guides[:, 1], guides[:, 2]), 1)


def test_two_factors_that_are_paired_are_seen() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b, held_a, held_b = (domain(generator) for _ in range(4))
    task = Task("toy", a, b, held_a, held_b, ("shape",), ("wall",), ("size",), dict.fromkeys(FACTORS, KINDS))
    table = following_table([task], [paired], read, 400, 0)
    rows: dict[Any, tuple[Any, ...]] = {row[0]: row[1:] for row in table.rows}
    assert len(rows) == 4, "what is shared and what is the target's own, each way"
    told, factor, of_guide = rows["toy, to B: size"]
    assert (told, factor, of_guide) == (TWO_BITS, "wall", 0)
    told, _, of_guide = rows["toy, to A: wall"]
    assert (told, of_guide) == (0, TWO_BITS)
    for way in "AB":
        told, factor, _ = rows[f"toy, to {way}: shape"]
        assert (told, factor) == (TWO_BITS, "shape")
