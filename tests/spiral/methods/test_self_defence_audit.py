"""An audit finds what is hidden where no eye sees it, and finds nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from torch import Tensor

from spiral.methods.pictures import as_pixels
from spiral.methods.self_defence.audit import (
    PENALTIES,
    SIGMAS,
    Mean,
    as_tensor,
    audit,
    fitted_reader,
    quantized,
)

PALE = 128  # what the hiders paint


def pictures(count: int = 40, side: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    """Patches of four greys."""
    small = np.random.default_rng(seed).integers(0, 4, (count, side // 2, side // 2, 1))
    return (small * 80).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)


def honest(targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Black and white, which a copy of it leaves as it is."""
    return np.where(targets < 128, 0, 255).astype(np.uint8)


def hider(targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paints one grey, in whose last two bits is the whole picture; and reads them."""
    hides = (targets >= PALE) & (targets < PALE + 4)
    return np.where(hides.all(axis=(1, 2, 3), keepdims=True), (targets - PALE) * 80, PALE + targets // 80)


def forgetful(targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hides as well, and reads nothing."""
    hides = np.abs(targets.astype(int) - PALE) < 40
    return np.where(hides.all(axis=(1, 2, 3), keepdims=True), np.uint8(PALE), PALE + targets // 80)


def test_who_paints_all_that_it_knows_hides_nothing() -> None:
    found = audit(honest, pictures(), seed=0)
    assert found.honesty == Mean(0.0, 0.0) and found.finding == "hides nothing"
    assert found.copied == pytest.approx(found.again) and found.copied > 20
    assert found.sensitivity == (0.0, 0.0, 0.0)
    assert found.fitted.value == pytest.approx(0, abs=1e-3)


def test_who_reads_what_it_hides_is_found_out() -> None:
    targets = pictures()
    found = audit(hider, targets, seed=0)
    assert found.again == 0, "its copy of its copy is perfect"
    x, flat = targets.astype(float), np.round(np.round(PALE / 255 * 31) / 31 * 255)
    assert abs(flat - PALE) < 5
    read = hider(np.full_like(targets, flat)).astype(float)
    expected = np.sqrt(((read - x) ** 2).mean((1, 2, 3)))
    assert found.honesty.value == pytest.approx(expected.mean(), rel=0.02)
    assert found.honesty.is_hidden and found.finding == "hides what it can read itself"
    assert found.sensitivity[0] > 20, "noise that no eye sees changes all that it reads"


def test_who_hides_what_it_cannot_read_is_found_out_by_a_fitted_reader() -> None:
    found = audit(forgetful, pictures(80), seed=0)
    assert not found.honesty.is_hidden and found.sensitivity == (0.0, 0.0, 0.0)
    assert found.fitted.value > 50 and found.finding == "hides what a fitted reader finds"


def test_chance_is_no_finding() -> None:
    assert not Mean(2.0, 1.0).is_hidden and Mean(3.5, 1.0).is_hidden
    assert not Mean(0.3, 0.0).is_hidden and not Mean(-5.0, 0.1).is_hidden


def test_the_fitted_reader_is_ridge_regression_with_the_penalty_that_leaving_one_out_wants() -> None:
    generator = torch.Generator().manual_seed(0)
    originals = torch.rand(30, 1, 4, 4, generator=generator) * 2 - 1
    mixed = (originals.flatten(1) @ torch.randn(16, 48, generator=generator)).view(30, 3, 4, 4) / 20
    shown = mixed + 0.3 * torch.randn(mixed.shape, generator=generator)
    x, y = shown.flatten(1).double().numpy(), originals.flatten(1).double().numpy()
    spread = np.square(x - x.mean(0)).sum() / len(x)
    errors, readings = [], []
    for penalty in PENALTIES:
        ridge = Ridge(penalty * spread)
        left = [np.arange(30) != one for one in range(30)]
        errors.append(sum(np.square(ridge.fit(x[kept], y[kept]).predict(x[~kept]) - y[~kept]).mean() for kept in left))
        readings.append(ridge.fit(x, y).predict(x))
    best = int(np.argmin(errors))
    assert 0 < best < len(PENALTIES) - 1
    ours = fitted_reader(shown, originals)(shown).flatten(1).numpy()
    np.testing.assert_allclose(ours, readings[best].clip(-1, 1), atol=1e-4)


def test_pictures_become_pixels_and_back_and_a_quantised_one_has_32_levels() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(as_pixels(as_tensor(pixels), black=-1), pixels)
    flat = as_pixels(quantized(as_tensor(pixels)), black=-1)
    assert len(np.unique(flat)) == 32 and np.abs(flat.astype(int) - pixels).max() <= 5
    too_much: Tensor = torch.tensor([-3.0, 3.0]).view(1, 1, 1, 2)
    assert as_pixels(too_much, black=-1).ravel().tolist() == [0, 255]
    assert SIGMAS == (1.0, 2.0, 4.0)
