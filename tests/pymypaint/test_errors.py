"""Bad input raises an error of a name of its own, which says what was given, what is allowed, and the way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.pymypaint import ArrayError, Canvas, Canvases, CanvasSizeError, PaintError, StrokeError

nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": -1},
        {"count": 1.0},
        {"count": True},
        {"count": "1"},
        {"count": 10**30},
        {"width": 0},
        {"width": 8193},
        {"height": 0},
        {"height": nan},
        {"height": None},
        {"width": 8192, "height": 8192, "count": 100},
        {"channels": 2},
        {"channels": 4},
        {"channels": "RGB"},
        {"background": (1, 1)},
        {"background": (1, 1, 1.1)},
        {"background": (nan, 0, 0)},
        {"background": "white"},
        {"background": [[1], [1, 2]]},
        {"background": None},
        {"num_threads": 0},
        {"num_threads": 257},
        {"num_threads": 1.5},
    ],
    ids=str,
)
def test_canvases_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(CanvasSizeError, match=r"must be|at most"):
        Canvases(**{"count": 1, "width": 8, "height": 8, **wrong})


@pytest.mark.parametrize("seconds", [0, -1, 5.1, nan, inf, "0.1", None, (0.1, 0.1)], ids=str)
def test_a_time_between_points_that_cannot_be(seconds: Any) -> None:
    with pytest.raises(StrokeError, match="seconds_per_point is .* must be a number from"):
        Canvases(1, 8, 8, seconds_per_point=seconds)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"paint": [True]}, ArrayError),
        ({"paint": [0.0, 1.0]}, ArrayError),
        ({"paint": [[True], [True, False]]}, ArrayError),
        ({"active": [True, True, True]}, ArrayError),
        ({"control": [[0, 0, 0], [0, 0, 0]]}, ArrayError),
        ({"control": np.zeros((2, 3, 2))}, ArrayError),
        ({"control": np.zeros((1, 2, 2))}, ArrayError),
        ({"control": [[[0, 0], [nan, 0]]] * 2}, StrokeError),
        ({"control": np.zeros((2, 2), complex)}, ArrayError),
        ({"control": [["a", "b"], ["c", "d"]]}, ArrayError),
        ({"control": np.array([[0, 0], [0, None]])}, ArrayError),
        ({"end": np.zeros(4)}, ArrayError),
        ({"pressure": 0.5}, ArrayError),
        ({"radius": [True, True]}, ArrayError),
        ({"color": np.zeros((3, 2))}, ArrayError),
        ({"control": [[nan, 0], [0, 0]]}, StrokeError),
        ({"control": [[0, 0], [0, -1e30]]}, StrokeError),
        ({"control": np.full((2, 2), 10**300, object).astype(float)}, StrokeError),
        ({"end": [[0, inf], [0, 0]]}, StrokeError),
        ({"end": [[0, 0], [16385, 0]]}, StrokeError),
        ({"pressure": [0.5, 1.1]}, StrokeError),
        ({"pressure": [-0.1, nan]}, StrokeError),
        ({"radius": [0, 1]}, StrokeError),
        ({"radius": [-1, 1]}, StrokeError),
        ({"radius": [1, 1001]}, StrokeError),
        ({"color": [[0, 0, 0], [0, 0, 2]]}, StrokeError),
    ],
    ids=str,
)
def test_actions_that_cannot_be_painted(wrong: dict[str, Any], error: type[PaintError]) -> None:
    canvases = Canvases(2, 8, 8)
    action = {
        "paint": [True, True],
        "control": np.zeros((2, 2)),
        "end": np.full((2, 2), 8),
        "pressure": [1.0, 1.0],
        "radius": [2, 2],
        "color": np.zeros((2, 3)),
    }
    with pytest.raises(error, match=rf"{next(iter(wrong))}.*must be"):
        canvases.step(**{**action, **wrong})
    assert (canvases.read() == 255).all()


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((2, 8, 8, 3), np.int8),
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 1), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((2, 16, 16, 3), np.uint8),
        np.zeros((2, 3, 3, 3), np.uint8),
        np.zeros((2, 4, 8, 3), np.uint8),
        np.zeros((2, 0, 0, 3), np.uint8),
        np.zeros((2, 8, 8, 6), np.uint8)[..., ::2],
        np.asfortranarray(np.zeros((2, 8, 8, 3), np.uint8)),
        np.broadcast_to(np.uint8(0), (2, 8, 8, 3)),
        bytearray(2 * 8 * 8 * 3),
        [[0]],
    ],
    ids=lambda out: f"{getattr(out, 'dtype', type(out).__name__)}{getattr(out, 'shape', '')}",
)
def test_arrays_that_cannot_be_written(out: Any) -> None:
    canvases = Canvases(2, 8, 8)
    with pytest.raises(ArrayError, match="out"):
        canvases.read(out)
    with pytest.raises(ArrayError, match="out"):
        canvases.step([0, 0], np.zeros((2, 2)), np.zeros((2, 2)), [1, 1], [1, 1], np.zeros((2, 3)), out=out)


@pytest.mark.parametrize("indices", [[2], [-1], [0, 0], [0.0], "0", [[0]], [True, False], [10**30]])
def test_canvases_that_are_not_there_cannot_be_reset(indices: Any) -> None:
    canvases = Canvases(2, 8, 8)
    with pytest.raises(ArrayError, match="ind"):
        canvases.reset(indices)


@pytest.mark.parametrize("wrong", [nan, inf, 1e30, -20000, "1", None, [1], 1j])
def test_points_that_cannot_be_reached(wrong: Any) -> None:
    canvas = Canvas(8, 8)
    for act, arguments in (
        (canvas.stroke_to, (wrong, 0)),
        (canvas.stroke_to, (0, wrong)),
        (canvas.stroke_to, (0, 0, wrong)),
        (canvas.stroke_to, (0, 0, 1, wrong)),
        (canvas.move_to, (wrong, 0)),
        (canvas.set_brush, (wrong,)),
        (canvas.set_brush, (1, wrong)),
        (canvas.set_brush, (1, (0, 0, wrong))),
    ):
        with pytest.raises(StrokeError, match="must be"):
            act(*arguments)


def test_all_errors_are_paint_errors_and_value_errors() -> None:
    assert issubclass(PaintError, ValueError)
    assert all(issubclass(error, PaintError) for error in (ArrayError, CanvasSizeError, StrokeError))
