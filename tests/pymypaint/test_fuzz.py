"""Nothing crashes the interpreter: random brushes, canvases and actions, in a process of their own.

A crash of the extension would end the process, which the parent sees. `python tests/pymypaint/test_fuzz.py SEED ROUNDS`
runs for as long as one likes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.pymypaint import BrushFormatError, Canvas, Canvases, PaintError, find_brush, list_brushes
from envs.pymypaint.brushes import parse_brush

ROUNDS = 60
# How many dabs and how large they are: extremes take long, and are tested in test_actions.py.
COSTLY = {
    "dabs_per_actual_radius",
    "dabs_per_basic_radius",
    "dabs_per_second",
    "elliptical_dab_ratio",
    "radius_by_random",
    "radius_logarithmic",
    "smudge_radius_log",
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
names = st.sampled_from(["opaque", "radius_logarithmic", "dabs_per_second", "nothing", "pressure", "random"])
settings = st.dictionaries(
    names,
    json_values | st.fixed_dictionaries({"base_value": json_values, "inputs": st.dictionaries(names, json_values)}),
)


@pytest.mark.parametrize("seed", range(3))
def test_random_use_raises_named_errors_at_worst(seed: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, __file__, str(seed), str(ROUNDS)]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout.split()[-1]) > ROUNDS // 4


def test_a_brush_that_crashes_libmypaint_paints(write_brush: Any) -> None:
    """Its colorizing divides by zero where paint and canvas are grey, which would end the process: so, another one."""
    brush = str(write_brush(colorize=1.0))
    code = f"""
import numpy as np
from envs.pymypaint import Canvases
levels = np.concatenate([np.arange(8) / 32768, np.linspace(0, 1, 300)])
canvases = Canvases(len(levels), 16, 16, {brush!r})
greys = np.repeat(levels[:, None], 3, axis=1)
points = np.full((len(levels), 2), 16.0)
canvases.step(points[:, 0] > 0, points / 2, points, points[:, 0] / 16, points[:, 0] / 2, greys)
print(canvases.read().min())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    # White stays white: colorizing keeps the brightness of what it is over.
    assert (answer.returncode, answer.stdout) == (0, "255\n")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_brush_or_refused(content: bytes) -> None:
    assert made_or_refused(content)


@given(st.fixed_dictionaries({"version": st.just(3), "settings": settings}))
def test_any_settings_are_a_brush_or_refused(document: dict[str, Any]) -> None:
    assert made_or_refused(json.dumps(document).encode())


def made_or_refused(content: bytes) -> bool:
    """Whether it is a brush, or an error that names it."""
    try:
        return parse_brush(content, "here") is not None
    except BrushFormatError as error:
        return "here" in str(error)


def random_number(rng: np.random.Generator) -> float:
    """Mostly usual, sometimes extreme, seldom no number at all."""
    kind = rng.random()
    if kind < 0.8:
        return float(rng.normal(0, 2))
    if kind < 0.995:
        return float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-30, 3))
    return float(rng.choice([1e-45, 1e-320, 1001.0, 1e30, -1e308, np.nan, np.inf]))


def random_brush(rng: np.random.Generator, folder: Path) -> Path:
    """A real brush with some settings and curves replaced."""
    document = json.loads(find_brush(str(rng.choice(list_brushes()))).read_text())
    for name, setting in document["settings"].items():
        if name in COSTLY:
            continue
        if rng.random() < 0.15:
            setting["base_value"] = random_number(rng)
        if rng.random() < 0.1:
            inputs = ["pressure", "speed1", "speed2", "random", "stroke", "direction", "custom", "attack_angle"]
            xs = np.sort([random_number(rng) for _ in range(rng.integers(2, 6))])
            setting["inputs"][str(rng.choice(inputs))] = [[float(x), random_number(rng)] for x in xs]
    content = bytearray(json.dumps(document).encode())
    if rng.random() < 0.05:
        content[rng.integers(len(content))] = rng.integers(256)
    path = folder / "brush.myb"
    path.write_bytes(content)
    return path


def random_action(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    wild = rng.random() < 0.02
    reach = rng.choice([10.0, 100.0, 400.0])

    def numbers(low: float, high: float, *shape: int) -> np.ndarray:
        values = rng.uniform(low, high, shape)
        if wild and rng.random() < 0.3:
            values.flat[rng.integers(values.size)] = random_number(rng)
        return values

    return {
        "paint": rng.random(count) < 0.8,
        "control": numbers(-reach, reach, count, int(rng.integers(1, 3)), 2),
        "end": numbers(-reach, reach, count, 2),
        "pressure": numbers(0, 1, count),
        "radius": np.exp(numbers(-2.5, rng.choice([2.0, 4.0]), count)).clip(0.05 if not wild else None, 1000),
        "color": numbers(0, 1, count, 3),
    }


def use_at_random(rng: np.random.Generator, folder: Path) -> None:
    count, width, height = (int(number) for number in rng.integers(1, [4, 150, 150]))
    brush = random_brush(rng, folder)
    canvases = Canvases(count, width, height, brush, num_threads=int(rng.integers(1, 4)))
    for _ in range(rng.integers(1, 6)):
        canvases.step(**random_action(rng, count), active=rng.random(count) < 0.9)
        if rng.random() < 0.3:
            canvases.reset(np.flatnonzero(rng.random(count) < 0.5))
        canvases.read()
    canvas = Canvas(width, height, brush, channels=1)
    for _ in range(rng.integers(1, 10)):
        x, y = rng.normal(0, 200, 2)
        canvas.stroke_to(x, y, rng.random(), float(np.exp(rng.uniform(-9, 1.6))))
    canvas.to_array()


def main(seed: int, rounds: int) -> None:
    """Prints how many rounds went through without an error."""
    through = 0
    with tempfile.TemporaryDirectory() as folder:
        for round_number in range(rounds):
            rng = np.random.default_rng([seed, round_number])
            try:
                use_at_random(rng, Path(folder))
                through += 1
            except PaintError:
                pass
    print(through)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
