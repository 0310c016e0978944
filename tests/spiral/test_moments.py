"""Ink is as long, and leans as far, as what was drawn."""

from __future__ import annotations

import math

import pytest
import torch

from spiral.moments import ink_of, length_of, slant_of
from tests.spiral.methods.puppet_toys import bars


def test_length_and_slant_are_those_of_a_bar() -> None:
    angles = torch.tensor([0.0, 0.3, -0.5, 0.1])
    lengths = torch.tensor([0.5, 0.5, 0.4, 0.25])
    pictures = bars(lengths, angles, 64)
    ink = ink_of(pictures)
    assert length_of(ink).tolist() == pytest.approx((lengths / math.sqrt(12)).tolist(), rel=0.03)
    thickness = (0.2 / 1) ** 2  # of the bar's width and length, squared: a bar that is as thick as long has no slant
    expected = angles.tan() * (1 - thickness) / (1 + angles.tan().square() * thickness)
    assert slant_of(ink).tolist() == pytest.approx(expected.tolist(), abs=0.02)
    assert slant_of(ink)[1] > 0, "it leans to the right: its upper end does"
    upper = (1 - pictures[1, 0, :32]).sum(0) @ torch.arange(64.0)
    lower = (1 - pictures[1, 0, 32:]).sum(0) @ torch.arange(64.0)
    assert upper > lower


def test_a_line_leans_by_its_shift_for_a_height_of_one() -> None:
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    leaning = torch.stack([((x - 16 + lean * (y - 16)).abs() < 2).float() for lean in (-0.5, 0.0, 0.5)])
    assert slant_of(leaning).tolist() == pytest.approx([-0.5, 0, 0.5], abs=0.06), "above 0 is to the right"


def test_a_blank_picture_has_neither_length_nor_slant() -> None:
    blank = ink_of(torch.ones(2, 3, 16, 16))
    assert length_of(blank).tolist() == slant_of(blank).tolist() == [0, 0]
