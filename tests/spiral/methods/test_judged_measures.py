"""Measures by which `benchmarks.judged` says what a judge taught an agent, on pictures with a known answer."""

import numpy as np
import pytest

from benchmarks.judged import AMONG, found_among, leaning, of_rooms, outlined


def bars(lean: float, side: int = 64) -> np.ndarray:
    """A black bar in the middle of a white page, leaning to the right by this tangent, uint8 [1, side, side, 1]."""
    middle = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - middle
    inside = (abs(x + lean * y) < 2) & (abs(y) < side / 3)
    return np.where(inside, 0, 255).astype(np.uint8)[None, :, :, None]


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.5])
def test_a_bar_leans_by_its_tangent_more_than_one_that_stands(lean):
    assert leaning(bars(lean), bars(0)) == pytest.approx(lean, abs=0.02)
    assert leaning(bars(lean), bars(lean)) == pytest.approx(0, abs=1e-6)


def test_copies_are_found_and_shuffled_ones_are_not():
    pictures = np.random.default_rng(0).integers(0, 256, (4 * AMONG, 8, 8, 3), dtype=np.uint8)
    assert found_among(pictures, pictures) == 1
    assert found_among(np.roll(pictures, -1, axis=0), pictures) == 0


def test_the_outline_of_a_square_outlines_it_and_a_blank_page_does_not():
    square = np.full((1, 32, 32, 1), 255, np.uint8)
    square[:, 8:24, 8:24] = 0
    outline = np.full_like(square, 255)
    outline[:, 8:24, 8:24] = 0
    outline[:, 9:23, 9:23] = 255
    assert outlined(outline, square) > 0.9
    assert outlined(np.full_like(square, 255), square) < 0.1


def rooms(walls: int, seed: int = 0) -> np.ndarray:
    """Grey walls and floors, around things in the middle that differ, uint8 [N, 32, 32, 3]."""
    made = np.full((4 * AMONG, 32, 32, 3), walls, np.uint8)
    made[:, 8:24, 8:24] = np.random.default_rng(seed).integers(0, 256, (len(made), 1, 1, 3))
    return made


def test_a_room_keeps_its_object_and_takes_the_walls_of_the_other_domain():
    shown, others = rooms(200), rooms(100, seed=1)
    object_found, walls_off = of_rooms(rooms(100), shown, others, 1).values()
    assert (object_found, walls_off) == ("100.0%", "0.0")
    object_found, walls_off = of_rooms(np.roll(shown, -1, axis=0), shown, others, 1).values()
    assert (object_found, walls_off) == ("0.0%", "100.0")


def test_a_room_keeps_its_floor_and_takes_the_walls_of_the_other_domain():
    """The floor is looked for at the bottom, where the third split has nothing else, and walls at the top."""
    floors = np.random.default_rng(0).integers(0, 256, (4 * AMONG, 1, 1, 3))
    shown = rooms(200)
    shown[:, 20:] = floors
    others = rooms(100, seed=1)
    copies = rooms(100, seed=2)
    copies[:, 28:] = floors
    assert of_rooms(copies, shown, others, 3) == {
        f"floor found among {AMONG}": "100.0%",
        "walls off the other domain's by, of 255": "0.0",
    }
    floor_found, walls_off = of_rooms(np.roll(shown, -1, axis=0), shown, others, 3).values()
    assert (floor_found, walls_off) == ("0.0%", "100.0")
