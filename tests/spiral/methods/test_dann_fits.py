"""Every experiment of DANN ends with its tables, and the adapted features carry a label across domains."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from spiral.config import RewardTerm
from spiral.data import DatasetError, Pictures, Split
from spiral.data.catalogue import SETS
from spiral.methods import find_experiment
from spiral.methods.dann import train as train_module
from spiral.methods.dann.domains import Domain, few_of_each, read_pair, weathered
from spiral.methods.dann.measures import (
    share_of_gap,
)
from spiral.methods.dann.model import (
    DomainAdversarial,
    shallow,
)
from spiral.methods.dann.reward import Dann
from spiral.methods.dann.shallow import Shallow, ShallowOptions
from spiral.methods.dann.training import Arm, Training, TrainingOptions
from spiral.methods.experiment import Experiment
from spiral.methods.fitting import read_fit, read_results
from spiral.rewards import build_reward
from spiral.rewards.base import Setting
from tests.spiral.methods import tiny_fits

CPU = torch.device("cpu")
TINY = {
    "source": "mnist5k",
    "target": "mnist5k+weather",
    "network": "mnist",
    "width": 0.125,
    "steps": 3,
    "baseline_steps": 3,
    "batch_size": 16,
    "pictures": 120,
    "measured": 50,
}


class Toy:
    """A data set of two kinds of picture, or of none."""

    def __init__(self, kinds: int | None) -> None:
        self.kinds = kinds

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        images = (
            np.zeros((20, canvas_size, canvas_size, 3), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None]
        )
        return Pictures(images, None if self.kinds is None else np.arange(20) % self.kinds)


def test_a_set_seen_in_two_ways_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETS, "toy", lambda root: Toy(4))
    pair = read_pair("toy", "toy", 8, 100)
    shown = [set(domain.images[:, 0, 0, 0].tolist()) for domain in (pair.source, pair.target)]
    assert shown[0] | shown[1] == set(range(20)) and not shown[0] & shown[1]
    assert pair.classes == 4 and len(pair.source_test) == len(pair.target_test) == 20
    assert len(read_pair("toy", "toy+weather", 8, 3).source) == 3
    as_it_is, negative = (read_pair("toy", name, 8, 9).target_test.images for name in ("toy", "toy+negative"))
    assert torch.equal(negative, 255 - as_it_is)


def test_what_cannot_be_adapted_to_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kinds in (("toy", 4), ("more", 7), ("nameless", None)):
        monkeypatch.setitem(SETS, name, lambda root, kinds=kinds: Toy(kinds))
    with pytest.raises(DatasetError, match="more shows 7 kinds of thing and toy 4: give a source that shows all"):
        read_pair("toy", "more", 8, 100)
    with pytest.raises(DatasetError, match="the data set nameless has no labels"):
        read_pair("nameless", "toy", 8, 100)
    for nothing in ("nothing", "toy+rain"):
        with pytest.raises(DatasetError, match=f"no data set is called '{nothing.replace('+', '.')}'"):
            read_pair("toy", nothing, 8, 100)


def test_the_weather_is_decided_by_its_seed_and_leaves_pictures_pictures() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), np.uint8)
    seen = weathered(images, 0)
    assert seen.shape == images.shape and seen.dtype == np.uint8
    assert np.array_equal(seen, weathered(images, 0)) and not np.array_equal(seen, weathered(images, 1))
    assert len(np.unique(seen[0] == images[0])) == 2 or not (seen[0] == images[0]).any()


def test_few_labels_are_so_many_of_each() -> None:
    domain = Domain(torch.arange(30).view(30, 1), torch.arange(30) % 3)
    few = few_of_each(domain, 4, torch.Generator().manual_seed(0))
    assert torch.bincount(few.labels).tolist() == [4, 4, 4]
    assert torch.equal(few.images[:, 0] % 3, few.labels)


def test_the_real_target_is_taken_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, numbers, signs in ((True, "svhn", "gtsrb"), (False, "mnist", "syn-signs+weather")):
        monkeypatch.setattr(train_module, "ready", lambda name, there=there: there)
        assert train_module.SynNumbersOptions().target == numbers
        assert train_module.SynSignsOptions().target == signs


def fit_tiny(experiment: str, folder: Path, *stops: int, **changes: object) -> Experiment:
    return tiny_fits.fit_tiny("dann", experiment, {**TINY, **changes}, folder, *stops)


def test_a_fit_measures_draws_and_judges_and_one_that_was_interrupted_ends_with_the_same_numbers(
    tmp_path: Path,
) -> None:
    """With the network that drops units at random and limits weights."""
    whole = fit_tiny("syn-numbers", tmp_path / "whole", network="svhn", width=0.03)
    table, compared = read_results(tmp_path / "whole")
    assert [row[0] for row in table.rows] == ["source only", "subspace alignment", "DANN", "train on target"]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert all(row[-2:] == (None, None) for row in table.rows), "the paper has no figures of these domains"
    assert {"domains.png", "learning.png", "features.png"} <= {path.name for path in (tmp_path / "whole").iterdir()}

    fit_tiny("syn-numbers", tmp_path / "parts", 4, network="svhn", width=0.03)
    assert read_results(tmp_path / "parts") == [table, compared]
    assert all(0 <= float(row[1] or 0) <= 1 for row in compared.rows) and len(compared.rows) == 3
    expected, found = (read_fit(tmp_path / name)[1] for name in ("whole", "parts"))
    assert sorted(expected) == sorted(found)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)

    term = RewardTerm.model_validate({"name": "dann", "from": str(tmp_path / "whole")})
    judge = build_reward(term, Setting((16, 16, 1), True, CPU, "float32", 0))
    assert isinstance(judge, Dann) and judge.options.frozen and judge.options.network == "svhn"
    adapted = whole.parts["dann"].networks["network"]
    assert isinstance(adapted, DomainAdversarial)
    for part, known in ((judge.network.extractor, adapted.extractor), (judge.network.labels, adapted.labels[:-1])):
        assert part is not None
        for key, value in part.named_parameters():
            assert torch.equal(value, known.get_parameter(key))


def test_the_semi_supervised_setting_has_the_five_curves_of_the_figure() -> None:
    _, kind = find_experiment("dann", "few-labels")
    made = kind(kind.Options.model_validate({**TINY, "labelled": 2}), 0, CPU)
    assert list(made.parts) == ["real", "syn", "syn adapted", "syn + real", "syn + real adapted"]
    for part in made.parts.values():
        assert all(math.isfinite(value) for value in part.step(0.5).values())
    (table,) = made.measure()
    assert [row[0] for row in table.rows] == list(made.parts)
    assert made.judgement() is not None


def test_the_shares_of_the_paper_follow_from_its_accuracies_but_for_mnist_m() -> None:
    for domains, rows in train_module.PAPER.items():
        for accuracy, share in rows if domains[1] != "mnist-m" else ():
            assert share_of_gap(accuracy, rows[0][0], rows[3][0]) == pytest.approx(share, abs=1e-3)


def test_a_label_is_carried_to_another_domain() -> None:
    """The first axis tells the kinds apart everywhere; the second does so better, but in the source alone."""
    rng = np.random.default_rng(0)

    def domain(second: tuple[float, float]) -> Domain:
        labels = rng.integers(0, 2, 400)
        middles = np.stack((2.0 * labels - 1, np.take(second, labels)), axis=1)
        points = middles + rng.normal(size=(400, 2)) * (0.6, 0.3)
        return Domain(torch.from_numpy(points.astype(np.float32)), torch.from_numpy(labels))

    source, target = domain((-1, 1)), domain((-1, -1))
    options = TrainingOptions(steps=400, baseline_steps=400, optimizer="sgd", learning_rate=0.1)
    accuracies = []
    for arm in (Arm([source]), Arm([source], target)):
        training = Training(options, arm, lambda: shallow(2, 8, 2), math.inf, target, 0, CPU)
        for step in range(options.steps):
            training.step(step / options.steps)
        accuracies.append(training.accuracy(target))
        assert len(training.curve) == 40
    assert accuracies[1] > accuracies[0] + 0.1


def test_moons_that_are_turned() -> None:
    made = Shallow(ShallowOptions(steps=30, baseline_steps=30, points=60), 0, CPU)
    angle = float(torch.rad2deg(torch.atan2(*_direction(made.target)) - torch.atan2(*_direction(made.source))))
    assert abs(angle) == pytest.approx(35, abs=6)
    for part in made.parts.values():
        for step in range(30):
            part.step(step / 30)
    assert [row[0] for row in made.measure()[0].rows] == ["source", "dann", "target"]


def _direction(domain: Domain) -> tuple[torch.Tensor, torch.Tensor]:
    """From one moon to the other."""
    apart = domain.images[domain.labels == 1].mean(0) - domain.images[domain.labels == 0].mean(0)
    return apart[1], apart[0]
