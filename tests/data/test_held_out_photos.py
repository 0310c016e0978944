"""The photographs that agents are compared on are none that anything trains on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spiral.data.held_out_photos import HELD_OUT, TO_LEARN_FROM
from spiral.data.photos import Photos


def test_ten_are_held_out_and_share_no_pixel_with_those_to_learn_from():
    assert len(HELD_OUT) == len({photo.name for photo in HELD_OUT}) == 10
    for photo in HELD_OUT:
        for other in TO_LEARN_FROM:
            if photo.package == other.package:
                assert other.columns[1] <= photo.columns[0] or photo.columns[1] <= other.columns[0]


def test_all_are_there_in_colour_and_no_part_is_tiny():
    for photo in (*HELD_OUT, *TO_LEARN_FROM):
        pixels = photo.read()
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
        assert min(pixels.shape[:2]) >= 160 and photo.licence


def test_what_photos_trains_on_is_not_held_out(tmp_path: Path):
    held_out = [photo.read() for photo in HELD_OUT]
    parts = [part for split in ("train", "test") for part in Photos(tmp_path).read(split)]
    same = [any(np.array_equal(part, photo) for photo in held_out) for part in parts]
    assert same == [False] * 3 + [True, True, False]
    for part, photo in zip(parts, TO_LEARN_FROM[:3], strict=False):
        np.testing.assert_array_equal(part, photo.read())
