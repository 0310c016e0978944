"""A brush for larger canvases: whatever it reckons in pixels grows along.

Most of a brush is in proportion to its radius, but its speed is in pixels a second, its direction is found over some
pixels, its grid has cells of pixels, soft edges and curves over the radius are in pixels, and so is the radius that it
has until an action gives it one. Here these become `scale` times as long. The brush then draws the enlarged strokes at
the same moments, with the same dabs and the same chances.

Curves of `direction_filter` stay as they are, for they add up to something that has no such form; no brush of
mypaint-brushes has any.
"""

from __future__ import annotations

import math

from envs.pymypaint import _native

Curve = tuple[int, int, list[tuple[float, float]]]

EDGE = 1.0  # pixel; an edge so soft only hides the pixels, and stays sharp on more of them

# libmypaint says log(gamma + speed) * m + q for a speed, with q and m so that 45 pixels a second are 0.5, and that
# 0.015 is the slope there.
FIXED_SPEED, FIXED_INPUT, FIXED_SLOPE = 45.0, 0.5, 0.015


def scaled(values: list[float], curves: list[Curve], scale: float) -> tuple[list[float], list[Curve]]:
    """The base values and curves of the brush that is `scale` times as large."""
    values, longer = list(values), math.log(scale)
    shifts = {_native.input_from_name("brush_radius"): (1.0, longer)}
    for name in ("speed1", "speed2"):
        gamma = _native.setting_from_name(f"{name}_gamma")
        shifts[_native.input_from_name(name)] = _speed_shift(values[gamma], longer)
        values[gamma] += longer
    for name in ("radius_logarithmic", "gridmap_scale"):
        values[_native.setting_from_name(name)] += longer
    edge = _native.setting_from_name("anti_aliasing")
    values[edge] *= scale if values[edge] > EDGE else 1
    direction = _native.setting_from_name("direction_filter")
    values[direction] = 2 * math.log(max(1 + scale * math.expm1(values[direction] / 2), 1e-9))
    unchanged = (1.0, 0.0)
    return values, [
        (setting, source, _along(points, *shifts.get(source, unchanged))) for setting, source, points in curves
    ]


def _along(points: list[tuple[float, float]], factor: float, shift: float) -> list[tuple[float, float]]:
    return [(x * factor + shift, y) for x, y in points]


def _speed_shift(log_gamma: float, longer: float) -> tuple[float, float]:
    """Factor and shift from what libmypaint says for a speed to what the larger brush says for the larger speed."""
    slope, offset = _speed_line(log_gamma)
    new_slope, new_offset = _speed_line(log_gamma + longer)
    return new_slope / slope, new_offset + new_slope * (longer - offset / slope)


def _speed_line(log_gamma: float) -> tuple[float, float]:
    """libmypaint's m and q."""
    reach = FIXED_SPEED + math.exp(log_gamma)
    return FIXED_SLOPE * reach, FIXED_INPUT - FIXED_SLOPE * reach * math.log(reach)
