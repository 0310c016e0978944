"""Another pen for the same shape: each change does what the library's slower operations do, and spares what it must."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from spiral.reink import CLEAN_SHARE, _between, _blurred, _largest_nearby, _mean_nearby, _moved, reink

COUNT = 64


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def ink() -> Tensor:
    return torch.rand(COUNT, 1, 16, 12, generator=seeded(1))


def test_the_largest_and_the_mean_nearby_are_those_of_pooling_layers(ink):
    largest = _largest_nearby(_largest_nearby(ink, 2), 3)
    torch.testing.assert_close(largest, F.max_pool2d(ink, 3, 1, 1))
    mean = _mean_nearby(_mean_nearby(ink, 2), 3)
    torch.testing.assert_close(mean, F.avg_pool2d(ink, 3, 1, 1, count_include_pad=False))


def test_pictures_are_moved_by_the_affine_maps_of_the_librarys_grid(ink):
    draw = seeded()
    angle, slant, scale_x, scale_y = (torch.empty(COUNT).uniform_(-1, 1, generator=draw) for _ in range(4))
    angle, slant = 0.12 * angle, 0.12 * slant
    shift_x, shift_y = torch.empty(2, COUNT).uniform_(-0.12, 0.12, generator=draw)
    rows_x = torch.stack([(1 + 0.1 * scale_x) * angle.cos(), slant - angle.sin(), shift_x], 1)
    rows_y = torch.stack([angle.sin(), (1 + 0.1 * scale_y) * angle.cos(), shift_y], 1)
    grid = F.affine_grid(torch.stack([rows_x, rows_y], 1), list(ink.shape), align_corners=False)
    expected = F.grid_sample(ink, grid, align_corners=False)
    torch.testing.assert_close(_moved(ink, seeded()), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sides", [(16, 16), (8, 12)])
def test_a_field_between_knots_is_bilinear(sides):
    knots = torch.rand(3, 1, 5, 5, generator=seeded())
    rows, columns = (_between(5, side, knots) for side in sides)
    expected = F.interpolate(knots, sides, mode="bilinear", align_corners=True)
    torch.testing.assert_close(rows.mT @ knots @ columns, expected)


def test_ink_stays_ink_and_an_empty_page_stays_empty(ink):
    changed = reink(ink, seeded())
    assert changed.shape == ink.shape and changed.min() >= 0 and changed.max() <= 1
    assert not reink(torch.zeros_like(ink), seeded()).any()


def test_the_same_random_numbers_give_the_same_pens_and_each_picture_has_its_own():
    line = torch.zeros(COUNT, 1, 16, 16)
    line[:, :, 4:12, 7:9] = 1
    changed = reink(line, seeded(3))
    assert torch.equal(changed, reink(line, seeded(3)))
    kinds = {picture.numpy().tobytes() for picture in changed}
    kept = sum(torch.equal(picture, line[0]) for picture in changed)
    assert len(kinds) == COUNT - kept + 1 and 0 < kept < 2 * CLEAN_SHARE * COUNT


def test_a_blurred_line_keeps_its_ink():
    line = torch.zeros(COUNT, 1, 16, 16)
    line[:, :, 4:12, 8] = 1
    torch.testing.assert_close(_blurred(line, seeded()).sum((1, 2, 3)), line.sum((1, 2, 3)))
