"""Every experiment of DTN ends with its tables and pictures, and what measures it counts as by hand."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from spiral.data import DatasetError
from spiral.methods.dtn.digits import TABLE_1, TABLE_3
from spiral.methods.dtn.drawn_faces import draw_faces
from spiral.methods.dtn.measures import nearest_read, ranks
from spiral.methods.dtn.model import (
    as_inputs,
)
from spiral.methods.dtn.pixels import read_digits
from spiral.methods.dtn.recognizing import Recognizing, another_picture, recognition_loss
from spiral.methods.dtn.style import activations, gram, restyle
from spiral.methods.dtn.transfer import Transfer
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.vgg import read_vgg, vgg_file
from spiral.section import ConfigError
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.dtn_toys import CPU, DIGITS, TINY
from tests.spiral.methods.faces_folder import save_faces
from tests.spiral.methods.noise import random


def test_the_nearest_and_the_ranks_are_as_counted_by_hand() -> None:
    known, labels = torch.tensor([[0.0, 0.0], [4.0, 0.0]]), torch.tensor([3, 7])
    asked = torch.tensor([[1.0, 0.0], [3.0, 1.0], [2.5, 0.0]])
    assert nearest_read(known, labels, asked, torch.tensor([3, 7, 3])) == pytest.approx(2 / 3)
    gallery, probes = random(20, 5), random(6, 5, seed=1)
    places = torch.tensor([0, 3, 5, 7, 11, 19])
    cosine = torch.nn.functional.cosine_similarity(probes[:, None], gallery[None], dim=2)
    expected = [1 + sum(float(c) > float(cosine[i, place]) for c in cosine[i]) for i, place in enumerate(places)]
    assert ranks(probes, gallery, places).tolist() == expected
    assert ranks(gallery, gallery, torch.arange(20)).tolist() == [1] * 20


def test_recognition_costs_log_n_where_all_look_alike_and_next_to_nothing_where_each_is_known() -> None:
    assert float(recognition_loss(torch.ones(8, 4), torch.ones(8, 4))) == pytest.approx(math.log(8))
    known = torch.eye(8)
    assert float(recognition_loss(known, 3 * known)) == pytest.approx(math.log(1 + 7 * math.exp(-5)), rel=1e-4)


def test_another_picture_of_somebody_is_drawn_by_the_seed_and_stays_a_picture() -> None:
    pictures = as_inputs(torch.from_numpy(draw_faces(6, 32, 0)))
    first, again = (another_picture(pictures, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and first.abs().max() <= 1
    assert float((first - pictures).abs().mean()) > 0.02


def test_drawn_faces_are_decided_by_the_seed_and_all_differ() -> None:
    faces = draw_faces(12, 32, 5)
    assert faces.shape == (12, 32, 32, 3) and np.array_equal(faces, draw_faces(12, 32, 5))
    assert len(np.unique(faces.reshape(12, -1), axis=0)) == 12
    assert not np.array_equal(faces, draw_faces(12, 32, 6))


fit_tiny = partial(tiny_fits.fit_tiny, "dtn")


@pytest.mark.parametrize(
    ("experiment", "tables", "rows"),
    [("digits", 2, 6), ("ablations", 1, len(TABLE_1) + 1), ("left-out", 1, len(TABLE_3)), ("reverse", 1, 3)],
)
def test_every_experiment_with_digits_ends_with_its_tables_and_pictures(
    experiment: str, tables: int, rows: int, tmp_path: Path
) -> None:
    fit_tiny(experiment, DIGITS, tmp_path)
    found = read_results(tmp_path)
    assert len(found) == tables and len(found[0].rows) == rows
    assert all(
        0 <= value <= 1 for table in found for row in table.rows for value in row[1:] if isinstance(value, float)
    )
    with Image.open(tmp_path / "transferred.png") as picture:
        assert picture.width > 32


def test_a_digit_that_is_left_out_is_shown_nowhere_that_it_should_not_be(tmp_path: Path) -> None:
    made = fit_tiny("left-out", {**DIGITS, "digit": 7, "steps": 1, "perception_steps": 1}, tmp_path)
    transfers: dict[str, Transfer] = made.transfers  # type: ignore[attr-defined]
    seen = {name: (7 in part.source.labels, 7 in part.target.labels) for name, part in transfers.items()}
    assert seen == {
        "dtn": (True, True),
        "not-in-s": (False, True),
        "not-in-t": (True, False),
        "not-in-both": (False, False),
        "not-in-f": (False, False),
    }
    assert transfers["not-in-f"].perception is not transfers["dtn"].perception
    assert set(made.shown.labels.tolist()) == {7}  # type: ignore[attr-defined]


@pytest.mark.parametrize("stop_after", [3, 8])
def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(stop_after: int, tmp_path: Path) -> None:
    """While f learns, and while G does."""
    fit_tiny("digits", DIGITS, tmp_path / "whole")
    fit_tiny("digits", DIGITS, tmp_path / "resumed", stop_after)
    assert read_results(tmp_path / "whole") == read_results(tmp_path / "resumed")
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array, err_msg=name)


def test_faces_are_drawn_and_sought_among_all(tmp_path: Path) -> None:
    options = {**TINY, "source": save_faces(tmp_path), "drawings": 16}
    made = fit_tiny("faces", options, tmp_path / "run")
    assert isinstance(made.parts["f"], Recognizing)
    (table,) = read_results(tmp_path / "run")
    assert table.rows[0][0] == "median rank" and "among 24 photos" in table.title
    assert read_judgement(tmp_path / "run", "dtn").options["drawn_channels"] == 3
    assert (tmp_path / "run" / "faces.png").is_file()


def test_style_is_transferred_by_vgg_16() -> None:
    path = vgg_file()
    if not path.is_file():
        pytest.skip(f"needs the weights of VGG-16 in {path}")
    vgg = read_vgg(path, ("conv5_1",))
    photo, drawing = as_inputs(torch.from_numpy(draw_faces(2, 32, 0))).split(1)
    before, after = photo, restyle(photo, drawing, vgg, 3, 1e4)

    def style(picture: Tensor) -> Tensor:
        with torch.no_grad():
            return gram(activations(vgg, picture)["conv1_1"])

    assert after.abs().max() <= 1
    assert (style(after) - style(drawing)).norm() < (style(before) - style(drawing)).norm()


def test_a_set_without_digits_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the data set folder:.* has no labels and not the ten digits: give digits"):
        read_digits(save_faces(tmp_path), "train", True, 10, CPU)


def test_a_digit_that_nobody_shows_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="digit=4, but none of the 2 held-out .*: .*give more than pictures=2"):
        fit_tiny("left-out", {**DIGITS, "pictures": 2, "digit": 4}, tmp_path)
