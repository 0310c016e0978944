"""What an action paints: curves, pressure, moves, size and colour, against a slow hand that goes point by point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.pymypaint import Canvas, Canvases, StrokeError

BRUSHES = ["classic/dry_brush", "classic/pen", "classic/smudge"]


class SlowHand:
    """The actions of `Canvases.step`, written as the published environment describes them, with single points."""

    def __init__(self, size: int, brush: str) -> None:
        self.canvas = Canvas(size, size, brush)
        self.x = self.y = self.pressure = 0.0
        self.painting = False

    def step(self, paint: Any, control: Any, end: Any, pressure: Any, radius: Any, color: Any) -> None:
        if not paint:
            self.canvas.move_to(*end)
        else:
            self.canvas.set_brush(radius, color)
            start_pressure = self.pressure if self.painting else pressure
            if not self.painting:
                self.canvas.stroke_to(self.x, self.y, start_pressure)
            for t in np.arange(1, 51) / 50:
                x, y = bezier(np.array([(self.x, self.y), *np.reshape(control, (-1, 2)), end]), t)
                self.canvas.stroke_to(x, y, start_pressure * (1 - t) + pressure * t)
            self.pressure = pressure
        self.painting = bool(paint)
        self.x, self.y = end


def bezier(points: np.ndarray, t: float) -> Any:
    """The point of a curve with three or four points at t."""
    if len(points) == 3:
        weights = [(1 - t) ** 2, 2 * (1 - t) * t, t**2]
    else:
        weights = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3]
    return sum(weight * point for weight, point in zip(weights, points, strict=True))


@pytest.mark.parametrize("controls", [1, 2])
@pytest.mark.parametrize("brush", BRUSHES)
def test_actions_are_those_of_a_slow_hand(brush: str, controls: int) -> None:
    rng = np.random.default_rng(0)
    canvases, hands = Canvases(3, 64, 64, brush), [SlowHand(64, brush) for _ in range(3)]
    for _ in range(8):
        action = random_action(rng, 3)
        if controls == 2:
            action["control"] = np.stack((action["control"], rng.integers(0, 32, (3, 2)) * 2.0), axis=1)
        canvases.step(**action)
        for index, hand in enumerate(hands):
            hand.step(**{name: values[index].tolist() for name, values in action.items()})
    # The hand ends libmypaint's group of dabs after each point, which must not matter.
    np.testing.assert_array_equal(canvases.read(), [hand.canvas.to_array() for hand in hands])


def test_a_curve_starts_where_the_move_before_it_ended() -> None:
    """The published environment recorded x = y after a move, and drew from there."""
    canvases = Canvases(1, 64, 64, "classic/pen")
    move(canvases, 50, 10)
    paint(canvases, (50, 30), (50, 50))
    ink = np.argwhere(canvases.read()[0, :, :, 0] < 128)
    rows, columns = ink[:, 0], ink[:, 1]
    assert columns.min() >= 45 and columns.max() <= 55
    assert rows.min() <= 12 and rows.max() >= 48


def test_the_pen_starts_up_at_the_upper_left_corner() -> None:
    canvases = Canvases(1, 64, 64, "classic/pen")
    paint(canvases, (10, 0), (20, 0))
    ink = np.argwhere(canvases.read()[0, :, :, 0] < 128)
    assert ink[:, 1].min() == 0 and ink[:, 1].max() >= 18 and ink[:, 0].max() <= 4


def test_a_move_paints_nothing_and_an_inactive_canvas_waits() -> None:
    canvases = Canvases(2, 32, 32, "classic/pen")
    move(canvases, 20, 20)
    assert (canvases.read() == 255).all()
    paint(canvases, (20, 25), (20, 30), active=[True, False])
    assert (canvases.read()[0] < 128).any() and (canvases.read()[1] == 255).all()


def test_a_stroke_without_way_paints_a_dot(write_brush) -> None:
    """A hard dab of radius r covers the pixels whose centres are within r."""
    brush = write_brush(dabs_per_second=30.0)
    canvases = Canvases(1, 65, 65, brush)
    move(canvases, 32.5, 32.5)
    paint(canvases, (32.5, 32.5), (32.5, 32.5), radius=10)
    y, x = np.mgrid[:65, :65] + 0.5
    disc = (x - 32.5) ** 2 + (y - 32.5) ** 2 <= 10**2
    np.testing.assert_array_equal(canvases.read()[0, :, :, 0], np.where(disc, 0, 255))


def test_pressure_goes_from_that_of_the_last_action_to_the_new_one(write_brush) -> None:
    brush = write_brush({"opaque_multiply": {"pressure": [[0.0, 0.0], [1.0, 1.0]]}}, opaque_multiply=0.0)
    canvases = Canvases(1, 64, 64, brush)
    move(canvases, 0, 32)
    paint(canvases, (10, 32), (20, 32), pressure=0.1)
    paint(canvases, (40, 32), (60, 32), pressure=0.9)
    row = canvases.read()[0, 32, :, 0].astype(int)
    assert (np.diff(row[24:56]) <= 0).all() and row[24] - row[55] > 60
    assert np.ptp(row[5:16]) < 25


def test_size_and_colour_switch_at_once(write_brush) -> None:
    canvases = Canvases(1, 64, 64, write_brush())
    move(canvases, 10, 32)
    paint(canvases, (20, 32), (30, 32), radius=2, color=(1, 0, 0))
    paint(canvases, (45, 32), (60, 32), radius=6, color=(0, 0, 1))
    picture = canvases.read()[0]
    assert tuple(picture[32, 15]) == (255, 0, 0) and tuple(picture[32, 40]) == (0, 0, 255)
    assert (picture[:, 15, 1] < 128).sum() == pytest.approx(4, abs=1)
    assert (picture[:, 45, 1] < 128).sum() == pytest.approx(12, abs=1)


@pytest.mark.parametrize("color", [(0, 0, 0), (1, 1, 1), (0.2, 0.6, 0.4), (0.7, 0.1, 0.9), (0.9, 0.9, 0.3), (0, 1, 1)])
def test_ink_has_the_colour_asked_for(write_brush, color: tuple[float, float, float]) -> None:
    """RGB goes to HSV and back inside of libmypaint."""
    canvases = Canvases(1, 32, 32, write_brush(), background=(0.5, 0.5, 0.5))
    move(canvases, 4, 16)
    paint(canvases, (16, 16), (28, 16), radius=8, color=color)
    np.testing.assert_allclose(canvases.read()[0, 16, 16], np.multiply(color, 255), atol=0.6)


def test_a_stroke_ends_although_a_brush_wants_dabs_without_end(write_brush) -> None:
    canvas = Canvas(8, 8, write_brush(dabs_per_actual_radius=200.0, elliptical_dab_ratio=200.0))
    canvas.set_brush(1000)
    with pytest.raises(StrokeError, match="dabs"):
        canvas.stroke_to(16384, 16384)
    canvas.set_brush(4, (1, 0, 0))
    canvas.move_to(0, 4)
    canvas.stroke_to(8, 4)
    assert tuple(canvas.to_array()[4, 4]) == (255, 0, 0)


def move(canvases: Canvases, x: float, y: float) -> None:
    step(canvases, paint=False, control=(0, 0), end=(x, y))


def paint(canvases: Canvases, control: tuple[float, float], end: tuple[float, float], **more: Any) -> None:
    step(canvases, paint=True, control=control, end=end, **more)


def step(canvases: Canvases, active: Any = None, **action: Any) -> None:
    defaults = {"pressure": 1.0, "radius": 2.0, "color": (0.0, 0.0, 0.0)}
    arrays = {name: np.repeat([value], canvases.count, axis=0) for name, value in {**defaults, **action}.items()}
    canvases.step(**arrays, active=active)


def random_action(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    return {
        "paint": rng.random(count) < 0.7,
        "control": rng.integers(0, 32, (count, 2)) * 2.0,
        "end": rng.integers(0, 32, (count, 2)) * 2.0,
        "pressure": rng.integers(1, 11, count) / 10,
        "radius": rng.choice([1.0, 2.0, 4.0, 8.0, 12.0, 24.0], count),
        "color": rng.integers(0, 20, (count, 3)) / 19,
    }
