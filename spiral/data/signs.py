"""Forty-three traffic signs of our own drawing, in the order of GTSRB's classes, so that labels carry over to it.

A sign is a plate and a symbol on it. The meanings and the plates are those of German signs; the symbols are simple.
"""

from __future__ import annotations

from functools import cache

from PIL import Image

from spiral.data.sign_parts import (
    Parts,
    area,
    colored,
    disc,
    drawn,
    line,
    mirrored,
    regular,
    shrunk,
    turned,
    words,
)

RED, BLUE, YELLOW, WHITE = (190, 25, 35), (20, 75, 165), (245, 185, 25), (240, 240, 240)
GREY, GREEN = (130, 130, 130), (30, 140, 70)
SIZE = 128  # of a sign, in pixels

PROHIBITION = (disc(0.5, 0.5, 0.49, RED), disc(0.5, 0.5, 0.36, WHITE))
ORDER = (disc(0.5, 0.5, 0.49, WHITE), disc(0.5, 0.5, 0.47, BLUE))
BARS = tuple(line((0.68 + d, 0.12 + d), (0.12 + d, 0.68 + d), width=0.03) for d in (0.04, 0.1, 0.16))
WARNING = (regular(3, 0.56, 0, RED, 0.62), regular(3, 0.36, 0, WHITE, 0.63))
YIELD = (regular(3, 0.56, 0.5, RED, 0.38), regular(3, 0.32, 0.5, WHITE, 0.38))
PRIORITY = (regular(4, 0.49, 0, WHITE), regular(4, 0.38, 0, YELLOW))
STOP = (regular(8, 0.5, 1 / 16, WHITE), regular(8, 0.47, 1 / 16, RED), words("STOP", 0.22, color=WHITE))
NO_ENTRY = (disc(0.5, 0.5, 0.49, RED), area((0.16, 0.41), (0.84, 0.41), (0.84, 0.59), (0.16, 0.59), color=WHITE))

CAR = (
    area((0.1, 0.55), (0.25, 0.55), (0.35, 0.35), (0.65, 0.35), (0.75, 0.55), (0.9, 0.55), (0.9, 0.75), (0.1, 0.75)),
    *(disc(0.28, 0.75, 0.1), disc(0.72, 0.75, 0.1)),
)
TRUCK = (
    area((0.05, 0.2), (0.6, 0.2), (0.6, 0.7), (0.05, 0.7)),
    area((0.65, 0.35), (0.82, 0.35), (0.95, 0.52), (0.95, 0.7), (0.65, 0.7)),
    *(disc(0.22, 0.72, 0.11), disc(0.78, 0.72, 0.11)),
)
UP = (line((0.5, 0.85), (0.5, 0.3), width=0.14), area((0.5, 0.12), (0.28, 0.44), (0.72, 0.44)))
RIGHT = (line((0.34, 0.85), (0.34, 0.45), (0.66, 0.45), width=0.13), area((0.88, 0.45), (0.6, 0.24), (0.6, 0.66)))
UP_OR_RIGHT = (*shrunk(UP, 0.8, 0.34, 0.48), *shrunk(turned(UP, 0.25), 0.62, 0.66, 0.6))
AROUND = (
    line((0.28, 0.64), (0.23, 0.5), (0.28, 0.36), (0.4, 0.26), (0.5, 0.24), width=0.09),
    area((0.68, 0.26), (0.48, 0.12), (0.48, 0.38)),
)
ROUNDABOUT = (*AROUND, *turned(AROUND, 1 / 3), *turned(AROUND, 2 / 3))
CROSSING = (
    line((0.5, 0.95), (0.5, 0.3), width=0.14),
    area((0.5, 0.02), (0.26, 0.38), (0.74, 0.38)),
    line((0.15, 0.6), (0.85, 0.6), width=0.12),
)
BEND = (line((0.62, 0.95), (0.62, 0.6), (0.42, 0.36), width=0.13), area((0.2, 0.1), (0.28, 0.56), (0.62, 0.26)))
BENDS = (
    line((0.62, 0.98), (0.62, 0.78), (0.38, 0.56), (0.38, 0.36), width=0.13),
    area((0.38, 0.04), (0.16, 0.4), (0.6, 0.4)),
)
BUMPS = (area((0.02, 0.8), (0.16, 0.6), (0.34, 0.45), (0.5, 0.68), (0.66, 0.45), (0.84, 0.6), (0.98, 0.8)),)
SKID = (
    *shrunk(CAR, 0.7, 0.5, 0.22),
    line((0.26, 0.5), (0.4, 0.66), (0.26, 0.82), (0.4, 0.98)),
    line((0.6, 0.5), (0.74, 0.66), (0.6, 0.82), (0.74, 0.98)),
)
NARROW = (
    line((0.3, 0.95), (0.3, 0.1), width=0.12),
    line((0.78, 0.95), (0.78, 0.7), (0.58, 0.45), (0.58, 0.1), width=0.12),
)
WORKER = (
    *(disc(0.42, 0.12, 0.11), line((0.42, 0.22), (0.3, 0.6), (0.12, 0.95), width=0.13)),
    *(line((0.3, 0.6), (0.5, 0.95), width=0.11), line((0.4, 0.3), (0.62, 0.5), (0.8, 0.82), width=0.08)),
    area((0.62, 0.98), (0.8, 0.68), (1.0, 0.98)),
)
LIGHTS = (disc(0.5, 0.14, 0.16, RED), disc(0.5, 0.5, 0.16, YELLOW), disc(0.5, 0.86, 0.16, GREEN))
WALKER = (
    *(disc(0.5, 0.1, 0.11), line((0.5, 0.2), (0.5, 0.58), width=0.16)),
    *(line((0.5, 0.56), (0.32, 0.98), width=0.1), line((0.5, 0.56), (0.7, 0.98), width=0.1)),
    line((0.26, 0.5), (0.5, 0.28), (0.74, 0.5), width=0.08),
)
CHILDREN = (*shrunk(WALKER, 0.85, 0.26, 0.5), *shrunk(WALKER, 0.65, 0.78, 0.62))
BICYCLE = (
    *(disc(0.2, 0.66, 0.22), disc(0.2, 0.66, 0.13, WHITE), disc(0.8, 0.66, 0.22), disc(0.8, 0.66, 0.13, WHITE)),
    line((0.2, 0.66), (0.4, 0.32), (0.7, 0.36), (0.46, 0.66), (0.4, 0.32), width=0.07),
    *(line((0.8, 0.66), (0.66, 0.2), (0.82, 0.2), width=0.07), line((0.3, 0.24), (0.48, 0.24), width=0.08)),
)
FLAKE = tuple(part for i in range(3) for part in turned((line((0.5, 0.05), (0.5, 0.95), width=0.1),), i / 6))
DEER = (
    area((0.1, 0.42), (0.62, 0.36), (0.78, 0.12), (1.0, 0.22), (0.82, 0.34), (0.76, 0.6), (0.14, 0.66)),
    *(line((0.2, 0.6), (0.06, 0.96), width=0.08), line((0.7, 0.56), (0.96, 0.84), width=0.08)),
    line((0.78, 0.16), (0.6, 0.0), width=0.07),
)

TWO_CARS = (*shrunk(CAR, 0.34, 0.31), *shrunk(CAR, 0.34, 0.69))
TRUCK_AND_CAR = (*shrunk(TRUCK, 0.34, 0.31), *shrunk(CAR, 0.3, 0.7, 0.52))


def prohibition(*symbol: Parts) -> Parts:
    """A round plate with a red border."""
    return sum(symbol, PROHIBITION)


def limit(speed: str) -> Parts:
    """A limit of the speed."""
    return prohibition((words(speed, 0.34 if len(speed) < 3 else 0.26),))


def end(*symbol: Parts) -> Parts:
    """A round plate on which a grey symbol is struck out."""
    return sum(map(grey, symbol), (disc(0.5, 0.5, 0.49, WHITE),)) + BARS


def grey(parts: Parts) -> Parts:
    """The parts in grey."""
    return colored(parts, GREY)


def warning(symbol: Parts, width: float = 0.4) -> Parts:
    """A triangle with a red border and a symbol of this width."""
    return WARNING + shrunk(symbol, width, 0.5, 0.65)


def order(symbol: Parts) -> Parts:
    """A round blue plate with a white symbol."""
    return ORDER + colored(shrunk(symbol, 0.76), WHITE)


SIGNS: tuple[Parts, ...] = (
    *map(limit, ("20", "30", "50", "60", "70", "80")),
    end((words("80", 0.34),)),
    *map(limit, ("100", "120")),
    prohibition(colored(TWO_CARS[:3], RED), TWO_CARS[3:]),
    prohibition(colored(TRUCK_AND_CAR[:4], RED), TRUCK_AND_CAR[4:]),
    warning(CROSSING),
    PRIORITY,
    YIELD,
    STOP,
    PROHIBITION,
    prohibition(shrunk(TRUCK, 0.5)),
    NO_ENTRY,
    warning((area((0.36, 0.0), (0.64, 0.0), (0.57, 0.62), (0.43, 0.62)), disc(0.5, 0.84, 0.13))),
    *(warning(BEND), warning(mirrored(BEND))),
    *map(warning, (BENDS, BUMPS, SKID, NARROW, WORKER, LIGHTS, WALKER, CHILDREN, BICYCLE, FLAKE, DEER)),
    end(),
    *(order(RIGHT), order(mirrored(RIGHT)), order(UP)),
    *(order(UP_OR_RIGHT), order(mirrored(UP_OR_RIGHT))),
    *(order(turned(UP, 3 / 8)), order(turned(UP, 5 / 8))),
    order(ROUNDABOUT),
    *(end(TWO_CARS), end(TRUCK_AND_CAR)),
)


@cache
def sign(number: int) -> Image.Image:
    """The sign of a class, 0 to 42, on nothing: of mode RGBA, 128 x 128 pixels."""
    return drawn(SIGNS[number], SIZE)
