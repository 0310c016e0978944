"""The classifiers that measure finished agents, the pictures they must refuse, and the ink they must not look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from actors import judge_training
from spiral import data, judge, not_digits
from spiral.data import mnist
from spiral.reink import _largest_nearby, reink


@pytest.fixture(scope="module")
def digits() -> data.Pictures:
    """A thousand digits, 100 of each, that come with an installed package."""
    return data.load_pictures("mnist5k", "test", 32)


@pytest.fixture(scope="module")
def held_out() -> data.Pictures:
    """The 10,000 test digits, which no shipped classifier has seen; the embedded digits are of the training set."""
    if len(mnist.find(data.data_root() / "mnist")) < 4:
        pytest.skip("needs full MNIST under $SPIRAL_DATA/mnist")
    return data.load_pictures("mnist", "test", 32)


def labels(pictures: data.Pictures) -> NDArray[np.int64]:
    assert pictures.labels is not None
    return pictures.labels


# --- fitting and using a classifier


def test_a_few_digits_suffice_to_learn_to_read(digits: data.Pictures) -> None:
    train = data.load_pictures("mnist5k", "train", 32)
    net = judge.fit(train.images, labels(train), 10, seed=0, epochs=1)
    read, confidence = judge.classify(net, digits.images)
    assert np.mean(read == digits.labels) > 0.85
    assert read.dtype == np.int64 and confidence.dtype == np.float32
    assert np.all((confidence >= 0.1) & (confidence <= 1))


def test_the_seed_decides_the_weights(digits: data.Pictures) -> None:
    few, their = digits.images[:64], labels(digits)[:64]
    first, same, other = (judge.fit(few, their, 10, seed, epochs=1).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_fitting_leaves_the_random_state_of_others_alone(digits: data.Pictures) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    judge.fit(digits.images[:8], labels(digits)[:8], 10, seed=0, epochs=1)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("wrong", [[0, 1], [0, 1, 10], [0, 1, -1], []])
def test_labels_that_are_no_classes_are_refused(digits: data.Pictures, wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="one label for each picture, from 0 to 9"):
        judge.fit(digits.images[:3], np.array(wrong, np.int64), 10, seed=0, epochs=1)


def test_what_was_saved_classifies_alike_and_knows_how_it_was_made(tmp_path: Path, digits: data.Pictures) -> None:
    net = judge.fit(digits.images[:64], labels(digits)[:64], 11, seed=0, epochs=1)
    judge.save(net, tmp_path / "net.safetensors", {"made by": "a test"})
    loaded, metadata = judge.load(tmp_path / "net.safetensors")
    assert metadata["made by"] == "a test"
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]
    for ours, theirs in zip(judge.classify(net, digits.images), judge.classify(loaded, digits.images), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_larger_picture_is_judged_by_its_area_mean_and_color_by_its_grey(digits: data.Pictures) -> None:
    net, few = judge.shipped("reader"), digits.images[:50]
    label, confidence = judge.classify(net, few)
    for form in (few.repeat(2, axis=1).repeat(2, axis=2), few.repeat(3, axis=3)):
        form_label, form_confidence = judge.classify(net, form)
        np.testing.assert_array_equal(form_label, label)
        np.testing.assert_allclose(form_confidence, confidence, atol=1e-5)


def test_no_pictures_have_no_classes() -> None:
    label, confidence = judge.classify(judge.shipped("judge"), np.empty((0, 32, 32, 1), np.uint8))
    assert label.shape == confidence.shape == (0,)


def test_tightening_lets_pass_no_more_than_the_share_and_never_more_than_before(digits: data.Pictures) -> None:
    net, _ = judge.load(Path(judge.__file__).parent / "weights" / "judge.safetensors")
    before = judge.classify(net, digits.images)[0] != judge.NOT_A_DIGIT
    judge.tighten(net, digits.images, 0.3)
    after = judge.classify(net, digits.images)[0] != judge.NOT_A_DIGIT
    assert np.mean(after) == pytest.approx(0.3, abs=0.002)
    assert not np.any(after & ~before)
    judge.tighten(net, digits.images, 0.9)
    np.testing.assert_array_equal(judge.classify(net, digits.images)[0] != judge.NOT_A_DIGIT, after)


# --- the two that come with the package


def test_the_shipped_classifiers_keep_their_promises(held_out: data.Pictures) -> None:
    some = data.Pictures(held_out.images[:4000], labels(held_out)[:4000])
    found = judge_training.figures(judge.shipped("reader"), judge.shipped("judge"), some, seed=20)
    assert found["reader: digits read right"] >= 0.99
    assert found["judge: digits accepted"] >= 0.95
    refused = ["torn digits", "smooth programs", "uniform programs", "blank canvases"]
    assert {kind: found[f"judge: {kind} accepted"] <= 0.02 for kind in refused} == dict.fromkeys(refused, True)


def test_the_ink_alone_does_not_change_the_verdict(held_out: data.Pictures) -> None:
    """Digits in black on white with hard edges, as a pen of the paint engine leaves them.

    The judge doubts most those ones and noughts that random programs also draw: a bar, a ring.
    """
    hard = np.where(data.load("mnist", "test", 64)[:4000] < 128, 0, 255).astype(np.uint8)
    assert np.mean(judge.classify(judge.shipped("reader"), hard)[0] == labels(held_out)[:4000]) > 0.985
    assert np.mean(judge.classify(judge.shipped("judge"), hard)[0] != judge.NOT_A_DIGIT) > 0.85


@pytest.mark.parametrize("name", ["reader", "judge"])
def test_the_shipped_files_are_small_and_say_how_they_were_made(name: str) -> None:
    path = Path(judge.__file__).parent / "weights" / f"{name}.safetensors"
    assert path.stat().st_size < 1 << 20
    metadata = judge.load(path)[1]
    assert metadata["made by"].startswith("python -m actors.judge_training --seed ")
    assert any(figure.startswith(f"{name}: ") for figure in metadata)


# --- counter-examples and ink


def test_torn_digits_are_torn_in_four_ways_by_turns(digits: data.Pictures) -> None:
    torn = not_digits.torn(digits.images[:40], np.random.default_rng(0))
    before, after = ((255 - x.astype(int)).sum(axis=(1, 2, 3)) for x in (digits.images[:40], torn))
    moved = np.arange(40) % 4 != 3
    np.testing.assert_array_equal(after[moved], before[moved])
    assert np.all(after[~moved] < 0.8 * before[~moved]) and np.all(after[~moved] > 0.2 * before[~moved])
    assert all(np.any(torn[i] != digits.images[i]) for i in range(40))


def test_an_empty_canvas_can_be_torn_too() -> None:
    white = np.full((8, 32, 32, 1), 255, np.uint8)
    np.testing.assert_array_equal(not_digits.torn(white, np.random.default_rng(0)), white)


def test_blank_canvases_hold_hardly_any_ink() -> None:
    canvases = not_digits.blank(200, 32, np.random.default_rng(0))
    assert canvases.shape == (200, 32, 32, 1) and canvases.dtype == np.uint8
    assert np.mean(canvases == 255) > 0.2
    background = np.median(canvases, axis=(1, 2, 3), keepdims=True)
    assert np.mean(np.abs(canvases - background) > 50, axis=(1, 2, 3)).max() < 0.06


def test_counter_examples_come_in_the_announced_numbers(digits: data.Pictures) -> None:
    found = judge_training.counter_examples(digits.images, 120, np.random.default_rng(0))
    sizes = {"torn digits": 120, "smooth programs": 180, "uniform programs": 30, "blank canvases": 12}
    assert {kind: pictures.shape for kind, pictures in found.items()} == {k: (n, 32, 32, 1) for k, n in sizes.items()}


def test_reinking_stays_in_range_keeps_some_pictures_and_depends_on_the_seed(digits: data.Pictures) -> None:
    ink = 1 - torch.tensor(digits.images[:400]).movedim(-1, 1) / 255
    torch.manual_seed(0)
    once = reink(ink)
    assert once.shape == ink.shape and once.min() >= 0 and once.max() <= 1
    unchanged = (once == ink).flatten(1).all(1).float().mean()
    assert 0.1 < unchanged < 0.2
    assert not torch.equal(reink(ink), once)
    torch.manual_seed(0)
    assert torch.equal(reink(ink), once)


def test_lines_are_widened_by_their_darkest_neighbours() -> None:
    pictures = torch.randn(5, 2, 9, 7, generator=torch.Generator().manual_seed(0))
    nearby = _largest_nearby(_largest_nearby(pictures, 2), 3)
    torch.testing.assert_close(nearby, torch.nn.functional.max_pool2d(pictures, 3, 1, 1), rtol=0, atol=0)
