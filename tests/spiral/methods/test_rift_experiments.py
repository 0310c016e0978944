"""Every experiment of RIFT ends with its tables and pictures, also when interrupted, and hands its judge over."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from spiral.contracts import WeightsError
from spiral.data import DatasetError, DatasetMissing
from spiral.data.shapes_3d import FACTORS, factors_of, write
from spiral.methods import find_experiment
from spiral.methods.experiment import Experiment, Table
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.rift.ablations import LEFT_OUT
from spiral.methods.rift.people import CLASSES, FIXED, OWN, POSES, draw_people, draw_person
from spiral.methods.rift.reward import GUIDES, RiftReward, RiftRewardOptions
from spiral.methods.rift.shapes import discrepancy_of
from spiral.methods.rift.trial import in_order
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.faces_folder import save_labelled

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "steps": 3,
    "rival_steps": 2,
    "reader_steps": 2,
    "batch_size": 4,
    "side": 16,
    "pictures": 24,
    "measured": 20,
    "width": 4,
    "blocks": 1,
    "stem": 3,
    "discriminator_width": 4,
}


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of rooms whose pictures show noise, for which nothing has to be drawn."""
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path / "data"))
    rng = np.random.default_rng(0)
    for split, count in (("train", 160), ("test", 80)):
        images = rng.integers(0, 256, (count, 16, 16, 3), np.uint8)
        write(tmp_path / "data" / "shapes-3d", split, images, factors_of(split, 0, range(count)))  # type: ignore[arg-type]


def fit_tiny(experiment: str, folder: Path, *stops: int, **changes: Any) -> tuple[Experiment, list[Table]]:
    made = tiny_fits.fit_tiny("rift", experiment, {**TINY, **changes}, folder, *stops)
    return made, read_results(folder)


def test_three_splits_are_compared_with_the_rivals_and_the_paper(rooms: None, tmp_path: Path) -> None:
    made, (first, factors, following, reader, bits) = fit_tiny("shapes", tmp_path / "run")
    assert len(made.parts) == 1 + 3 * 3
    assert [row[0] for row in first.rows[:4]] == ["rift", "munit-like", "didd-like", "random"]
    assert all(0 <= value <= 100 for row in first.rows[:4] for value in row[1:] if isinstance(value, float))
    assert first.rows[0][-2:] == (88, 6) and len(factors.rows) == 18 and len(reader.rows) == 3
    assert len(following.rows) == 3 * 2 * 4, "what is shared and what is the target's own, each way"
    for row in bits.rows:
        assert in_order(row[1:5]) and row[-1] == "9 of 9", "theorem 1"  # type: ignore[arg-type]
    for name in ("split-1", "split-2", "split-3", "bits"):
        with Image.open(tmp_path / "run" / f"{name}.png") as picture:
            assert picture.width > 100
    again = made.measure()
    assert again == [first, factors, following, reader, bits], "measuring changes nothing"


@pytest.mark.parametrize("stop_after", [2, 5, 7])
def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(rooms: None, tmp_path: Path, stop_after: int) -> None:
    """While the reader learns, while RIFT does, and while a rival does."""
    runs = [fit_tiny("shapes", tmp_path / "a", splits=[2]), fit_tiny("shapes", tmp_path / "b", stop_after, splits=[2])]
    assert runs[0][1] == runs[1][1]
    assert runs[0][1][0].rows[0][3] is None, "no RD of one split"
    whole, resumed = (read_fit(tmp_path / name)[1] for name in "ab")
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array, err_msg=name)


def test_ablations_leave_out_one_thing_each(rooms: None, tmp_path: Path) -> None:
    made, (first, *_) = fit_tiny("ablations", tmp_path / "run", split=3, steps=1)
    assert [row[0] for row in first.rows] == ["rift", *LEFT_OUT, "random"]
    whole = made.methods["rift"][0].options  # type: ignore[attr-defined]
    for name, changes in LEFT_OUT.items():
        options = made.methods[name][0].options  # type: ignore[attr-defined]
        assert options == whole.model_copy(update=changes) and options != whole


def test_rooms_that_are_not_drawn_are_asked_for_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="run `spiral data make shapes-3d`"):
        fit_tiny("shapes", tmp_path / "run")
    with pytest.raises(ConfigError, match=r"splits\.0: Input should be 1, 2 or 3 \(given: 4\)"):
        parse_section(find_experiment("rift", "shapes")[1].Options, {"splits": [4]}, ("experiment",))


def test_a_factor_is_specific_where_it_is_a_domains_own(rooms: None, tmp_path: Path) -> None:
    made, _ = fit_tiny("shapes", tmp_path / "run", steps=1, rival_steps=1, reader_steps=1)
    tasks = made.tasks  # type: ignore[attr-defined]
    assert discrepancy_of(tasks, [dict.fromkeys(FACTORS, 70.0)] * 3) == 0
    only_common = [{name: 90.0 if name in task.shared else 0.0 for name in FACTORS} for task in tasks]
    assert discrepancy_of(tasks, only_common) == pytest.approx(100)
    third = [{name: 60.0 if name in task.shared else 30.0 for name in FACTORS} for task in tasks]
    assert discrepancy_of(tasks, third) == pytest.approx(100 / 3)


# --- people who move ---


def test_people_are_drawn_as_their_factors_say() -> None:
    people = draw_people(30, 32, OWN["a"], 5)
    assert people.images.shape == (30, 32, 32, 3)
    np.testing.assert_array_equal(people.images, draw_people(30, 32, OWN["a"], 5).images)
    for name in CLASSES:
        assert (len(np.unique(people.attributes[name])) > 1) == (name in (*POSES, "wall")), name
    base = {**dict.fromkeys(POSES, 0.4), **{name: float(value) for name, value in FIXED.items()}}
    picture = draw_person(base, 32).astype(int)
    for name, other in (*((pose, 0.7) for pose in POSES), ("wall", 7.0), ("shirt", 0.0), ("trousers", 1.0)):
        changed = np.abs(draw_person({**base, name: other}, 32) - picture).max(-1) > 20
        assert changed.mean() > 0.01, name
    shirt = np.abs(draw_person({**base, "shirt": 0.0}, 32) - picture).max(-1) > 20
    assert not shirt[:, :2].any() and not shirt[-4:].any(), "clothes change no wall and no floor"


def test_people_share_their_poses(tmp_path: Path) -> None:
    made, (first, factors, *_) = fit_tiny("action", tmp_path / "run", people=30)
    assert [row[0] for row in first.rows] == ["rift", "munit-like", "didd-like", "random"]
    assert len(factors.rows) == len(CLASSES)
    task = made.tasks[0]  # type: ignore[attr-defined]
    assert len(torch.unique(task.train_a.known["shirt"])) == 1 == len(torch.unique(task.train_b.known["wall"]))


# --- faces ---


def save_faces(root: Path, both: bool = True) -> None:
    """The labelled faces, every other one a woman's, or all."""
    save_labelled(root, 80, 16)
    table = root / "faces" / "labels.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "gender_female_prob"])
        writer.writeheader()
        for i, row in enumerate(rows):
            writer.writerow({**row, "gender_female_prob": (0.95, 0.05, 0.5)[i % 3] if both else 0.95})


def test_faces_of_women_and_men(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    save_labelled(tmp_path, 40, 16)
    with pytest.raises(DatasetError, match="does not say gender_female_prob of its pictures: give data=faces"):
        fit_tiny("faces", tmp_path / "none")
    for name in ("faces128.zip", "labels.csv"):
        (tmp_path / "faces" / name).unlink()
    (tmp_path / "faces").rmdir()
    save_faces(tmp_path)
    made, (first, *_, bits) = fit_tiny("faces", tmp_path / "run")
    assert len(first.rows) == 4 and bits.rows[0][-1] == "9 of 9"
    task = made.tasks[0]  # type: ignore[attr-defined]
    assert task.train_a.known["women"].all() and not task.train_b.known["women"].any()
    assert 0 <= task.train_a.known["light behind"].min() <= task.train_a.known["light behind"].max() <= 1


def test_faces_of_women_alone_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    save_faces(tmp_path, both=False)
    with pytest.raises(DatasetError, match="none of 72 faces is of a man"):
        fit_tiny("faces", tmp_path / "run")


# --- as a judge ---


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    fit_tiny("action", folder / "run", people=100, steps=12)
    return folder / "run"


def judge(folder: Path, shape: tuple[int, int, int] = (16, 16, 3), **options: Any) -> RiftReward:
    found = read_judgement(folder, "rift")
    made = RiftReward(
        Setting(shape, True, CPU, "float32", 0),
        parse_section(RiftRewardOptions, {**found.options, **options}, ("rewards", "rift", "options")),
    )
    made.load_weights(found.weights)
    return made


def pixels(seed: int, count: int = 4, shape: tuple[int, int, int] = (16, 16, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def as_inputs(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


@pytest.mark.parametrize("towards", ["a", "b"])
def test_the_score_is_that_of_its_three_terms(fitted: Path, towards: str) -> None:
    made = judge(fitted, towards=towards, guide=2, translation=2.0, shared=3.0, own=5.0)
    painted, shown = pixels(0), pixels(1)
    painted[3], shown[3] = painted[1], shown[0]
    names = ("a2b", "b2a") if towards == "b" else ("b2a", "a2b")
    forth, back = (made.network.generators[name] for name in names)
    kept = made.network.get_buffer(f"guides_{towards}")[2:3].float() / 127.5 - 1
    scores = made.score(painted, Context(shown, {}))
    for i in range(4):
        x, z = as_inputs(shown[i : i + 1]), as_inputs(painted[i : i + 1])
        with torch.no_grad():
            said = back(kept)[1]
            expected = -2 * float((z - forth(x, said)[0]).abs().mean())
            expected -= 3 * float((x - back(z, forth(x)[1])[0]).abs().mean())
            expected -= 5 * float((back(z)[1] - said).square().mean())
        assert float(scores[i]) == pytest.approx(expected, rel=1e-3)


def test_the_translation_itself_scores_best(fitted: Path) -> None:
    made, shown = judge(fitted, shared=0.0, own=0.0), pixels(3)
    with torch.no_grad():
        guide = made._back(made._guide())[1].expand(4, -1, -1, -1)
        drawn = made._forth(as_inputs(shown), guide)[0]
    painted = ((drawn + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    scores = made.score(painted, Context(shown, {}))
    assert float(scores.min()) > -0.01
    assert (made.score(pixels(4), Context(shown, {})) < scores).all()


@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 32, 3), (20, 24, 1)])
def test_renders_of_any_shape_are_scored(fitted: Path, shape: tuple[int, int, int]) -> None:
    made = judge(fitted, shape)
    scores = made.score(pixels(0, 3, shape), Context(pixels(1, 3, shape), {}))
    assert scores.shape == (3,) and scores.dtype == torch.float32 and scores.isfinite().all()


def test_what_cannot_be_scored_is_refused_by_name(fitted: Path) -> None:
    made = judge(fitted)
    with pytest.raises(ValueError, match="'rift' compares with a target"):
        made.score(pixels(0), Context(None, {}))
    with pytest.raises(ValueError, match="'rift' scores one picture or more of uint8"):
        made.score(pixels(0, 0), Context(pixels(0, 0), {}))
    with pytest.raises(ValueError, match="'rift' scores pictures of shape"):
        made.score(pixels(0, 4, (8, 8, 3)), Context(pixels(1), {}))
    broken = made.weights()
    broken["generators.a2b.network.layers.0.weight"][0] = np.nan
    with pytest.raises(WeightsError, match="the weights of the rift are not finite"):
        made.load_weights(broken)
    with pytest.raises(WeightsError, match="of another network"):
        made.load_weights({name: array for name, array in made.weights().items() if "guides" not in name})


def test_the_guide_is_a_number_or_a_picture_of_yours(fitted: Path, tmp_path: Path) -> None:
    painted, context = pixels(0), Context(pixels(1), {})
    scores = [judge(fitted, guide=number).score(painted, context) for number in (0, 3)]
    assert not torch.equal(*scores), "another guide, other scores"
    kept = judge(fitted).network.get_buffer("guides_b")[3].permute(1, 2, 0).numpy()
    Image.fromarray(kept).save(tmp_path / "guide.png")
    own = judge(fitted, guide=str(tmp_path / "guide.png")).score(painted, context)
    torch.testing.assert_close(own, scores[1])
    for number in (-1, GUIDES):
        with pytest.raises(ConfigError, match=f"options.guide={number}, but the fit has kept 16 .* from 0 to 15, or"):
            judge(fitted, guide=number)
    with pytest.raises(ConfigError, match=r"options\.guide='nowhere\.png' cannot be read"):
        judge(fitted, guide="nowhere.png")
