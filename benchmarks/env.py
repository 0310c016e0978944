"""Strokes a second of the vector environment, beside a plain C loop over libmypaint that does the same strokes.

The loop (`c_loop.c`, compiled with -O2) is the limit: it makes its brush once and never looks at the canvas. The
environment also checks its actions, makes brushes anew at each reset, and returns uint8 pictures. Both take turns in
one run, and what counts is the median of the ratios, so that a busy machine slows both. One core is compared by time of
the processor, and two threads with one by the clock on the wall. Programs are uniform ones, once with every action a
stroke, as a trained agent paints, and once with half of them moves, each of which costs a picture and adds no stroke.
"""

from __future__ import annotations

import colorsys
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import gymnasium
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import envs  # noqa: F401  (registers the environment)
from benchmarks.episodes import seconds_of
from envs.paint_settings import PaintSettings
from envs.pymypaint import find_brush
from envs.random_programs import random_programs

SOURCE = Path(__file__).with_name("c_loop.c")
BRUSHES = ("classic/dry_brush", "classic/pen")
COUNT = 64  # environments, and programs
SEED = 0


@dataclass(frozen=True)
class Result:
    """What one brush gives.

    Attributes:
        brush: its name.
        moves: whether half of the actions are moves.
        environment: strokes a second of processor time of the vector environment, one thread.
        c_loop: the same of the C loop.
        ratio: median over rounds of environment / C loop, and `lowest` and `highest` of them.
        two_threads: median over rounds of how many times as fast two threads are, by the clock on the wall.
    """

    brush: str
    moves: bool
    environment: float
    c_loop: float
    ratio: float
    lowest: float
    highest: float
    two_threads: float


def run(seconds: float = 20.0, brushes: tuple[str, ...] = BRUSHES, rounds: int = 7) -> list[Result]:
    """Return two results for each brush, without moves and with them, after about `seconds` in all.

    Raises:
        subprocess.CalledProcessError: the C loop does not compile or run.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = compile_loop(Path(folder))
        share = seconds / (2 * len(brushes)) / rounds / 4
        return [
            _measure(brush, moves, program, Path(folder), rounds, share) for brush in brushes for moves in (False, True)
        ]


def print_table(results: list[Result]) -> None:
    """Print what `run` returned."""
    table = Table(title=f"Strokes a second, canvas 64 x 64, {COUNT} environments")
    for title in ("brush", "moves", "environment, one core", "C loop", "ratio (range)", "two threads"):
        table.add_column(title, justify="left" if title == "brush" else "right")
    for result in results:
        table.add_row(
            result.brush,
            "half" if result.moves else "none",
            f"{result.environment:,.0f}",
            f"{result.c_loop:,.0f}",
            f"{result.ratio:.2f} ({result.lowest:.2f} to {result.highest:.2f})",
            f"{result.two_threads:.2f} x",
        )
    Console().print(table)


def compile_loop(folder: Path) -> Path:
    """Return the C loop, compiled into `folder`."""
    program = folder / "c_loop"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmypaint"], check=True, capture_output=True, text=True
    ).stdout
    subprocess.run(["cc", "-O2", str(SOURCE), "-o", str(program), *shlex.split(flags), "-lm"], check=True)
    return program


def write_programs(path: Path, settings: PaintSettings, actions: NDArray[np.int64]) -> None:
    """Write programs of action indices, [count, length, heads], as `c_loop.c` reads them."""
    choice = {head.name: actions[..., index] for index, head in enumerate(settings.action_spec.heads)}
    size = settings.drawn_size
    radii = np.asarray(settings.brush_sizes) * size / settings.canvas_size
    shade = np.linspace(0, 1, 20)
    rgb = np.stack([shade[choice[name]] for name in ("red", "green", "blue")], axis=-1)
    hsv = np.array([colorsys.rgb_to_hsv(*color) for color in rgb.reshape(-1, 3)]).reshape(rgb.shape)
    locations = []
    for name in ("control", "end"):
        row, column = np.divmod(choice[name], settings.grid_size)
        locations += [column * size / settings.grid_size, row * size / settings.grid_size]
    pressure = np.linspace(0.1, 1, 10)[choice["pressure"]]
    columns = [choice["flag"], *locations, pressure, np.log(radii)[choice["size"]]]
    numbers = np.concatenate([np.stack(columns, axis=-1), hsv], axis=-1)
    header = np.array([*actions.shape[:2], size], np.int32)
    path.write_bytes(header.tobytes() + numbers.astype(np.float32).tobytes())


def _measure(brush: str, moves: bool, program: Path, folder: Path, rounds: int, share: float) -> Result:
    settings = PaintSettings(brush=brush)
    actions = random_programs(settings.action_spec, COUNT, settings.episode_length, np.random.default_rng(SEED))
    flags = actions[..., [head.name for head in settings.action_spec.heads].index("flag")]
    if not moves:
        flags[:] = 1
    write_programs(folder / "programs", settings, actions)
    strokes = int(flags.sum())
    single, double = (
        gymnasium.make_vec(
            "spiral/Paint-v0", COUNT, vectorization_mode="vector_entry_point", brush=brush, num_threads=n
        )
        for n in (1, 2)
    )
    repeats = max(1, round(share / seconds_of(single, actions, 1, time.perf_counter)))
    rates, limits, doubled = [], [], []
    for _ in range(rounds):
        answer = (
            subprocess.run(
                [program, find_brush(brush), folder / "programs", str(repeats)],
                check=True,
                capture_output=True,
                text=True,
            )
            .stdout.splitlines()[-1]
            .split()
        )
        limits.append(int(answer[0]) / float(answer[1]))
        rates.append(strokes * repeats / seconds_of(single, actions, repeats, time.process_time))
        walls = [seconds_of(environment, actions, repeats, time.perf_counter) for environment in (single, double)]
        doubled.append(walls[0] / walls[1])
    ratios = [rate / limit for rate, limit in zip(rates, limits, strict=True)]
    return Result(
        brush, moves, median(rates), median(limits), median(ratios), min(ratios), max(ratios), median(doubled)
    )


if __name__ == "__main__":
    print_table(run())
