"""LRMF: its experiments in small, and their data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from spiral.data import DatasetError
from spiral.methods.experiment import Table
from spiral.methods.fitting import read_results
from spiral.methods.lrmf import features
from spiral.methods.lrmf.baselines import squared_mmd
from spiral.methods.lrmf.moons import moons, turned
from tests.spiral.methods.noise import random
from tests.spiral.methods.tiny_fits import fit_tiny


def test_moons_are_half_circles_and_their_turned_form_is_affine() -> None:
    points = moons(4000, torch.Generator().manual_seed(0))
    assert torch.allclose(points.mean(0), torch.tensor([0.5, 0.25]), atol=0.05)
    middle = turned((points[:1] + points[1:2]) / 2)
    assert torch.allclose(middle, (turned(points[:1]) + turned(points[1:2])) / 2, atol=1e-5)


def test_mmd_is_zero_for_equal_sets_alone() -> None:
    a = random(20, 3)
    assert float(squared_mmd(a, a)) == pytest.approx(0, abs=1e-6)
    assert float(squared_mmd(a + 2, a)) > 0.5


def test_a_domain_without_labels_of_digits_is_refused(tmp_path: Path) -> None:
    for place in range(21):
        Image.new("L", (8, 8)).save(tmp_path / f"{place}.png")
    with pytest.raises(DatasetError, match="has no labels and not the ten digits: give digits"):
        features.read_digits(f"folder:{tmp_path}", "train", 20)


def test_digits_are_at_one_size_and_others_are_held_out() -> None:
    learned, held_out = (features.read_digits("digits8", split, 40) for split in ("train", "test"))
    assert learned.ink.shape == held_out.ink.shape == (40, 1, 16, 16)
    assert learned.labels[:10].tolist() == list(range(10))
    assert not torch.equal(learned.ink, held_out.ink)
    assert 0 <= float(learned.ink.min()) < 0.05 < 0.5 < float(learned.ink.max()) <= 1.01


def test_margins_that_a_whole_domain_has_are_cut_off() -> None:
    ink = torch.zeros(5, 1, 32, 32)
    ink[..., 8:24, 10:26] = torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(0)) + 0.5
    assert torch.allclose(features.filled(ink), ink[..., 8:24, 10:26], atol=1e-6)


TINY: dict[str, dict[str, Any]] = {
    "digits": {
        "steps": 8,
        "target": "digits8",
        "most": 200,
        "encoder_steps": 4,
        "features": 4,
        "batch_size": 16,
        "flow": {"couplings": 2, "hidden": 4},
        "map": {"couplings": 2, "hidden": 4},
    },
    "moons": {"steps": 3, "batch_size": 16, "flow": {"couplings": 2, "hidden": 4}},
    "gaussian": {"steps": 3, "problems": 2, "points": 8, "features": 2},
    "vanishing": {"farthest": 5},
    "special-cases": {},
}


def fitted(folder: Path, name: str, *stops: int, **changes: Any) -> list[Table]:
    """The tables of an experiment in small."""
    fit_tiny("lrmf", name, TINY[name] | changes, folder, *stops)
    return read_results(folder)


@pytest.mark.parametrize("name", TINY)
def test_an_experiment_in_small_gives_tables_and_pictures(name: str, tmp_path: Path) -> None:
    tables = fitted(tmp_path / "run", name)
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        figures = [value for row in table.rows for value in row if isinstance(value, float)]
        assert np.isfinite(figures).all()
    assert [path.name for path in (tmp_path / "run").glob("*.png")] == [f"{name}.png"]


@pytest.mark.parametrize("stop_after", [3, 21])
def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(stop_after: int, tmp_path: Path) -> None:
    whole, resumed = (
        json.dumps([table.rows for table in fitted(tmp_path / folder, "digits", *stops)])
        for folder, stops in (("whole", ()), ("resumed", (stop_after,)))
    )
    assert whole == resumed


def test_digits_in_the_features_of_a_vae(tmp_path: Path) -> None:
    table = fitted(tmp_path / "run", "digits", encoder="vae")[0]
    assert table.title == "digits8 onto digits8, in features of a vae"
