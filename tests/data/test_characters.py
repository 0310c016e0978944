"""Line drawings: the strokes of KanjiVG, the two kinds of pen, and no held-out character in training."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from spiral import data
from spiral.data.characters import DRAWINGS, MOST_STROKES, read_strokes
from spiral.data.line_drawing import Pen, broad_nib, by_hand, draw, round_pen
from spiral.data.package import Package

ACROSS = [np.array([[0.2, 0.5], [0.8, 0.5]])]
DOWN = [np.array([[0.5, 0.2], [0.5, 0.8]])]


@pytest.fixture(scope="module")
def held_out() -> data.Pictures:
    return data.load_pictures("characters", "test", 16)


def ink(drawing: np.ndarray) -> float:
    """The share of the picture that is black."""
    return float(np.mean(255.0 - drawing) / 255)


def test_strokes_are_those_of_the_characters() -> None:
    strokes = read_strokes()
    assert len(strokes) == 1602
    assert [len(strokes[ord(c)]) for c in "1OA上あ"] == [1, 1, 3, 3, 3]
    assert max(len(character) for character in strokes.values()) == MOST_STROKES
    everywhere = np.concatenate([stroke for character in strokes.values() for stroke in character])
    assert everywhere.min() >= 0 and everywhere.max() <= 1
    # The last stroke of 上 is the line at the bottom, from left to right.
    (x_start, y_start), (x_end, y_end) = strokes[ord("上")][2][[0, -1]]
    assert x_start < 0.3 and x_end > 0.7 and min(y_start, y_end) > 0.7


def test_curves_go_through_the_points_of_their_bezier_formula() -> None:
    """The last stroke of あ begins and ends where its path says; in between it bends without jumps."""
    stroke = read_strokes()[ord("あ")][2] * 109
    np.testing.assert_allclose(stroke[0], (65.63, 44.12))
    np.testing.assert_allclose(stroke[-1], (66.51, 94.12), atol=1e-9)
    assert np.linalg.norm(np.diff(stroke, axis=0), axis=1).max() < 12


@pytest.mark.parametrize("width", [0.05, 0.1])
@pytest.mark.parametrize("strokes", [ACROSS, DOWN], ids=["across", "down"])
def test_a_round_pen_draws_a_line_of_its_width(width, strokes) -> None:
    assert ink(draw(strokes, Pen(width), 64)) == pytest.approx(0.6 * width + np.pi / 4 * width**2, rel=0.12)


def test_a_broad_nib_is_thick_across_its_edge_and_thin_along_it() -> None:
    flat = Pen(0.1, edge=0.0)
    assert ink(draw(DOWN, flat, 64)) == pytest.approx(0.06, rel=0.1)
    assert ink(draw(ACROSS, flat, 64)) < 0.02
    assert ink(draw(DOWN, Pen(0.1, edge=np.pi / 2), 64)) < 0.02


def test_a_hand_moves_a_drawing_a_little() -> None:
    rng = np.random.default_rng(0)
    moved = np.stack([by_hand(ACROSS, rng)[0] for _ in range(2000)])
    np.testing.assert_allclose(moved.mean(axis=0), ACROSS[0], atol=0.005)
    assert moved.std(axis=0).min() > 0.01 and moved.std(axis=0).max() < 0.05


def test_no_held_out_character_is_trained_on(held_out) -> None:
    train = data.load_pictures("characters", "train", 4)
    assert train.labels is not None and held_out.labels is not None
    assert (len(train.images), len(held_out.images)) == (11_528, 1_288)
    assert not set(train.labels) & set(held_out.labels)
    assert set(np.unique(train.labels, return_counts=True)[1]) == {DRAWINGS}


def test_any_few_drawings_show_many_characters(held_out) -> None:
    assert len(set(held_out.labels[:161])) == 161


def test_each_hand_draws_another_way_and_always_the_same(held_out) -> None:
    hands = held_out.images.reshape(DRAWINGS, -1, 16, 16)
    assert len({hands[hand, 5].tobytes() for hand in range(DRAWINGS)}) == DRAWINGS
    np.testing.assert_array_equal(data.load("characters", "test", 16), held_out.images)


def test_the_second_kind_has_the_same_characters_by_another_pen(held_out) -> None:
    nib = data.load_pictures("characters-nib", "test", 16)
    np.testing.assert_array_equal(nib.labels, held_out.labels)
    assert np.mean(np.any(nib.images != held_out.images, axis=(1, 2, 3))) > 0.99


def test_drawings_are_dark_on_white_at_any_size_and_in_color(held_out) -> None:
    assert held_out.images.dtype == np.uint8
    assert np.median(held_out.images) == 255 and held_out.images.min() == 0
    color = data.load("characters", "test", 16, color=True)
    np.testing.assert_array_equal(color, np.repeat(held_out.images, 3, axis=-1))


def test_pens_vary_within_their_kind() -> None:
    rng = np.random.default_rng(0)
    widths = [round_pen(rng).width for _ in range(100)]
    assert max(widths) > 2.5 * min(widths)
    assert all(broad_nib(rng).edge is not None for _ in range(3)) and round_pen(rng).edge is None


def test_without_the_package_it_says_what_to_do(monkeypatch) -> None:
    def none(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", none)
    with pytest.raises(data.DatasetMissing, match="kanjivg, which is not installed: run `make setup`"):
        data.load("characters", "train", 8)
    (entry,) = (entry for entry in data.catalogue(Path("nowhere")) if entry.name == "characters")
    assert not entry.ready and "make setup" in entry.note


def test_a_damaged_file_is_named(monkeypatch, tmp_path) -> None:
    (tmp_path / "00041.svg").write_text("<svg")
    monkeypatch.setattr("spiral.data.characters.KANJIVG", Package("kanjivg", str(tmp_path), "characters"))
    with pytest.raises(data.DatasetCorrupt, match=r"00041\.svg is damaged"):
        data.prepare("characters")
