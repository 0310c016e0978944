"""Same program, same pixels: after a reset, on any thread, in any process, beside any other canvas."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.pymypaint import Canvases, brush_folders

RANDOM_BRUSH = "classic/dry_brush"  # each canvas has its own
SHARED_BRUSH = "classic/pen"  # one for each thread, since it uses no chance
EVERY_BRUSH = sorted(path for folder in brush_folders() for path in folder.rglob("*.myb"))
FOLDERS = sorted({path.parent for path in EVERY_BRUSH})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: "-".join(folder.parts[-3:]))
def test_every_brush_is_new_after_a_reset(folder: Path) -> None:
    for brush in sorted(folder.glob("*.myb")):
        canvases = Canvases(2, 48, 40, brush)
        first = paint(canvases)
        paint(canvases, seed=1)
        canvases.reset()
        again = paint(canvases)
        np.testing.assert_array_equal(again, first, err_msg=f"{brush}, same canvas")
        np.testing.assert_array_equal(paint(Canvases(2, 48, 40, brush)), first, err_msg=f"{brush}, new canvas")


@pytest.mark.parametrize("brush", [RANDOM_BRUSH, SHARED_BRUSH])
def test_threads_change_nothing(brush: str) -> None:
    """Not even for a thread whose brush has not been used before, though a new brush skips its first point."""
    pictures = [paint(Canvases(64, 64, 64, brush, num_threads=threads)) for threads in (1, 2, 5, 16)]
    for other in pictures[1:]:
        np.testing.assert_array_equal(other, pictures[0])


def test_a_canvas_does_not_depend_on_its_neighbours() -> None:
    together = paint(Canvases(4, 64, 64, RANDOM_BRUSH))
    for index in range(4):
        alone = paint(Canvases(1, 64, 64, RANDOM_BRUSH), only=index, of=4)
        np.testing.assert_array_equal(alone[0], together[index])


def test_reset_of_some_leaves_the_others_alone() -> None:
    canvases = Canvases(3, 64, 64, RANDOM_BRUSH)
    painted = paint(canvases)
    canvases.reset([1])
    np.testing.assert_array_equal(canvases.read()[[0, 2]], painted[[0, 2]])
    assert (canvases.read()[1] == 255).all()
    canvases.reset([])
    canvases.reset(np.array([0, 2]))
    assert (canvases.read() == 255).all()


@pytest.mark.parametrize("brush", ["classic/pen", "classic/smudge+paint", "deevad/brush", "classic/slow_ink"])
@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_a_copy_goes_on_as_the_canvas_would(brush: str, scale: float) -> None:
    """Amid a stroke too: a stroke that was tried on a copy is the one that is painted."""
    canvases = Canvases(3, 200, 130, brush, brush_scale=scale, num_threads=2)
    reference = Canvases(1, 200, 130, brush, brush_scale=scale)
    paint(canvases)
    paint(reference, only=1, of=3)
    for seed in range(1, 4):
        canvases.take([1, 1, 1])
        np.testing.assert_array_equal(canvases.read(), np.repeat(reference.read(), 3, axis=0))
        tried = paint(canvases, seed)
        np.testing.assert_array_equal(tried[1], paint(reference, seed, only=1, of=3)[0])
    canvases.take([1, 1, 1])
    rng = np.random.default_rng(0)
    control, end = (np.repeat(rng.uniform(0, 130, (1, 2)), 3, axis=0) for _ in range(2))
    canvases.step([True] * 3, control, end, [0.5] * 3, [5.0] * 3, np.full((3, 3), 0.25))
    pictures = canvases.read()
    np.testing.assert_array_equal(pictures, np.repeat(pictures[1:2], 3, axis=0))


def test_a_copy_has_the_pixels_but_its_own_luck() -> None:
    canvases = Canvases(2, 96, 96, RANDOM_BRUSH)
    alone = Canvases(1, 96, 96, RANDOM_BRUSH)
    paint(canvases)
    paint(alone, only=0, of=2)
    for seed in range(1, 4):
        canvases.take([0, 0])
        np.testing.assert_array_equal(canvases.read()[1], canvases.read()[0])
        np.testing.assert_array_equal(paint(canvases, seed)[0], paint(alone, seed, only=0, of=2)[0])
    assert canvases.uses_chance and not Canvases(1, 8, 8, SHARED_BRUSH).uses_chance
    canvases.reset()
    canvases.take([1, 1])
    assert (canvases.read() == 255).all()


def test_another_process_paints_the_same() -> None:
    expression = "digest(paint(Canvases(4, 64, 64, RANDOM_BRUSH)))"
    code = f"{Path(__file__).read_text()}\nprint({expression})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert answer.stdout.strip() == digest(paint(Canvases(4, 64, 64, RANDOM_BRUSH)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_canvases_go_on_in_a_fork() -> None:
    """Threads do not survive a fork: the child makes its own."""
    canvases = Canvases(4, 32, 32, RANDOM_BRUSH, num_threads=3)
    before = paint(canvases)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def go_on() -> None:
        canvases.reset()
        queue.put(digest(paint(canvases)))

    child = context.Process(target=go_on)
    child.start()
    child.join()
    assert child.exitcode == 0 and queue.get() == digest(before)
    np.testing.assert_array_equal(canvases.read(), before)


def test_python_threads_may_share_canvases() -> None:
    """A second step waits for the first."""
    canvases = Canvases(16, 64, 64, RANDOM_BRUSH, num_threads=2)

    def work() -> None:
        for seed in range(3):
            paint(canvases, seed=seed)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    canvases.reset()
    np.testing.assert_array_equal(paint(canvases), paint(Canvases(16, 64, 64, RANDOM_BRUSH)))


def test_python_threads_run_while_another_paints() -> None:
    """A step gives up the interpreter's lock, without which nobody else would ever have it here."""
    canvases = Canvases(16, 64, 64, RANDOM_BRUSH)
    always, ends = np.ones(16), np.full((16, 2), 40.0)
    met: list[bool] = []

    def work() -> None:
        for _ in range(10_000):
            canvases.step(always > 0, ends / 2, ends, always, 4 * always, np.zeros((16, 3)))
            if met:
                return

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e6)  # seconds, after which Python would take the lock from whoever has it
    try:
        painting = threading.Thread(target=work)
        painting.start()
        met.append(painting.is_alive())
        painting.join()
    finally:
        sys.setswitchinterval(before)
    assert met == [True], "this thread had a turn before all steps were over"


def test_libmypaint_stays_quiet(write_brush: Any) -> None:
    """With one dab in a tenth of a second, each dab falls on the very end of its time: libmypaint would complain."""
    brush = write_brush(dabs_per_second=10.0, dabs_per_actual_radius=0.0)
    code = Path(__file__).read_text() + f"\npaint(Canvases(8, 32, 32, {str(brush)!r}))\nprint('done')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert answer.stdout == "done\n"


def paint(canvases: Canvases, seed: int = 0, only: int = 0, of: int | None = None) -> np.ndarray:
    """The pictures after five random actions; with `of`, of one canvas alone what it does among that many."""
    rng = np.random.default_rng(seed)
    count = of or canvases.count
    size = (canvases.width, canvases.height)
    chosen = slice(None) if of is None else slice(only, only + 1)
    for _ in range(5):
        action = (
            rng.random(count) < 0.8,
            rng.uniform(-4, size, (count, 2)),
            rng.uniform(0, size, (count, 2)),
            rng.random(count),
            rng.choice([0.5, 1, 2, 4, 8], count),
            rng.random((count, 3)),
        )
        canvases.step(*(values[chosen] for values in action))
    return canvases.read()


def digest(pictures: np.ndarray) -> str:
    return hashlib.sha256(pictures.tobytes()).hexdigest()
