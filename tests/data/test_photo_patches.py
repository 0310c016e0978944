"""Squares of photographs that packages carry."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from spiral import data
from spiral.data import photo_patches
from spiral.data.photo_patches import PHOTOS, square


def test_the_splits_are_cut_from_other_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_patches, "COUNTS", {"train": 12, "test": 6})
    train, test = (data.load("photo-patches", split, 32, color=True) for split in ("train", "test"))
    assert train.shape == (12, 32, 32, 3) and test.shape == (6, 32, 32, 3)
    assert not set(PHOTOS["train"]) & set(PHOTOS["test"])
    np.testing.assert_array_equal(data.load("photo-patches", "test", 32, color=True), test)
    assert data.load("photo-patches", "test", 32).shape == (6, 32, 32, 1)


def test_a_square_is_a_part_of_the_photograph_or_its_mirror_image() -> None:
    photo = Image.linear_gradient("L").resize((300, 200)).convert("RGB")  # brighter downwards
    for seed in range(20):
        cut = square(photo, 64, np.random.default_rng(seed))[..., 0].astype(int)
        assert (np.diff(cut, axis=0) >= 0).all() and (np.abs(np.diff(cut, axis=1)) <= 1).all()
