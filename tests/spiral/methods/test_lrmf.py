"""LRMF: its loss beside slow sums, its special cases in closed form, its experiments in small, and its reward."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.data import DatasetError
from spiral.methods import find_experiment
from spiral.methods.fitting import Fit, Fitting, begin, load_parts, read_fit, read_results
from spiral.methods.lrmf import features, special_cases, vanishing
from spiral.methods.lrmf.baselines import squared_mmd
from spiral.methods.lrmf.gaussian import GaussianOptions, MatchingMoments, best_likelihood, match_moments, random_clouds
from spiral.methods.lrmf.model import (
    AffineMap,
    Flow,
    FlowMap,
    FlowOptions,
    Gaussian,
    Map,
    bound,
    covariance,
    likelihood_ratio,
    lrmf_loss,
)
from spiral.methods.lrmf.moons import moons, turned
from spiral.methods.lrmf.reward import LikelihoodRatio
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Lesson, Setting
from spiral.section import ConfigError, parse_section

Network = TypeVar("Network", bound=torch.nn.Module)
SMALL = FlowOptions(couplings=2, hidden=8)
SHAPE = (32, 32, 1)
SETTING = Setting(SHAPE, conditional=False, device=torch.device("cpu"), precision="float32", seed=3)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def shaken(network: Network, size: float = 0.3) -> Network:
    """The network with weights that are no identity."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(size * torch.randn(weight.shape, generator=generator))
    return network


# The loss.


def test_the_loss_is_the_sum_of_theorem_2_3() -> None:
    a, b = normal(6, 3, seed=1), 2 + normal(5, 3, seed=2)
    mapping, shared = shaken(AffineMap(3)), shaken(Gaussian(3))
    moved, log_det = mapping(a)
    loss = lrmf_loss(log_det, shared.log_prob(moved), shared.log_prob(b), torch.tensor(1.5))

    matrix, shift = mapping.matrix.detach().double(), mapping.shift.detach().double()
    factor = shared.lower.detach().double().tril(-1) + torch.diag(shared.lower.detach().double().diagonal().exp())
    spread, mean = factor @ factor.T, shared.mean.detach().double()
    known = torch.distributions.MultivariateNormal(mean, covariance_matrix=spread)
    expected = 1.5
    for point in a.double():
        expected -= float(torch.det(matrix).abs().log() + known.log_prob(matrix @ point + shift)) / len(a)
    for point in b.double():
        expected -= float(known.log_prob(point)) / len(b)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mapping", [AffineMap(2), FlowMap(2, SMALL)])
def test_log_determinants_are_those_of_the_jacobian(mapping: Map) -> None:
    shaken(mapping)
    points = normal(4, 2)
    _, log_det = mapping(points)
    for point, value in zip(points, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: mapping(x.unsqueeze(0))[0][0], point)
        assert float(torch.det(jacobian).abs().log()) == pytest.approx(float(value.detach()), abs=1e-5)


@pytest.mark.parametrize("mapping", [AffineMap(3), AffineMap(3, turns=False), FlowMap(3, SMALL)])
def test_a_fresh_map_is_the_identity(mapping: Map) -> None:
    points = normal(7, 3)
    moved, log_det = mapping(points)
    assert torch.allclose(moved, points, atol=1e-6)
    assert torch.equal(log_det, torch.zeros(7))


def test_a_shift_never_turns() -> None:
    mapping = AffineMap(2, turns=False)
    mapping(normal(5, 2))[0].square().sum().backward()
    assert mapping.matrix.grad is None
    assert mapping.shift.grad is not None


@pytest.mark.parametrize("density", [Gaussian(2), Flow(2, SMALL)])
def test_densities_sum_to_one(density: Any) -> None:
    shaken(density, 0.2)
    side = torch.linspace(-12, 12, 300)
    grid = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).flatten(0, 1)
    mass = density.log_prob(grid).exp().sum() * (side[1] - side[0]) ** 2
    assert float(mass.detach()) == pytest.approx(1, abs=2e-3)


def test_the_fitted_gaussian_is_the_most_likely() -> None:
    points = 1 + normal(50, 3) @ normal(3, 3, seed=1)
    density = Gaussian(3)
    density.fit(points)
    density.log_prob(points).mean().backward()
    assert all(float(weight.grad.abs().max()) < 1e-4 for weight in density.parameters() if weight.grad is not None)
    entropy = 0.5 * float(torch.logdet(2 * math.pi * math.e * covariance(points)))
    assert float(density.log_prob(points).mean().detach()) == pytest.approx(-entropy, abs=1e-4)


def test_gaussians_side_by_side_are_as_each_alone() -> None:
    points = normal(4, 30, 2)
    together = best_likelihood(points)
    assert torch.allclose(together, torch.stack([best_likelihood(each) for each in points]), atol=1e-5)


def test_lemma_2_2_is_an_equation_for_gaussians_and_affine_maps() -> None:
    """An affine image of a Gaussian is Gaussian, so that ε = 0."""
    a, mapping = normal(60, 3), shaken(AffineMap(3)).requires_grad_(False)
    moved, log_det = mapping(a)
    density = Gaussian(3)
    density.fit(a)
    right = bound(density.log_prob(a).detach(), log_det)
    assert float(best_likelihood(moved)) == pytest.approx(float(right), abs=1e-4)


@torch.no_grad()
def test_the_loss_is_the_distance_with_the_bound_in_place() -> None:
    """Here the bound is an equation, so that the loss of the best shared density is the distance itself."""
    a, b = normal(40, 2), 1 + 2 * normal(40, 2, seed=1)
    moved, log_det = shaken(AffineMap(2))(a)
    shared, private = Gaussian(2), Gaussian(2)
    shared.fit(torch.cat((moved, b)))
    private.fit(a)
    constant = private.log_prob(a).mean() + best_likelihood(b)
    loss = lrmf_loss(log_det, shared.log_prob(moved), shared.log_prob(b), constant)
    of_moved, of_b = Gaussian(2), Gaussian(2)
    of_moved.fit(moved)
    of_b.fit(b)
    distance = likelihood_ratio(of_moved.log_prob(moved), of_b.log_prob(b), shared.log_prob(moved), shared.log_prob(b))
    assert float(loss) == pytest.approx(float(distance), abs=1e-4)
    assert float(distance) > 0.1


# The special cases.


def test_gaussian_lrmf_matches_mean_and_variance() -> None:
    options = GaussianOptions(steps=1000, problems=3, points=60, features=2)
    experiment = MatchingMoments(options, 1, torch.device("cpu"))
    for step in range(options.steps):
        experiment.aligning.step(step / options.steps)
    _, learned, exact = experiment.measure()[0].rows
    for row in (learned, exact):
        assert max(abs(float(value)) for value in row[1:] if value is not None) < 1e-3, row


def test_moments_matched_in_closed_form() -> None:
    a, b = random_clouds(GaussianOptions(problems=3, points=50, features=3), 2)
    moved = match_moments(a, b)
    assert torch.allclose(moved.mean(-2), b.mean(-2), atol=1e-4)
    assert torch.allclose(covariance(moved), covariance(b), atol=1e-4)


def test_infinite_capacity_is_twice_the_jensen_shannon_divergence() -> None:
    a, b = special_cases.densities()
    grid = special_cases.GRID
    kinds = [grid.gaussians, *(grid.histograms(bins) for bins in (2, 16, 256))]
    for project in kinds:
        assert grid.likelihood_ratio(a, b, project) == pytest.approx(special_cases.corrected(a, b, project), abs=1e-9)
    finest = grid.likelihood_ratio(a, b, grid.histograms(grid.size))
    assert finest == pytest.approx(2 * grid.jensen_shannon(a, b), abs=1e-9)
    apart = grid.mixture(np.array([-6.0]), np.array([0.2])), grid.mixture(np.array([6.0]), np.array([0.2]))
    assert grid.jensen_shannon(*apart) == pytest.approx(math.log(2), abs=1e-9)


def test_the_equivalent_game_has_the_value_of_the_loss_where_m_holds_means_of_its_members() -> None:
    a, b = special_cases.densities()
    grid = special_cases.GRID
    for bins in (2, 8):
        distance = grid.likelihood_ratio(a, b, grid.histograms(bins))
        found = special_cases.best_game(special_cases.histogram_family(bins), bins, a, b)
        assert found == pytest.approx(distance, abs=1e-5)
    gaussian = grid.likelihood_ratio(a, b, grid.gaussians)
    assert special_cases.best_game(special_cases.gaussian_family, 2, a, b) > gaussian + 0.01
    assert special_cases.best_game(special_cases.gaussian_family, 2, a, a) == pytest.approx(0, abs=1e-6)


def test_the_gradient_in_a_shift_is_the_slope_of_the_loss() -> None:
    grid = vanishing.GRID

    def loss(distance: float) -> float:
        near = grid.mixture(vanishing.CENTRES, vanishing.WIDTHS)
        far = grid.mixture(vanishing.CENTRES + distance, vanishing.WIDTHS)
        shared = np.log(grid.mixture(*grid.fit_mixture((near + far) / 2, np.array([0.0, distance]))) + 1e-300)
        return -grid.mean(shared, near) - grid.mean(shared, far)

    slope = (loss(4.05) - loss(3.95)) / 0.1
    assert vanishing.gradient_in_shift(4.0) == pytest.approx(slope, rel=0.01)


def test_the_gradient_vanishes_like_a_gaussian_of_the_distance() -> None:
    options = vanishing.VanishingOptions(farthest=6)
    slopes, fit = vanishing.Vanishing(options, 0, torch.device("cpu")).measure()
    assert [row[0] for row in slopes.rows] == ["1", "2", "3", "4", "5", "6"]
    for _, gradient, _, published in slopes.rows[3:]:
        assert isinstance(gradient, float)
        assert gradient == pytest.approx(published, rel=0.3), "over two orders of magnitude"
    (_, slope, published), _, (_, explained, _) = fit.rows
    assert slope == pytest.approx(published, rel=0.1)
    assert isinstance(explained, float)
    assert explained > 0.995


# The experiments.


def test_moons_are_half_circles_and_their_turned_form_is_affine() -> None:
    points = moons(4000, torch.Generator().manual_seed(0))
    assert torch.allclose(points.mean(0), torch.tensor([0.5, 0.25]), atol=0.05)
    middle = turned((points[:1] + points[1:2]) / 2)
    assert torch.allclose(middle, (turned(points[:1]) + turned(points[1:2])) / 2, atol=1e-5)


def test_mmd_is_zero_for_equal_sets_alone() -> None:
    a = normal(20, 3)
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


def fitted(folder: Path, name: str, stop_after: int | None, changes: dict[str, Any] | None = None) -> Any:
    """The tables of an experiment in small, interrupted and resumed if `stop_after` says so."""
    _, kind = find_experiment("lrmf", name)
    options = parse_section(kind.Options, TINY[name] | (changes or {}))
    begin(folder, Fit("lrmf", name, 5, options.model_dump(mode="json")))
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == stop_after

    done = False
    while not done:
        fit, states = read_fit(folder)
        made = kind(parse_section(kind.Options, fit.options), fit.seed, torch.device("cpu"))
        load_parts(made, states)
        done = Fitting(folder, fit, made, lambda *_: None).train(stop)
    return Fitting(folder, read_fit(folder)[0], made, lambda *_: None).finish()


@pytest.mark.parametrize("name", TINY)
def test_an_experiment_in_small_gives_tables_and_pictures(name: str, tmp_path: Path) -> None:
    tables = fitted(tmp_path / "run", name, None)
    assert read_results(tmp_path / "run")[0].title == tables[0].title
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        figures = [value for row in table.rows for value in row if isinstance(value, float)]
        assert np.isfinite(figures).all()
    assert [path.name for path in (tmp_path / "run").glob("*.png")] == [f"{name}.png"]


@pytest.mark.parametrize("stop_after", [3, 21])
def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(stop_after: int, tmp_path: Path) -> None:
    whole, resumed = (
        json.dumps([table.rows for table in fitted(tmp_path / folder, "digits", stop)])
        for folder, stop in (("whole", None), ("resumed", stop_after))
    )
    assert whole == resumed


def test_digits_in_the_features_of_a_vae(tmp_path: Path) -> None:
    table = fitted(tmp_path / "run", "digits", None, {"encoder": "vae"})[0]
    assert table.title == "digits8 onto digits8, in features of a vae"


# The reward.


def drawn(count: int, seed: int, vertical: bool) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pictures of a bar of ink, upright or level."""
    generator = np.random.default_rng(seed)
    pictures = np.full((count, *SHAPE), 255, np.uint8)
    for picture, place in zip(pictures, generator.integers(8, 22, count), strict=True):
        picture[(slice(6, 26), slice(place, place + 3)) if vertical else (slice(place, place + 3), slice(6, 26))] = 0
    return pictures


def lesson(seed: int) -> Lesson:
    return Lesson(drawn(16, seed, vertical=True), drawn(16, seed + 1000, vertical=False), None)


def reward(seed: int = 3, shape: tuple[int, int, int] = SHAPE, **options: Any) -> LikelihoodRatio:
    small = {"features": 8, "batch_size": 16, "flow": SMALL.model_dump(), **options}
    made = build_reward(RewardTerm(name="lrmf", options=small), replace(SETTING, seed=seed, canvas_shape=shape))
    assert isinstance(made, LikelihoodRatio)
    return made


NOTHING = Context(None, {})


def test_the_score_is_the_ratio_of_two_likelihoods() -> None:
    judge = reward()
    shaken(judge.network)
    renders = drawn(3, 1, vertical=True)
    scores = judge.score(renders, NOTHING)
    small = renders[..., 0].reshape(3, 16, 2, 16, 2).mean(axis=(2, 4)).reshape(3, -1) / 255
    seen = torch.from_numpy(small.astype(np.float32)) @ judge.network.projection / math.sqrt(1 + 1e-5)
    with torch.no_grad():
        ratio = judge.network.real.flow().log_prob(seen) - judge.network.shared.flow().log_prob(seen)
    expected = [min(float(r), math.log(2)) if r > 0 else -math.log1p(-float(r)) for r in ratio]
    assert scores.tolist() == pytest.approx(expected, abs=1e-3)
    assert min(expected) < 0, "so that the logarithm was tried"


def test_learning_tells_real_pictures_from_renders_and_lowers_both_losses() -> None:
    judge = reward(learning_rate=5e-3)
    measured = [judge.update(lesson(step)) for step in range(150)]
    for name in ("private_loss", "shared_loss"):
        first, last = (np.mean([each[name] for each in part]) for part in (measured[:10], measured[-10:]))
        assert last < first - 1
    real = judge.score(drawn(40, 7, vertical=True), NOTHING)
    fake = judge.score(drawn(40, 8, vertical=False), NOTHING)
    assert float(fake.mean()) < -1.5
    assert float(real.mean()) > 0.3
    assert float(real.max()) <= math.log(2) + 1e-6


def test_alike_pictures_are_worth_nothing() -> None:
    judge = reward(learning_rate=5e-3)
    for step in range(150):
        judge.update(Lesson(drawn(16, step, vertical=True), drawn(16, step + 1000, vertical=True), None))
    assert abs(float(judge.score(drawn(200, 7, vertical=True), NOTHING).mean())) < 0.5


@pytest.mark.parametrize("shape", [(32, 32, 1), (24, 40, 3), (64, 64, 3), (8, 8, 1)])
def test_pictures_of_any_shape_are_scored_alike_each_time(shape: tuple[int, int, int]) -> None:
    judge = reward(shape=shape)
    pictures = np.random.default_rng(0).integers(0, 256, (5, *shape)).astype(np.uint8)
    judge.update(Lesson(pictures, pictures[::-1].copy(), None))
    before = {name: array.copy() for name, array in judge.state().items()}
    scores = judge.score(pictures, NOTHING)
    assert scores.shape == (5,)
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()
    assert not scores.requires_grad
    assert torch.equal(scores, judge.score(pictures, NOTHING))
    assert all(np.array_equal(before[name], array) for name, array in judge.state().items())


def test_weights_travel_and_a_state_goes_on_bit_for_bit() -> None:
    judge, other, copy = reward(), reward(seed=9), reward(seed=11)
    judge.update(lesson(0))
    pictures = drawn(4, 1, vertical=True)
    other.load_weights(judge.weights())
    assert torch.equal(judge.score(pictures, NOTHING), other.score(pictures, NOTHING))
    copy.load_state(judge.state())
    assert judge.update(lesson(1)) == copy.update(lesson(1))
    assert copy.version == judge.version == 2
    assert torch.equal(judge.score(pictures, NOTHING), copy.score(pictures, NOTHING))
    with pytest.raises(WeightsError, match="another network"):
        other.load_weights(reward(features=6).weights())


def test_what_it_cannot_take_is_refused_and_changes_nothing() -> None:
    judge = reward()
    judge.update(lesson(0))
    before = judge.state()
    good, other = drawn(4, 1, vertical=True), np.zeros((4, 16, 16, 1), np.uint8)
    with pytest.raises(ValueError, match="'lrmf' scores pictures of shape"):
        judge.score(other, NOTHING)
    with pytest.raises(ValueError, match="'lrmf' takes 1 pictures or more here, but got 0"):
        judge.score(good[:0], NOTHING)
    with pytest.raises(ValueError, match="'lrmf' takes pictures of uint8, but got float32"):
        judge.score(np.full((4, *SHAPE), np.nan, np.float32), NOTHING)
    wrong: list[tuple[Any, Any, str]] = [
        (good[:0], good, "2 pictures or more here, but got 0"),
        (good, good[:1], "2 pictures or more here, but got 1"),
        (good, other, "scores pictures of shape"),
        (good.astype(np.float32) * np.nan, good, "pictures of uint8"),
    ]
    for real, renders, message in wrong:
        with pytest.raises(ValueError, match=message):
            judge.update(Lesson(real, renders, None))
    assert all(np.array_equal(before[name], array) for name, array in judge.state().items())


def test_an_agent_that_copies_is_told_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"set agent\.conditional=false, or take l2"):
        build_reward(RewardTerm(name="lrmf"), replace(SETTING, conditional=True))


def test_the_reward_is_known_by_its_name_and_needs_no_fit() -> None:
    judge = build_reward(RewardTerm(name="lrmf", options={"features": 4}), SETTING)
    assert isinstance(judge, LikelihoodRatio)
    assert judge.score(drawn(2, 0, vertical=True), NOTHING).shape == (2,)
