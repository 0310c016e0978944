"""What is read from a canvas: libmypaint's own pixels, cropped, rounded once, at any size."""

from __future__ import annotations

import colorsys
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.pymypaint import Canvases, find_brush

BRUSHES = [
    "classic/dry_brush",
    "classic/pen",
    "classic/smudge",
    "classic/ink_eraser",
    "classic/calligraphy",
    "classic/imp_blending",
    "deevad/spray",
    "experimental/track",
    "tanda/marker-01",
]
COUNT, LENGTH, SIZE = 2, 8, 128
ONE = 1 << 15


@pytest.mark.parametrize("brush", BRUSHES)
def test_pixels_are_those_of_a_plain_loop_over_libmypaint(brush: str, c_loop: Path, tmp_path: Path) -> None:
    """Surface, brush and batch are ours; dabs and blending must not differ from libmypaint's own surface.

    Some millionths of a dab may (`countdown.h`), which now and then rounds a value to its neighbour.
    """
    actions = random_actions()
    raw = pixels_of_loop(c_loop, brush, actions, tmp_path)
    canvases = Canvases(COUNT, SIZE, SIZE, brush)
    for factor in (1, 2, 4):
        canvases.reset()
        for action in actions:
            canvases.step(*action)
        out = np.empty((COUNT, SIZE // factor, SIZE // factor, 3), np.uint8)
        error = np.abs(canvases.read(out).astype(int) - over_white(raw, factor))
        assert error.max() <= 1 and (error > 0).mean() < 1e-3


def test_the_erasers_above_do_make_the_canvas_transparent(c_loop: Path, tmp_path: Path) -> None:
    raw = pixels_of_loop(c_loop, "classic/ink_eraser", random_actions(), tmp_path)
    assert raw[..., 3].min() < ONE // 2


def test_an_eraser_shows_the_background(write_brush: Any) -> None:
    canvases = Canvases(1, 32, 32, write_brush(eraser=1.0), background=(0.2, 0.4, 0.6))
    stroke(canvases, (0, 0, 0))
    assert (canvases.read()[0] == (51, 102, 153)).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 70), (50, 70), (64, 64), (65, 63), (100, 3)])
def test_a_canvas_of_any_size_is_the_corner_of_a_large_one(width: int, height: int) -> None:
    pictures = []
    for sides in ((width, height), (128, 128)):
        canvases = Canvases(COUNT, *sides, "classic/dry_brush")
        for action in random_actions():
            canvases.step(*action)
        pictures.append(canvases.read()[:, :height, :width])
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_grey_is_the_red_channel() -> None:
    pictures = []
    for channels in (1, 3):
        canvases = Canvases(COUNT, 70, 70, "classic/pen", channels=channels)
        for action in random_actions():
            canvases.step(*action)
        pictures.append(canvases.read()[..., :1])
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_values_round_half_up() -> None:
    """Background value v is kept as floor(2^15 v + 1/2), and shown as floor(255 v + 1/2)."""
    for level in [0.0, 0.001, 0.1, 0.5, 0.25, 1 / 3, 0.998, 1.0]:
        kept = int(level * ONE + 0.5)
        canvases = Canvases(1, 3, 3, background=(level, 0, 0))
        assert canvases.read()[0, 0, 0, 0] == (kept * 255 + ONE // 2) // ONE


def test_reading_and_stepping_in_one_call_is_the_same() -> None:
    one, two = Canvases(COUNT, 64, 64, "classic/pen"), Canvases(COUNT, 64, 64, "classic/pen")
    small, large = np.empty((COUNT, 16, 16, 3), np.uint8), np.empty((COUNT, 64, 64, 3), np.uint8)
    for step, action in enumerate(random_actions()):
        out = small if step % 3 == 0 else large  # also: what was read at one size does not stay at another
        one.step(*action, out=out)
        two.step(*action)
        np.testing.assert_array_equal(two.read(out.copy()), out)


def test_reading_writes_all_of_the_array_each_time() -> None:
    canvases = Canvases(COUNT, 64, 64, "classic/pen")
    for action in random_actions():
        canvases.step(*action)
        np.testing.assert_array_equal(canvases.read(np.zeros((COUNT, 64, 64, 3), np.uint8)), canvases.read())


def stroke(canvases: Canvases, color: tuple[float, float, float]) -> None:
    canvases.step([True], [[16, 16]], [[32, 32]], [1.0], [16.0], [color])


def random_actions() -> list[tuple[np.ndarray, ...]]:
    """For each of LENGTH steps the arguments of `Canvases.step`, over and a little beyond the canvas."""
    rng = np.random.default_rng(3)
    return [
        (
            rng.random(COUNT) < 0.8,
            rng.uniform(-8, SIZE + 8, (COUNT, 2)).astype(np.float32),
            rng.uniform(-8, SIZE + 8, (COUNT, 2)).astype(np.float32),
            rng.random(COUNT).astype(np.float32),
            rng.choice([0.5, 1, 2, 4, 8, 12, 24], COUNT).astype(np.float32),
            rng.random((COUNT, 3)).astype(np.float32),
        )
        for _ in range(LENGTH)
    ]


def pixels_of_loop(program: Path, brush: str, actions: list[tuple[np.ndarray, ...]], folder: Path) -> np.ndarray:
    """15-bit RGBA [COUNT, SIZE, SIZE, 4] of the C loop, which makes a new brush for each program."""
    rows = []
    for paint, control, end, pressure, radius, color in actions:
        hsv = [colorsys.rgb_to_hsv(*(float(part) for part in rgb)) for rgb in color]
        columns = [paint[:, None], control, end, pressure[:, None], np.log(radius.astype(float))[:, None], hsv]
        rows.append(np.concatenate(columns, axis=1))
    header = np.array([COUNT, LENGTH, SIZE], np.int32)
    (folder / "programs").write_bytes(header.tobytes() + np.stack(rows, axis=1).astype(np.float32).tobytes())
    command = [str(program), str(find_brush(brush)), str(folder / "programs"), "1", str(folder / "pixels")]
    subprocess.run(command, check=True, capture_output=True)
    tiles = np.fromfile(folder / "pixels", np.uint16).reshape(COUNT, SIZE // 64, SIZE // 64, 64, 64, 4)
    return tiles.transpose(0, 1, 3, 2, 4, 5).reshape(COUNT, SIZE, SIZE, 4).astype(np.int64)


def over_white(raw: np.ndarray, factor: int) -> np.ndarray:
    """Premultiplied RGBA over white, as the exact mean of factor x factor pixels, rounded half up."""
    small = SIZE // factor
    white = raw[..., :3] + (ONE - raw[..., 3:])
    sums = white.reshape(COUNT, small, factor, small, factor, 3).sum(axis=(2, 4))
    shown: np.ndarray = (sums * 255 * 2 + factor**2 * ONE) // (2 * factor**2 * ONE)
    return shown
