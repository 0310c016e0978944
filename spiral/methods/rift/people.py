"""People who move before a wall: pictures in the manner of SynAction, drawn part by part.

A person has a pose, which both domains share. In A the wall is one of several and the clothes are always the same; in B
the clothes differ and the wall is always the same. Poses are numbers in [0, 1], walls and clothes are classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from spiral.data.pictures import Pictures

FINER = 4  # drawn at so many times the size and then reduced, for smooth edges
POSES = ("left arm", "right arm", "left leg", "right leg")
WALLS = ((236, 226, 196), (150, 190, 225), (120, 160, 110), (190, 120, 110), (90, 90, 105), (225, 190, 90))
SHIRTS = ((200, 40, 45), (35, 80, 170), (245, 245, 245), (30, 30, 35), (235, 150, 30), (110, 50, 130))
TROUSERS = ((40, 50, 90), (95, 75, 55), (20, 20, 25), (130, 130, 135))
SKIN, HAIR, FLOOR = (224, 172, 130), (70, 45, 30), (120, 105, 90)
CLASSES = {**dict.fromkeys(POSES, 0), "wall": 2 * len(WALLS), "shirt": len(SHIRTS), "trousers": len(TROUSERS)}
FIXED = {"wall": 0, "shirt": 2, "trousers": 0}  # where they do not vary
OWN = {"a": ("wall",), "b": ("shirt", "trousers")}
HIPS, SHOULDERS, HEAD = 0.56, 0.32, 0.2  # heights, from the top, in widths of the picture
ARM, LEG, THICK = 0.2, 0.29, 0.085


def draw_people(count: int, side: int, varying: tuple[str, ...], seed: int) -> Pictures:
    """So many people, uint8 [count, side, side, 3], with their factors; poses always vary."""
    rng = np.random.default_rng(seed)
    images = np.empty((count, side, side, 3), np.uint8)
    known = {name: np.empty(count, np.float32) for name in CLASSES}
    for place in range(count):
        for name, classes in CLASSES.items():
            drawn = rng.uniform() if name in POSES else rng.integers(classes)
            known[name][place] = drawn if name in POSES or name in varying else FIXED[name]
        images[place] = draw_person({name: float(values[place]) for name, values in known.items()}, side)
    return Pictures(images, None, known)


def draw_person(factors: Mapping[str, float], side: int) -> NDArray[np.uint8]:
    """One person, uint8 [side, side, 3]; the second half of the walls is that of the first with stripes."""
    size = FINER * side
    picture = Image.new("RGB", (size, size), WALLS[int(factors["wall"]) % len(WALLS)])
    draw = ImageDraw.Draw(picture)
    if factors["wall"] >= len(WALLS):
        for left in range(0, size, size // 4):
            draw.rectangle((left, 0, left + size // 8, size), fill=(250, 250, 250))
    draw.rectangle((0, round(0.84 * size), size, size), fill=FLOOR)
    shirt, trousers = SHIRTS[int(factors["shirt"])], TROUSERS[int(factors["trousers"])]
    for sign, name in ((-1, "left leg"), (1, "right leg")):
        _limb(draw, size, (0.5 + sign * 0.045, HIPS), sign * _between(factors[name], -5, 60), LEG, trousers)
    _line(draw, size, (0.5, SHOULDERS), (0.5, HIPS), 2.2 * THICK, shirt)
    for sign, name in ((-1, "left arm"), (1, "right arm")):
        angle = sign * _between(factors[name], 10, 165)
        hand = _limb(draw, size, (0.5 + sign * 0.085, SHOULDERS), angle, ARM, shirt)
        _disc(draw, size, hand, 0.55 * THICK, SKIN)
    _disc(draw, size, (0.5, HEAD - 0.02), 0.095, HAIR)
    _disc(draw, size, (0.5, HEAD), 0.08, SKIN)
    return np.asarray(picture.reduce(FINER))


def _between(share: float, low: float, high: float) -> float:
    """An angle in radians, from one in degrees to another."""
    return math.radians(low + share * (high - low))


Color = tuple[int, int, int]
Point = tuple[float, float]


def _limb(draw: ImageDraw.ImageDraw, size: int, start: Point, angle: float, length: float, color: Color) -> Point:
    """Draw a limb that hangs down where the angle is 0, and return its end."""
    end = (start[0] + length * math.sin(angle), start[1] + length * math.cos(angle))
    _line(draw, size, start, end, THICK, color)
    return end


def _line(draw: ImageDraw.ImageDraw, size: int, start: Point, end: Point, width: float, color: Color) -> None:
    draw.line([(size * x, size * y) for x, y in (start, end)], fill=color, width=round(width * size))
    for point in (start, end):
        _disc(draw, size, point, width / 2, color)


def _disc(draw: ImageDraw.ImageDraw, size: int, middle: Point, radius: float, color: Color) -> None:
    x, y = middle
    draw.ellipse([size * edge for edge in (x - radius, y - radius, x + radius, y + radius)], fill=color)
