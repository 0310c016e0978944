"""Canvases that begin on a picture, and that are made alike, so that strokes can be tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.pymypaint import ArrayError, Canvases, CanvasSizeError

PRESSURE, RADIUS, COLOR = 0.7, 3.0, (0.1, 0.5, 0.9)


def paint(canvases: Canvases, control: tuple[float, float], end: tuple[float, float], paint: bool = True) -> None:
    count = canvases.count
    canvases.step(
        np.full(count, paint),
        np.tile(control, (count, 1)),
        np.tile(end, (count, 1)),
        np.full(count, PRESSURE),
        np.full(count, RADIUS),
        np.tile(COLOR, (count, 1)),
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_shown_as_it_was_given(channels):
    canvases = Canvases(2, 100, 70, "deevad/brush", channels=channels)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 70, 100, channels), np.uint8)
    assert set(np.unique(pictures)) == set(range(256))
    canvases.load(pictures)
    np.testing.assert_array_equal(canvases.read(), pictures)
    canvases.reset()
    assert (canvases.read() == 255).all()


def test_strokes_go_on_a_picture():
    canvases = Canvases(1, 64, 64, "deevad/brush")
    picture = np.full((1, 64, 64, 3), 200, np.uint8)
    canvases.load(picture)
    paint(canvases, (20, 20), (40, 20))
    changed = (canvases.read() != picture).any(axis=-1)[0]
    assert changed[:, :45].any() and not changed[40:].any()


@pytest.mark.parametrize("brush", ["deevad/brush", "classic/pen", "ramon/Classic_Paint"])
def test_what_was_taken_goes_on_like_its_source(brush):
    canvases = Canvases(3, 80, 64, brush)
    alone = Canvases(1, 80, 64, brush)
    for each in (canvases, alone):
        paint(each, (10, 40), (30, 30))
    canvases.step(  # the second goes a way of its own
        [False, True, False],
        np.full((3, 2), 5.0),
        np.full((3, 2), 60.0),
        np.full(3, 1.0),
        np.full(3, 9.0),
        np.zeros((3, 3)),
        active=[False, True, False],
    )
    canvases.take([0, 0, 2])
    np.testing.assert_array_equal(canvases.read()[1], alone.read()[0])
    for each in (canvases, alone):
        paint(each, (50, 10), (70, 50))
    for shown in canvases.read():
        np.testing.assert_array_equal(shown, alone.read()[0])


def test_only_pictures_and_canvases_that_fit_are_taken():
    canvases = Canvases(2, 8, 8, "deevad/brush")
    wrong: Any
    for wrong in (np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3)), np.zeros((1, 8, 8, 3), np.uint8)):
        with pytest.raises(ArrayError, match="pictures"):
            canvases.load(wrong)
    for sources in ([0], [0, 2], [-1, 1], [0.0, 1.0]):
        with pytest.raises(ArrayError, match="sources"):
            canvases.take(sources)
    with pytest.raises(CanvasSizeError, match="cannot become like"):
        canvases.take([0, 1], Canvases(2, 8, 8, "classic/pen"))


def test_canvases_are_taken_in_any_order_and_from_others():
    canvases, others = (Canvases(4, 64, 64, "deevad/brush", num_threads=2) for _ in range(2))
    ends = np.array([[10, 50], [50, 10], [60, 60], [5, 30]], float)
    everywhere = (np.full(4, PRESSURE), np.full(4, RADIUS), np.tile(COLOR, (4, 1)))
    for each in (canvases, others):
        each.step(np.full(4, True), np.full((4, 2), 30.0), ends, *everywhere)
    shown = others.read()
    assert len({picture.tobytes() for picture in shown}) == 4
    for sources in ([1, 0, 3, 2], [1, 2, 3, 0], [2, 2, 0, 0], [3, 3, 3, 3], [0, 1, 2, 3]):
        canvases.take(range(4), others)
        canvases.take(sources)
        np.testing.assert_array_equal(canvases.read(), shown[sources])
    fewer = Canvases(2, 64, 64, "deevad/brush")
    fewer.take([3, 1], others)
    np.testing.assert_array_equal(fewer.read(), shown[[3, 1]])
