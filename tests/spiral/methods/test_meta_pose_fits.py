"""MetaPose: both experiments in small, the finder of objects, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from actors.views_making import draw_views
from spiral.data import DatasetError, DatasetMissing
from spiral.data.views import Seen, write
from spiral.methods import find_experiment
from spiral.methods.fitting import read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.meta_pose.detecting import CORNERS, ObjectFinder, on_platform
from spiral.methods.meta_pose.geometry import turned
from tests.spiral.methods import tiny_fits

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"steps": 2, "batch_size": 4, "width": 8, "things": 12, "measured": 4}
SCENES_TINY = TINY | {"finder_steps": 2, "finder_width": 4}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    for kind in ("views-figure", "views-scenes"):
        for split, number in (("train", 12), ("test", 6)):
            write(folder / kind, split, draw_views(kind, (0, number), number))  # type: ignore[arg-type]
    monkeypatch.setenv("SPIRAL_DATA", str(folder))
    return folder


def test_points_lie_on_the_platform_as_its_corners_do() -> None:
    objects = torch.tensor(((0.3, -0.2, 0.1), (-0.7, 0.4, 0.2)))
    truth = torch.cat((CORNERS, objects)).unsqueeze(0)
    turn = torch.from_numpy(Rotation.random(1, random_state=0).as_matrix()).float()
    moved = 0.4 * turned(turn, truth) + 1
    torch.testing.assert_close(on_platform(moved), truth, atol=1e-5, rtol=1e-4)


def test_objects_are_found_where_no_neighbour_is_likelier() -> None:
    class Told(ObjectFinder):
        def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
            logits = torch.full((len(pictures), 32, 32), -5.0)
            logits[0, 4, 4], logits[0, 4, 5], logits[0, 20, 9] = 3.0, 2.0, 1.0
            row, column = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
            return logits, torch.stack((row, column, 0 * row)).expand(len(pictures), -1, -1, -1)

    pictures = torch.zeros(2, 3, 64, 64)
    pictures[0, 0, 40:42, 18:20] = 1
    found, nothing = Told(4).find(pictures, 0.5)
    assert found.positions.tolist() == [[4, 4, 0], [20, 9, 0]] and len(nothing.positions) == 0
    assert found.colors.tolist() == [[0, 0, 0], [1, 0, 0]]


fit_tiny = partial(tiny_fits.fit_tiny, "meta_pose")


@pytest.mark.parametrize(("experiment", "options"), [("scenes", SCENES_TINY), ("figure", TINY)])
def test_an_experiment_is_fitted_measured_and_drawn(
    data: Path, tmp_path: Path, experiment: str, options: dict[str, Any]
) -> None:
    folder = tmp_path / "run"
    fit_tiny(experiment, options, folder)
    errors, gains, *others = read_results(folder)
    names = [row[0] for row in errors.rows]
    assert names[:4] == ["triangulation, true cameras", "triangulation, S1's cameras", *names[2:4]]
    assert {"S1", "S1 + S2", "paper: S1 + S2"} < set(names)
    assert all(value is None or float(value) > 0 for row in (*errors.rows, *gains.rows) for value in row[1:])
    assert (folder / "two_views.png").stat().st_size > 1000
    assert len(others) == (experiment == "scenes") == (folder / "objects.png").is_file()
    if experiment == "scenes":
        judgement = read_judgement(folder, "meta_pose")
        assert judgement.options == {"width": 4} and np.abs(judgement.weights["camera"]).max() > 0.1


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(data: Path, tmp_path: Path) -> None:
    whole = fit_tiny("scenes", SCENES_TINY, tmp_path / "whole", finish=False)
    resumed = fit_tiny("scenes", SCENES_TINY, tmp_path / "parts", 5, finish=False)
    for name, part in whole.parts.items():
        expected = part.state()
        for key, array in resumed.parts[name].state().items():
            np.testing.assert_array_equal(array, expected[key], err_msg=f"{name}/{key}")


def test_data_that_is_missing_or_has_one_view_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, kind = find_experiment("meta_pose", "figure")
    views = draw_views("views-figure", (0, 0), 4)
    seen = Seen(*(getattr(views.seen, name)[:, :1] for name in ("means", "deviations", "weights", "monocular")))
    truth = replace(
        views.truth, **{name: getattr(views.truth, name)[:, :1] for name in ("rotations", "positions", "focals")}
    )
    write(data / "views-figure", "train", replace(views, seen=seen, truth=truth))
    with pytest.raises(DatasetError, match="views-figure has one view of each thing"):
        kind(kind.Options(**TINY), 0, CPU)
    monkeypatch.setenv("SPIRAL_DATA", str(data / "elsewhere"))
    with pytest.raises(DatasetMissing, match="spiral data make views-figure"):
        kind(kind.Options(**TINY), 0, CPU)
