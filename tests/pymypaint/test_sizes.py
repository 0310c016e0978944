"""A picture painted larger is the same picture: by every brush, and however long a point of a curve takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from benchmarks.ink import distinct_brushes, measure
from envs.paint_settings import PaintSettings
from envs.painter import Painter
from envs.pymypaint import Canvas, Canvases, _native
from envs.pymypaint.scaling import scaled


def test_every_brush_paints_as_much_ink_on_larger_canvases() -> None:
    inks = [measure(brush, sizes=(64, 65, 256)) for brush in distinct_brushes()]
    assert [ink for ink in inks if ink.differs] == []
    assert sum(ink.shares[0] > 0 for ink in inks) > len(inks) / 2


@pytest.mark.parametrize("brush", ["classic/pen", "Dieterle/Pencil-_Left_Handed", "experimental/DNA_brush"])
@pytest.mark.parametrize("radius", [0.8, 1.5, 4.0])
def test_strokes_finer_than_pixels_are_as_wide_on_larger_canvases(brush: str, radius: float) -> None:
    """libmypaint draws a dab of 0.8 pixels as if it had 1.2; thin strokes used to be a third too thin in large."""
    settings = PaintSettings(brush=brush, brush_sizes=(radius,), canvas_size=64, color=False, episode_length=3)
    actions = np.array([[[0, 200, 0, 0]], [[500, 820, 1, 9]], [[700, 300, 1, 9]]])
    shares = []
    for size in (64, 96, 512):
        painter = Painter(settings.at_size(size), 1)
        for action in actions:
            shown = painter.step(action)
        shares.append((255.0 - shown).mean())
    assert shares[1:] == pytest.approx([shares[0]] * 2, rel=0.2)


def test_the_largest_canvas_is_painted_as_a_small_one() -> None:
    settings = PaintSettings(brush="deevad/spray", brush_sizes=(6,), canvas_size=64, color=False, episode_length=2)
    actions = np.array([[[0, 200, 0, 0]], [[500, 820, 1, 9]]])
    shares = []
    for size in (64, 4096):
        painter = Painter(settings.at_size(size), 1)
        for action in actions:
            shown = painter.step(action)
        shares.append((255.0 - shown).mean())
    assert shares[0] > 1 and shares[1] == pytest.approx(shares[0], rel=0.2)


@pytest.mark.parametrize("seconds", [0.1000001, 0.11, 0.3, 5.0])
def test_the_pressure_arrives_however_long_a_point_takes(seconds: float) -> None:
    canvases = Canvases(1, 64, 64, "deevad/spray", seconds_per_point=seconds)
    zeros, ones = np.zeros((1, 2)), np.ones(1)
    canvases.step([False], zeros, zeros + 10, ones, ones * 4, np.zeros((1, 3)))
    canvases.step([True], zeros + 40, zeros + 50, ones, ones * 4, np.zeros((1, 3)))
    assert (canvases.read() < 128).any()


@pytest.mark.parametrize("brush", ["classic/dry_brush", "deevad/spray"])
def test_a_long_way_is_as_many_short_ones(brush: str) -> None:
    once, often = Canvas(64, 64, brush), Canvas(64, 64, brush)
    for canvas in (once, often):
        canvas.set_brush(4)
        canvas.move_to(8, 8)
    once.stroke_to(56, 40, 1.0, seconds=1.6)
    for step in range(1, 17):
        often.stroke_to(8 + 3 * step, 8 + 2 * step, step / 16, seconds=0.1)
    np.testing.assert_array_equal(once.to_array(), often.to_array())
    assert (once.to_array() < 128).any()


def test_a_brush_takes_the_same_chances_on_a_larger_canvas() -> None:
    """Moves before the first stroke too, where noise goes by the radius that the brush has of its own."""
    settings = PaintSettings(brush="classic/puantilism", brush_sizes=(4,), canvas_size=64, color=False)
    small, large = (Painter(settings.at_size(size), 1) for size in (64, 512))
    for action in ([0, 200, 0, 0], [500, 820, 1, 9], [700, 300, 1, 9]):
        pictures = [painter.step(np.array([action])) for painter in (small, large)]
    shrunk = pictures[1].reshape(64, 8, 64, 8).mean(axis=(1, 3))
    assert shrunk.min() < 200 and np.abs(shrunk - pictures[0][0, :, :, 0]).mean() < 3


@pytest.mark.parametrize("log_gamma", [-2.0, 0.0, 4.0])
@pytest.mark.parametrize("scale", [1.5, 8.0, 128.0])
def test_a_larger_brush_feels_a_larger_speed_as_the_smaller_one_felt_its_own(log_gamma: float, scale: float) -> None:
    values = [_native.setting_default(setting) for setting in range(_native.SETTINGS)]
    gamma = _native.setting_from_name("speed1_gamma")
    values[gamma] = log_gamma
    points = [(felt(speed, log_gamma), speed) for speed in (0.0, 3.0, 45.0, 700.0)]
    curve = (_native.setting_from_name("opaque"), _native.input_from_name("speed1"), points)
    larger, curves = scaled(values, [curve], scale)
    for x, speed in curves[0][2]:
        assert x == pytest.approx(felt(scale * speed, larger[gamma]))


def felt(speed: float, log_gamma: float) -> float:
    """What libmypaint makes of a speed in pixels a second: 0.5 at 45, where it rises by 0.015."""
    gamma = math.exp(log_gamma)
    slope = 0.015 * (45 + gamma)
    return 0.5 + slope * (math.log(gamma + speed) - math.log(45 + gamma))


def test_a_scale_that_is_none_is_refused() -> None:
    wrong: Any
    for wrong in (0, -1, float("nan"), 1e9, "2"):
        with pytest.raises(ValueError, match="brush_scale is .* must be a number from 0.01 to 1000"):
            Canvases(1, 8, 8, brush_scale=wrong)
