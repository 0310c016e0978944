"""The experiments of Deep Manifold Traversal from pictures to tables, and its judge: paint this face, but smiling."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.data.pictures import in_grey
from spiral.methods import METHODS
from spiral.methods.dtn.drawn_faces import draw_faces
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.manifold_traversal.attribute import FacesToAttribute
from spiral.methods.manifold_traversal.reward import ManifoldTraversal
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.faces_folder import save_faces, save_labelled
from tests.spiral.methods.vgg_weights import save_weights

CPU = torch.device("cpu")

TINY: dict[str, Any] = {
    "steps": 2,
    "side": 16,
    "pictures": 40,
    "set_size": 8,
    "components": 12,
    "iterations": 3,
    "judge_steps": 3,
    "judged_side": 16,
    "judged_components": 6,
}
PENALTIES = {"penalties": [1.0, 0.05, 0.3]}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with small networks."""
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path / "data"))
    save_weights(tmp_path / "data")
    return tmp_path / "data"


fit = partial(tiny_fits.fit_tiny, "manifold_traversal")


@pytest.mark.parametrize(
    ("experiment", "options", "pictures", "rows"),
    [
        ("attribute", {"attribute": "smile"}, ["attribute.png"], 6),
        ("attribute", {"attribute": "dark-hair"}, ["attribute.png"], 6),
        ("penalties", {"attribute": "older", **PENALTIES}, ["penalties.png", "path.gif", "tsne.png"], 4),
        ("color", {}, ["color.png"], 3),
        ("person", {}, ["person.png"], 2),
    ],
)
def test_every_experiment_ends_with_its_tables_pictures_and_a_judge(
    experiment: str, options: dict[str, Any], pictures: list[str], rows: int, weights: Path, tmp_path: Path
) -> None:
    save_labelled(weights)
    fit(experiment, TINY | options, tmp_path / "run")
    tables = read_results(tmp_path / "run")
    assert len(tables[0].rows) == rows
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    assert all(math.isfinite(v) for table in tables for row in table.rows for v in row[1:] if isinstance(v, float))
    for name in pictures:
        with Image.open(tmp_path / "run" / name) as picture:
            assert min(picture.size) > 32
            assert getattr(picture, "n_frames", 1) == (6 if name.endswith("gif") else 1), "there and back"
    assert read_judgement(tmp_path / "run", "manifold_traversal").options["components"] == 6


def test_less_penalty_leads_further_and_what_it_cost_is_in_the_table(weights: Path, tmp_path: Path) -> None:
    save_labelled(weights)
    fit("penalties", TINY | PENALTIES, tmp_path / "run")
    sweep, neighbours = read_results(tmp_path / "run")
    assert [row[0] for row in sweep.rows] == [row[0] for row in neighbours.rows] == ["∞", "1", "0.3", "0.05"]
    moved, witness = ([row[at] for row in sweep.rows] for at in (1, 2))
    assert moved[0] == 0 and moved == sorted(moved) and witness == sorted(witness, reverse=True)  # type: ignore[type-var]


@pytest.mark.parametrize("stop_after", [2, 4, 5, 9, 11])
def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(stop_after: int, weights: Path, tmp_path: Path) -> None:
    """Within the manifold, at its end, while those learn who judge, and between two traversals."""
    options = TINY | {"data": save_faces(tmp_path, 48), "attribute": "fair-hair"}
    fit("attribute", options, tmp_path / "whole")
    fit("attribute", options, tmp_path / "resumed", stop_after)
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        if not name.endswith("seconds"):
            np.testing.assert_array_equal(resumed[name], array, err_msg=name)
    first, second = (read_results(tmp_path / name) for name in ("whole", "resumed"))
    assert [table.rows for table in first] == [table.rows for table in second]


@pytest.mark.parametrize(
    ("experiment", "options", "message"),
    [
        ("attribute", {"steps": 9}, "of 5 held-out pictures half may lack .*: give 2 or less"),
        ("attribute", {"set_size": 40}, "give a set_size of 20 or less, or more pictures"),
        ("attribute", {"attribute": "smile"}, "no label 'happy'"),
        ("attribute", {"attribute": "tall"}, "attribute"),
        ("penalties", {"penalties": []}, "penalties"),
        ("penalties", {"penalties": [0.0]}, "penalties"),
        ("color", {"set_size": 30}, "need twice as many pictures .*: give less, or more pictures"),
        ("person", {"person": 5}, "person=5, .* but there are 5 held-out faces and .*: give less"),
        ("person", {"vgg": "no-such.safetensors"}, "weights of a VGG network in no-such.safetensors"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_learned(
    experiment: str, options: dict[str, Any], message: str, weights: Path, tmp_path: Path
) -> None:
    asked = TINY | {"data": save_faces(tmp_path, 48)}
    if experiment in ("attribute", "penalties"):
        asked["attribute"] = "fair-hair"
    kind = METHODS["manifold_traversal"].experiments[experiment]
    with pytest.raises(Exception, match=message):
        kind(parse_section(kind.Options, asked | options), 0, CPU)


# --- as a judge ---


def judge(folder: Path, shape: tuple[int, int, int], conditional: bool = True, **options: float) -> ManifoldTraversal:
    term = RewardTerm.model_validate({"name": "manifold_traversal", "from": str(folder), "options": options})
    made = build_reward(term, Setting(shape, conditional, CPU, "float32", 0))
    assert isinstance(made, ManifoldTraversal)
    return made


@pytest.fixture
def fitted(weights: Path, tmp_path: Path) -> tuple[FacesToAttribute, Path]:
    """A fit to fair hair, and its folder."""
    options = TINY | {"data": save_faces(tmp_path, 48), "attribute": "fair-hair", "penalty": 0.3}
    made = fit("attribute", options, tmp_path / "run")
    assert isinstance(made, FacesToAttribute)
    return made, tmp_path / "run"


def faces(count: int, shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.uint8]:
    """Drawn ones, of any shape."""
    pictures = draw_faces(count, max(shape[:2]), seed)[:, : shape[0], : shape[1]]
    return pictures if shape[2] == 3 else in_grey(pictures)


def test_the_score_is_minus_what_a_traversal_minimises(fitted: tuple[FacesToAttribute, Path]) -> None:
    made, folder = fitted
    painted, shown = faces(4, (16, 16, 3)), faces(4, (16, 16, 3), seed=1)
    conditional, blind = judge(folder, (16, 16, 3)), judge(folder, (16, 16, 3), conditional=False)
    assert conditional.options.penalty == 0.3, "the λ of the fit"
    places, others = (conditional._places(pictures) for pictures in (painted, shown))
    witness = conditional.network.witness()
    for i in range(4):
        near = [
            sum(math.exp(-float((place - places[i]).square().sum()) / (2 * witness.width**2)) for place in kind) / 8
            for kind in (witness.source, witness.target)
        ]
        moved = float((places[i] - others[i]).square().sum()) / (2 * witness.width**2)
        expected = near[1] - near[0]
        scores = [reward.score(painted, Context(shown, {}))[i] for reward in (blind, conditional)]
        assert float(scores[0]) == pytest.approx(expected, abs=1e-4)
        assert float(scores[1]) == pytest.approx(expected - 0.3 * moved, abs=1e-4)
    assert len(witness.source) == made.options.set_size


def test_a_picture_of_the_target_is_paid_more_and_one_of_somebody_else_less(
    fitted: tuple[FacesToAttribute, Path],
) -> None:
    made, folder = fitted
    journey, shape = made.traversing.journey, (16, 16, 3)
    source, target = journey.images[journey.source], journey.images[journey.target]
    blind = judge(folder, shape, conditional=False)
    assert blind.score(target, Context(None, {})).mean() > blind.score(source, Context(None, {})).mean()
    strict = judge(folder, shape, penalty=5.0)
    context = Context(source, {})
    assert (strict.score(source, context) > strict.score(np.roll(source, 1, axis=0), context)).all()


@pytest.mark.parametrize("shape", [(16, 16, 3), (64, 64, 3), (32, 32, 1), (20, 24, 3)])
def test_canvases_of_any_shape_are_scored_each_by_itself(
    shape: tuple[int, int, int], fitted: tuple[FacesToAttribute, Path]
) -> None:
    made = judge(fitted[1], shape)
    renders, targets = faces(5, shape), faces(5, shape, seed=1)
    renders[3], targets[3] = renders[1], targets[1]
    for array in (renders, targets):
        array.flags.writeable = False
    before = {name: array.copy() for name, array in made.weights().items()}
    scores = made.score(renders, Context(targets, {}))
    assert (scores.shape, scores.dtype, scores.device.type) == ((5,), torch.float32, "cpu")
    assert scores.isfinite().all() and not scores.requires_grad and scores[1] == scores[3]
    assert torch.equal(made.score(renders, Context(targets, {})), scores)
    alone = [made.score(renders[i : i + 1], Context(targets[i : i + 1], {})) for i in range(5)]
    torch.testing.assert_close(torch.cat(alone), scores)
    for name, weight in made.weights().items():
        np.testing.assert_array_equal(weight, before[name], err_msg=name)


def test_what_cannot_be_scored_is_refused_by_name(fitted: tuple[FacesToAttribute, Path]) -> None:
    made = judge(fitted[1], (32, 32, 3))
    right = faces(2, (32, 32, 3))
    for wrong in (faces(2, (16, 16, 3)), faces(2, (32, 32, 1))):
        with pytest.raises(ValueError, match="'manifold_traversal' scores pictures of shape"):
            made.score(wrong, Context(wrong, {}))
        with pytest.raises(ValueError, match="'manifold_traversal' scores pictures of shape"):
            made.score(right, Context(wrong, {}))
    with pytest.raises(ValueError, match="'manifold_traversal' compares with a target; .*leave it out"):
        made.score(right, Context(None, {}))
    with pytest.raises(ValueError, match="'manifold_traversal' scores one picture or more of uint8"):
        made.score(right[:0], Context(right[:0], {}))
    nothing = np.full((2, 32, 32, 3), np.nan, np.float32)
    with pytest.raises(ValueError, match="scores one picture or more of uint8, but was given float32"):
        made.score(nothing, Context(nothing, {}))  # type: ignore[arg-type]


def test_weights_are_taken_over_alike_and_damaged_ones_are_refused(fitted: tuple[FacesToAttribute, Path]) -> None:
    made, other = (judge(fitted[1], (16, 16, 3)) for _ in range(2))
    weights = made.weights()
    other.load_weights({name: np.zeros_like(array) if name == "mean" else array for name, array in weights.items()})
    pictures, context = faces(2, (16, 16, 3)), Context(faces(2, (16, 16, 3), seed=1), {})
    assert not torch.equal(made.score(pictures, context), other.score(pictures, context))
    other.load_weights(weights)
    assert torch.equal(made.score(pictures, context), other.score(pictures, context))
    with pytest.raises(WeightsError, match="of another network"):
        other.load_weights({name: array for name, array in weights.items() if name != "basis"})
    with pytest.raises(WeightsError, match="not finite"):
        other.load_weights(weights | {"width": np.array(np.nan, np.float32)})
    with pytest.raises(ConfigError, match="needs what its method has learned"):
        build_reward(RewardTerm(name="manifold_traversal"), Setting((16, 16, 3), True, CPU, "float32", 0))
