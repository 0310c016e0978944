"""The losses are the equations, the adapted features carry a label across domains, and the judge goes by them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from spiral.config import RewardTerm
from spiral.contracts import Arrays, WeightsError
from spiral.data import DatasetError, Pictures, Split
from spiral.data.catalogue import SETS
from spiral.methods import METHODS, find_experiment
from spiral.methods.dann import train as train_module
from spiral.methods.dann.domains import Domain, few_of_each, read_pair, weathered
from spiral.methods.dann.measures import (
    aligned,
    nearest_kind,
    proxy_distance,
    share_of_gap,
    subspace_alignment,
    svm_accuracy,
)
from spiral.methods.dann.model import (
    LAYOUTS,
    DomainAdversarial,
    NetworkOptions,
    annealed,
    deep,
    domain_loss,
    limit_norms,
    reversal_strength,
    reverse_gradient,
    shallow,
)
from spiral.methods.dann.reward import Dann, DannOptions, fitted_judge, judgement_of, spread
from spiral.methods.dann.shallow import Shallow, ShallowOptions
from spiral.methods.dann.training import Arm, Training, TrainingOptions
from spiral.methods.experiment import Experiment
from spiral.methods.fitting import Fit, Fitting, begin, load_parts, read_fit
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Lesson, Setting

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


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def slow_objective(
    parameters: dict[str, NDArray[np.float64]],
    source: NDArray[np.float64],
    labels: NDArray[np.int64],
    target: NDArray[np.float64],
    strength: float,
) -> tuple[float, float, float]:
    """E of (5.3.6), and its L_y and the sum of its L_d, one example after the other."""
    w, b, v, c, u, z = (parameters[name] for name in ("W", "b", "V", "c", "u", "z"))

    def hidden(x: NDArray[np.float64]) -> NDArray[np.float64]:  # (5.3.1)
        return np.array([logistic(sum(w[i, j] * x[j] for j in range(len(x))) + b[i]) for i in range(len(b))])

    def label_loss(x: NDArray[np.float64], y: int) -> float:
        powers = [math.exp(sum(v[k, i] * h for i, h in enumerate(hidden(x))) + c[k]) for k in range(len(c))]
        return -math.log(powers[y] / sum(powers))

    def domain(x: NDArray[np.float64], d: int) -> float:  # (5.3.4)
        g = logistic(sum(u[i] * h for i, h in enumerate(hidden(x))) + float(z))
        return -d * math.log(g) - (1 - d) * math.log(1 - g)

    of_labels = sum(label_loss(x, int(y)) for x, y in zip(source, labels, strict=True)) / len(source)
    of_domains = sum(domain(x, 0) for x in source) / len(source) + sum(domain(x, 1) for x in target) / len(target)
    return of_labels - strength * of_domains, of_labels, of_domains


def small_problem() -> tuple[
    DomainAdversarial, dict[str, str], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]
]:
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = shallow(2, 3, 4).double()
    names = {
        "W": "extractor.0.weight",
        "b": "extractor.0.bias",
        "V": "labels.0.weight",
        "c": "labels.0.bias",
        "u": "domains.weight",
        "z": "domains.bias",
    }
    return network, names, rng.normal(size=(5, 2)), rng.integers(0, 4, 5), rng.normal(size=(7, 2)) + 0.5


def test_the_losses_and_their_gradients_are_the_equations() -> None:
    """L_y − λ L_d is E; θ_f goes down E, θ_y down L_y, and θ_d down L_d with λ = 1 (5.3.6, 5.3.9, 5.3.10)."""
    network, names, source, labels, target = small_problem()
    strength = 0.7
    label_loss, loss = network.losses(
        torch.from_numpy(source), torch.from_numpy(labels), len(source), torch.from_numpy(target), strength
    )
    own = {name: network.get_parameter(path).detach().numpy().copy() for name, path in names.items()}
    own |= {"u": own["u"][0], "z": own["z"].reshape(())}
    objective, of_labels, of_domains = slow_objective(own, source, labels, target, strength)
    assert float(label_loss.detach()) == pytest.approx(of_labels, rel=1e-9)
    assert float(loss.detach()) == pytest.approx(of_domains, rel=1e-9)
    assert float((label_loss - strength * loss).detach()) == pytest.approx(objective, rel=1e-9)

    (label_loss + loss).backward()
    for name, path in names.items():
        gradient = network.get_parameter(path).grad
        assert gradient is not None
        at = np.unravel_index(1 if own[name].size > 1 else 0, own[name].shape)
        ends = []
        for moved in (1e-6, -1e-6):
            other = {key: array.copy() for key, array in own.items()}
            other[name][at] += moved
            ends.append(slow_objective(other, source, labels, target, strength))
        of = {"W": 0, "b": 0, "V": 1, "c": 1, "u": 2, "z": 2}[name]
        expected = (ends[0][of] - ends[1][of]) / 2e-6
        assert float(gradient.reshape(own[name].shape)[at]) == pytest.approx(expected, rel=1e-4, abs=1e-8), name


def test_the_domain_classifier_alone_descends_to_the_regulariser() -> None:
    """R of (5.3.5) is a maximum over u and z, found here by SciPy; −2 log 2 where the domains are the same."""
    network, _, source, _, target = small_problem()
    hidden = [network.extractor(torch.from_numpy(x)).detach() for x in (source, target)]

    def loss(parameters: NDArray[np.float64]) -> float:
        return sum(
            float(np.logaddexp(0, sign * (h.numpy() @ parameters[:-1] + parameters[-1])).mean())
            for sign, h in zip((1, -1), hidden, strict=True)
        )

    regulariser = -float(minimize(loss, np.zeros(4), method="BFGS").fun)
    optimizer = torch.optim.LBFGS(network.domains.parameters(), max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        found = domain_loss(*(network.domains(h).squeeze(1) for h in hidden))
        found.backward()
        return found

    optimizer.step(closure)
    assert -float(closure().detach()) == pytest.approx(regulariser, abs=1e-3)
    nothing = torch.zeros(3)
    assert float(domain_loss(nothing, nothing)) == pytest.approx(2 * math.log(2))


def test_the_reversal_is_the_identity_and_turns_the_gradient() -> None:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reverse_gradient(x, 0.3)
    assert torch.equal(y, x)
    (y * torch.tensor([5.0, 7.0])).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([-1.5, -2.1]))


def test_the_schedules_are_the_published_ones() -> None:
    assert reversal_strength(0) == 0 and reversal_strength(0.5) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert reversal_strength(1) == pytest.approx(1, abs=1e-4)
    assert annealed(0.01, 0) == 0.01 and annealed(0.01, 1) == pytest.approx(0.01 / 11**0.75)


@pytest.mark.parametrize(
    ("name", "features", "heads"),
    [
        ("mnist", 768, [(768, 100), (100, 100), (100, 10), (768, 100), (100, 1)]),
        ("svhn", 6272, [(6272, 3072), (3072, 2048), (2048, 10), (6272, 1024), (1024, 1024), (1024, 1)]),
        ("gtsrb", 1024, [(1024, 512), (512, 10), (1024, 1024), (1024, 1024), (1024, 1)]),
    ],
)
def test_the_networks_are_those_of_the_thesis(name: str, features: int, heads: list[tuple[int, int]]) -> None:
    network = deep(NetworkOptions.model_validate({"network": name, "normalized": False}), 10)
    linear = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == heads
    size = LAYOUTS[name].size  # type: ignore[index]
    assert network.extractor(torch.zeros(2, 3, size, size)).shape == (2, features)
    narrow = deep(NetworkOptions.model_validate({"network": name, "width": 0.25}), 43)
    assert narrow(torch.zeros(2, 3, size, size)).shape == (2, 43)


def test_each_domain_is_normalised_by_itself() -> None:
    """What the source looks like to G_f while it learns has nothing to do with the target in the same step."""
    network, generator = deep(NetworkOptions(width=0.1), 10), torch.Generator().manual_seed(0)
    source, labels = torch.rand(6, 3, 28, 28, generator=generator), torch.arange(6)
    found = [network.losses(source, labels, 6, level * torch.ones(4, 3, 28, 28), 1.0) for level in (0.0, 1.0)]
    assert torch.equal(found[0][0], found[1][0])


def test_whole_channels_are_left_out_while_learning_alone() -> None:
    extractor = deep(NetworkOptions(normalized=False), 10, dropped=0.5).extractor
    pictures = torch.rand(8, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    known = extractor.eval()(pictures).view(8, 48, 16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        left = extractor.train()(pictures).view(8, 48, 16)
    out = (left == 0).all(-1) & (known != 0).any(-1)
    assert 0.3 < float(out.float().sum() / (known != 0).any(-1).float().sum()) < 0.7
    torch.testing.assert_close(left[~out], 2 * known[~out])


def test_no_unit_has_more_weight_than_the_limit() -> None:
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0, 0.0], [0.3, 0.4, 0.0]]))
    limit_norms(layer, 1.0)
    torch.testing.assert_close(layer.weight.detach().norm(dim=1), torch.tensor([1.0, 0.5]), atol=1e-4, rtol=0)


def test_what_lies_by_its_kind_is_nearest_to_it_in_the_median() -> None:
    painted, kinds = np.array([[0.0], [0.2], [9.0], [5.0], [5.2], [0.0]], np.float32), np.array([0, 0, 0, 1, 1, 1])
    shown = np.array([[0.0], [5.0], [5.0]], np.float32)
    assert nearest_kind(shown, np.array([0, 1, 0]), painted, kinds) == pytest.approx(2 / 3)


def test_the_proxy_distance_is_two_where_domains_are_apart_and_nothing_where_they_are_the_same() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(400, 3)).astype(np.float32) for _ in range(2))
    assert proxy_distance(a, b + 20) == 2
    assert proxy_distance(a, b) < 0.25
    # A quarter of the points lie where the other domain's do, and half of these are taken for it: ε = 1/8.
    apart = np.where(np.arange(400)[:, None] % 4 == 0, 0, 10).astype(np.float32)
    assert proxy_distance(-apart, apart) == pytest.approx(2 * (1 - 2 / 8), abs=0.12)


def test_subspace_alignment_is_that_of_skada() -> None:
    skada = pytest.importorskip("skada", reason="skada is not installed: pip install skada")
    rng = np.random.default_rng(0)
    source = rng.normal(size=(40, 5)).astype(np.float32) * (5, 4, 3, 2, 1)
    target = (rng.normal(size=(30, 5)) * (1, 2, 3, 4, 5) + 1).astype(np.float32)
    ours = aligned(source.astype(np.float32), target, target, 3)
    adapter = skada._subspace.SubspaceAlignmentAdapter(3)
    domains = np.repeat((1, -2), (40, 30))
    theirs = adapter.fit(np.concatenate((source, target)), sample_domain=domains)
    both = theirs.transform(np.concatenate((source, target)), sample_domain=domains, allow_source=True)
    np.testing.assert_allclose(np.concatenate(ours), both, atol=1e-3)


def test_subspace_alignment_undoes_a_turn_of_the_features() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    source = (rng.normal(size=(400, 3)) * (0.3, 1, 0.1) + labels[:, None] * (6, 0, 0)).astype(np.float32)
    turned = source[:, [1, 0, 2]]
    assert svm_accuracy(source, labels, turned, labels) < 0.9
    accuracy, components = subspace_alignment(source, labels, turned, turned, labels, range(1, 9))
    assert accuracy == 1 and 1 <= components <= 3


def test_the_share_of_the_gap() -> None:
    assert share_of_gap(0.7666, 0.5225, 0.9596) == pytest.approx(0.5584, abs=1e-3)
    assert share_of_gap(0.5, 0.5, 0.5) is None


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


def experiment(name: str, changes: dict[str, object] | None = None) -> tuple[Experiment, dict[str, object]]:
    _, kind = find_experiment("dann", name)
    options = kind.Options.model_validate({**TINY, **(changes or {})})
    return kind(options, 0, CPU), options.model_dump(mode="json")


def fit(folder: Path, name: str, changes: dict[str, object], stop_after: int | None = None) -> Fitting:
    made, options = experiment(name, changes)
    if not folder.exists():
        begin(folder, Fit("dann", name, 0, options))
    found, states = read_fit(folder)
    load_parts(made, states)
    fitting = Fitting(folder, found, made, lambda *_: None)
    taken = iter(range(10**6))
    fitting.train(lambda: stop_after is not None and next(taken) + 1 >= stop_after)
    return fitting


def test_a_fit_measures_draws_and_judges_and_one_that_was_interrupted_ends_with_the_same_numbers(
    tmp_path: Path,
) -> None:
    """With the network that drops units at random and limits weights."""
    changes: dict[str, object] = {"network": "svhn", "width": 0.03}
    whole = fit(tmp_path / "whole", "syn-numbers", changes)
    table, compared = whole.finish()
    assert [row[0] for row in table.rows] == ["source only", "subspace alignment", "DANN", "train on target"]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert all(row[-2:] == (None, None) for row in table.rows), "the paper has no figures of these domains"
    assert {"domains.png", "learning.png", "features.png"} <= {path.name for path in (tmp_path / "whole").iterdir()}

    fit(tmp_path / "parts", "syn-numbers", changes, stop_after=4)
    resumed = fit(tmp_path / "parts", "syn-numbers", changes)
    assert resumed.finish() == [table, compared]
    assert all(0 <= float(row[1] or 0) <= 1 for row in compared.rows) and len(compared.rows) == 3
    expected, found = (read_fit(tmp_path / name)[1] for name in ("whole", "parts"))
    assert sorted(expected) == sorted(found)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)

    term = RewardTerm.model_validate({"name": "dann", "from": str(tmp_path / "whole")})
    judge = build_reward(term, setting(True, (16, 16, 1)))
    assert isinstance(judge, Dann) and judge.options.frozen and judge.options.network == "svhn"
    adapted = whole.experiment.parts["dann"].networks["network"]
    assert isinstance(adapted, DomainAdversarial)
    for part, known in ((judge.network.extractor, adapted.extractor), (judge.network.labels, adapted.labels[:-1])):
        assert part is not None
        for key, value in part.named_parameters():
            assert torch.equal(value, known.get_parameter(key))


def test_the_semi_supervised_setting_has_the_five_curves_of_the_figure() -> None:
    made, _ = experiment("few-labels", {"labelled": 2})
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


# --- as a judge ---


def setting(conditional: bool, shape: tuple[int, int, int] = (16, 16, 1), seed: int = 0) -> Setting:
    return Setting(shape, conditional, CPU, "float32", seed)


def judge(conditional: bool, shape: tuple[int, int, int] = (16, 16, 1), seed: int = 0, **options: object) -> Dann:
    small = {"width": 0.25, "batch_size": 8, "learning_rate": 2e-3}
    term = RewardTerm(name="dann", options={**small, **options})
    made = build_reward(term, setting(conditional, shape, seed))
    assert isinstance(made, Dann)
    return made


def from_fit(conditional: bool, shape: tuple[int, int, int] = (16, 16, 1), alike: bool = False) -> Dann:
    """With the features of a network that was not trained, as a fit of domains that are alike or not gives them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        options = NetworkOptions(width=0.25)
        shown, painted = (torch.from_numpy(pictures(seed, 12, (3, 28, 28))) for seed in (9, 9 if alike else 10))
        given = judgement_of(options, fitted_judge(options, deep(options, 10), shown, painted // (1 if alike else 3)))
    made = Dann(setting(conditional, shape), DannOptions.model_validate(given.options | {"learning_rate": 1e-2}))
    made.load_weights(given.weights)
    return made


def pictures(
    seed: int, count: int, shape: tuple[int, ...] = (16, 16, 1), low: int = 0, high: int = 256
) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(low, high, (count, *shape), np.uint8)


def lesson(seed: int, conditional: bool, shape: tuple[int, int, int] = (16, 16, 1)) -> Lesson:
    real = pictures(seed, 8, shape, high=56)
    return Lesson(real, pictures(seed + 100, 8, shape, low=200), real if conditional else None)


def test_it_is_in_the_table() -> None:
    assert METHODS["dann"].reward is Dann and list(METHODS["dann"].experiments)[0] == "mnist-m"


@pytest.mark.parametrize("shape", [(16, 16, 1), (20, 24, 3), (28, 28, 3)])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("make", [judge, from_fit])
def test_a_score_is_one_number_for_each_render(make: object, conditional: bool, shape: tuple[int, int, int]) -> None:
    made = make(conditional, shape)  # type: ignore[operator]
    renders, context = pictures(1, 5, shape), Context(pictures(2, 5, shape), {})
    before = made.state()
    scores = made.score(renders, context)
    assert (scores.shape, scores.dtype) == ((5,), torch.float32) and torch.isfinite(scores).all()
    assert torch.equal(made.score(renders, context), scores) and not scores.requires_grad
    assert all(np.array_equal(array, before[name]) for name, array in made.state().items())
    alone = made.score(renders[:1], Context(pictures(2, 5, shape)[:1], {}))
    torch.testing.assert_close(alone, scores[:1], rtol=1e-3, atol=1e-4)


def test_where_domains_are_alike_a_copy_is_the_best_and_the_target_of_another_is_minus_one() -> None:
    made, targets = from_fit(True, (28, 28, 3), alike=True), pictures(9, 12, (3, 28, 28)).transpose(0, 2, 3, 1)
    assert float(made.score(targets, Context(targets, {})).abs().max()) < 1e-4
    others = made.score(np.roll(targets, 1, 0), Context(targets, {}))
    assert float(others.mean()) == pytest.approx(-1, abs=1e-3)


def test_targets_are_seen_as_the_one_domain_of_the_fit_and_renders_as_the_other() -> None:
    made, light = from_fit(True, (28, 28, 3)), pictures(9, 12, (3, 28, 28)).transpose(0, 2, 3, 1)
    dark = light // 3  # as the fit's target is
    right = made.score(dark, Context(light, {})).mean()
    made.options = made.options.model_copy(update={"shown": "target"})
    wrong, other_way = made.score(dark, Context(light, {})).mean(), made.score(light, Context(dark, {})).mean()
    assert right > 0.3 * wrong and other_way > 0.3 * wrong, "each normalised by itself, they look the same"


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("make", [judge, from_fit])
def test_learning_lowers_the_loss_and_leaves_features_of_a_fit_alone(make: object, conditional: bool) -> None:
    made = make(conditional)  # type: ignore[operator]
    before = {name: value.clone() for name, value in made.network.extractor.state_dict().items()}
    losses = [made.update(lesson(seed, conditional))["loss"] for seed in range(40)]
    assert losses[-1] < 0.7 * losses[0] and made.version == 40
    same = [torch.equal(value, before[name]) for name, value in made.network.extractor.state_dict().items()]
    assert all(same) if made.options.frozen else not all(same)


def test_without_a_target_what_is_real_scores_higher() -> None:
    made = judge(False)
    for seed in range(40):
        made.update(lesson(seed, False))
    shown, context = lesson(99, False), Context(None, {})
    assert float(made.score(shown.real, context).min()) > float(made.score(shown.renders, context).max())


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("make", [judge, from_fit])
def test_another_goes_on_from_the_state_and_scores_by_the_weights(make: object, conditional: bool) -> None:
    made, other, scorer = (make(conditional) for _ in range(3))  # type: ignore[operator]
    made.update(lesson(0, conditional))
    other.load_state(made.state())
    assert made.update(lesson(1, conditional)) == other.update(lesson(1, conditional))
    scorer.load_weights(made.weights())
    context = Context(pictures(2, 5), {})
    assert torch.equal(scorer.score(pictures(1, 5), context), other.score(pictures(1, 5), context))
    weights = made.weights()
    others: list[Arrays] = [{}, weights | {"more": np.zeros(1)}, weights | {"yardstick": np.zeros(3, np.float32)}]
    for wrong in others:
        with pytest.raises(WeightsError):
            scorer.load_weights(wrong)


@pytest.mark.parametrize("make", [judge, from_fit])
def test_what_is_no_batch_of_pictures_is_refused_by_name(make: object) -> None:
    made, context = make(True), Context(pictures(2, 5), {})  # type: ignore[operator]
    batches: list[Any] = [pictures(1, 0), np.full((5, 16, 16, 1), np.nan, np.float32)]
    for wrong in batches:
        with pytest.raises(ValueError, match="the reward 'dann' takes one uint8 picture or more, but was given"):
            made.score(wrong, Context(wrong, {}))
        with pytest.raises(ValueError, match="the reward 'dann' takes one uint8 picture or more"):
            made.update(replace(lesson(0, True), real=wrong, targets=wrong))
    with pytest.raises(ValueError, match="the reward 'dann' scores pictures of shape"):
        made.score(pictures(1, 5, (8, 8, 1)), context)
    with pytest.raises(ValueError, match="the reward 'dann' compares with a target"):
        made.score(pictures(1, 5), Context(None, {}))


def test_the_spread_is_the_mean_distance_of_neighbours() -> None:
    assert float(spread(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))) == 5
