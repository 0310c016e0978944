"""It is seen where a factor of one domain's own is drawn for one of the other's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from spiral.methods.rift.following import following_table
from spiral.methods.rift.measures import Task
from spiral.methods.rift.pictures import Domain


def test_two_factors_that_are_paired_are_seen() -> None:
    """A picture's four pixels are its factors; a translation draws the lost one in place of the guide's own."""
    generator = torch.Generator().manual_seed(0)

    def domain() -> Domain:
        values = torch.randint(4, (400, 3), generator=generator)
        images = (60 * values).to(torch.uint8)[:, :, None, None].expand(-1, 3, 2, 2)
        return Domain(images, {})

    def read(pictures: Tensor) -> dict[str, Tensor]:
        values = ((pictures[:, :, 0, 0] + 1) * 127.5 / 60).round().long()
        return dict(zip(("shape", "wall", "size"), values.unbind(1), strict=True))

    def paired(pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        return pictures[:, [0, 1, 1]] if to_b else torch.stack((pictures[:, 0], guides[:, 1], guides[:, 2]), 1)

    pairs = [domain() for _ in range(4)]
    task = Task("toy", *pairs, ("shape",), ("wall",), ("size",), dict.fromkeys(("shape", "wall", "size"), 4))
    rows = {row[0]: row[1:] for row in following_table([task], [paired], read, 400, 0).rows}
    assert rows["toy, to B: size"] == (pytest.approx(2, abs=0.1), "wall", 0), (
        "4 walls are 2 bits, and none of the guide"
    )
    told, _, of_guide = rows["toy, to A: wall"]
    assert told == 0 and of_guide == pytest.approx(2, abs=0.1)
    assert all(rows[f"toy, to {way}: shape"][:2] == (pytest.approx(2, abs=0.1), "shape") for way in "AB")
