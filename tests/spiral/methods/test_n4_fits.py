"""N4-Fields: experiments in small, from the first step to the last picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from spiral.data import DatasetError, DatasetMissing, regions, vessels
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.n4_fields import comparing, train
from spiral.methods.n4_fields.comparing import Comparison
from spiral.methods.n4_fields.model import BEFORE
from spiral.methods.n4_fields.sampling import CROP, GRID, STEP
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.noise import random

TINY: dict[str, Any] = {
    "steps": 2,
    "pictures": 3,
    "held_out": 2,
    "members": 2,
    "entries": 64,
    "width": 0.02,
    "crops": 1,
    "sift": False,
}


def fit_tiny(experiment: str, options: dict[str, Any], folder: Path, *stops: int, finish: bool = True) -> Comparison:
    made = tiny_fits.fit_tiny("n4_fields", experiment, {**TINY, **options}, folder, *stops, finish=finish)
    assert isinstance(made, Comparison)
    return made


@pytest.fixture(autouse=True, scope="module")
def small_pictures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "SIZE", 64)
        patch.setattr(vessels, "SIZE", 64)
        patch.setattr(comparing, "VALIDATED", 2)
        patch.setattr(train, "SPEED_SIZE", (32, 48))
        yield


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, small_pictures: None) -> Path:
    folder = tmp_path_factory.mktemp("fit") / "edges"
    fit_tiny("edges", {}, folder)
    return folder


def test_edges_end_with_every_table_and_picture(fitted: Path) -> None:
    tables = {table.title: table for table in read_results(fitted)}
    figures = ("3.I)", "3.I B)", "3.5)", "3.6)", "3.4)", "480×320 pixels")
    assert all(any(title.endswith(each) for title in tables) for each in figures)
    compared = tables["What is found (table 3.I)"]
    assert [row[0] for row in compared.rows] == ["N4-Fields", "N4-Fields, AE", "CNN-patch", "CNN-central"]
    assert all(0 <= value <= 1 for row in compared.rows for value in row[1:4] if isinstance(value, float))
    assert compared.rows[1][4:] == (0.75, 0.77, 0.78)
    for name in ("found", "curves", "training", "matches", "tolerance"):
        with Image.open(fitted / f"{name}.png") as picture:
            assert picture.width > 100


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(fitted: Path, tmp_path: Path) -> None:
    made = fit_tiny("edges", {}, tmp_path / "again", 3, finish=False)
    (_, first), (_, second) = read_fit(fitted), read_fit(tmp_path / "again")
    assert sorted(first) == sorted(second) and any("looks" in name for name in first)
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)
    one, other = read_judgement(fitted, "n4_fields"), made.judgement()
    assert other is not None and one.options == other.options
    for name, array in one.weights.items():
        np.testing.assert_array_equal(other.weights[name], array, err_msg=name)


def test_vessels_are_compared_pixel_by_pixel(tmp_path: Path) -> None:
    made = fit_tiny("vessels", {"members": 1, "data": "vessels"}, tmp_path)
    titles = [table.title for table in read_results(tmp_path)]
    assert made.data.thin and titles[0].endswith("3.I)") and not any("tolerance" in title for title in titles)
    assert (tmp_path / "judgement.safetensors").is_file() and not (tmp_path / "tolerance.png").exists()


def test_pictures_with_depth_are_compared_and_make_no_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, top = np.random.default_rng(0), tmp_path / "nyu-rgbd"
    cells = np.empty((1, 1), object)
    for split, count in (("train", 4), ("test", 1)):
        for part in ("images", "groundTruth", "depth"):
            (top / part / split).mkdir(parents=True)
        for number in range(count):
            segments = (np.indices((48, 64))[1] > rng.integers(20, 44)).astype(np.uint16) + 1
            cells[0, 0] = {"Segmentation": segments}
            content = io.BytesIO()
            savemat(content, {"groundTruth": cells})
            (top / "groundTruth" / split / f"{number}.mat").write_bytes(content.getvalue())
            Image.fromarray(np.repeat(100 * segments[..., None], 3, -1).astype(np.uint8)).save(
                top / "images" / split / f"{number}.png"
            )
            Image.fromarray(20_000 * segments).save(top / "depth" / split / f"{number}.png")
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    made = fit_tiny("edges", {"members": 1, "data": "nyu-rgbd", "entries": 32}, tmp_path / "fit")
    assert made.patches.channels == 4 and made.judgement() is None
    assert read_results(tmp_path / "fit")[0].rows[0][4:] == (0.61, 0.62, 0.56)
    with pytest.raises(DatasetError, match=r"no annotated pictures are called 'nyu'"):
        fit_tiny("edges", {"data": "nyu"}, tmp_path / "other")
    for number in (2, 3):
        (top / "images" / "train" / f"{number}.png").unlink()
    with pytest.raises(DatasetMissing, match="has 2 pictures to train on, and 2 are to validate: give more"):
        fit_tiny("edges", {"data": "nyu-rgbd"}, tmp_path / "few")


def test_sift_describes_a_patch_as_it_does_where_it_is_cut_out() -> None:
    pytest.importorskip("kornia")
    from spiral.methods.n4_fields import sift

    crops = random(1, 3, CROP, CROP)
    of_crop, of_picture = sift.describe_crops(crops)[0], sift.describe(crops[0], 1)
    assert of_crop.shape == (128, GRID, GRID) and of_picture.shape == (128, CROP, CROP)
    inside = of_picture[:, BEFORE::STEP, BEFORE::STEP][:, :GRID, :GRID]
    torch.testing.assert_close(of_crop, inside, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(of_crop.norm(dim=0), torch.ones(GRID, GRID), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(sift.describe_crops(3 * crops), of_crop[None], rtol=1e-3, atol=1e-4)
