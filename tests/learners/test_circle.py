"""From where one finds a circle by going downhill: closed forms of ℓ2, and a discriminator of a few steps."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks import circle
from benchmarks.circle import RADIUS, SHOWN, SIDE, all_circles, distances, downhill, reached, without_slope


def bowl(rows: int, columns: int, bottom: tuple[int, int]) -> circle.Surface:
    """The squared distance of each place from the bottom."""
    down, right = np.mgrid[:rows, :columns]
    surface: circle.Surface = np.square(down - bottom[0], dtype=float) + np.square(right - bottom[1], dtype=float)
    return surface


def test_from_everywhere_in_a_bowl_the_way_leads_to_its_bottom():
    surface = bowl(7, 9, bottom=(2, 6))
    target = 2 * 9 + 6
    assert reached(surface, target) == 1.0
    assert without_slope(surface, target) == 0.0
    assert reached(surface, target + 1) == 0.0, "the bottom is not there"


def test_the_way_goes_to_the_lowest_of_the_eight_places_around():
    surface = np.array([[9.0, 9.0, 9.0], [9.0, 5.0, 4.0], [9.0, 3.0, 9.0]])
    assert downhill(surface)[4] == 7 and downhill(surface)[7] == 7
    assert downhill(surface)[0] == 4, "diagonally too"


def test_on_a_plain_only_the_neighbours_of_a_hole_find_it():
    plain = np.ones((5, 5))
    plain[2, 2] = 0.0
    assert reached(plain, 12) == 9 / 25
    assert without_slope(plain, 12) == 16 / 24


def test_a_second_valley_keeps_its_own():
    surface = np.minimum(bowl(5, 20, bottom=(2, 4)), bowl(5, 20, bottom=(2, 15)) + 0.1)
    assert reached(surface, 2 * 20 + 4) == 0.5
    assert without_slope(surface, 2 * 20 + 4) == pytest.approx(1 / 99), "the bottom of the other one"


def test_every_place_has_a_whole_circle_and_its_distance_is_flat_where_they_do_not_overlap():
    circles = all_circles()
    ink = (circles == 0).sum(axis=(1, 2, 3))
    assert len(circles) == SIDE**2 and (ink == ink[0]).all()
    row, column = divmod(SHOWN, SIDE)
    assert (circles[SHOWN, row : row + 2 * RADIUS + 1, column + RADIUS] == 0).all(), (
        "its place is its upper left corner"
    )
    surface = distances(circles, SHOWN)
    apart = bowl(SIDE, SIDE, (row, column)) > (2 * RADIUS + 1) ** 2
    assert surface[row, column] == 0
    assert surface[apart] == pytest.approx(np.sqrt(2 * ink[0])), "every pixel of both circles differs"


def test_the_same_seed_gives_the_same_surfaces_and_a_figure_of_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(circle, "MEASURED", 3)
    results = circle.run(tmp_path, steps=1, seed=3)
    again = circle.run(tmp_path, steps=1, seed=3)
    assert [result.name for result in results] == ["ℓ2", "D, wgan-gp", "D, logistic"]
    for one, other in zip(results, again, strict=True):
        assert np.array_equal(one.shown, other.shown) and one.reached == other.reached
        assert all(0 <= share <= 1 for share in (*one.reached, *one.without_slope))
    assert [path.name for path in tmp_path.iterdir()] == ["circle.png"]
    with Image.open(tmp_path / "circle.png") as figure:
        assert figure.format == "PNG"
    circle.print_table(results)
    assert f"{results[0].reached[0]:.1%}" in capsys.readouterr().out
