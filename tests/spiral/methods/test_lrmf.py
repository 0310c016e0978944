"""LRMF: its loss beside slow sums, and its special cases in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spiral.methods.lrmf import special_cases, vanishing
from spiral.methods.lrmf.gaussian import GaussianOptions, MatchingMoments, best_likelihood, match_moments, random_clouds
from spiral.methods.lrmf.model import (
    AffineMap,
    Flow,
    FlowMap,
    Gaussian,
    Map,
    bound,
    covariance,
    likelihood_ratio,
    lrmf_loss,
)
from tests.spiral.methods.lrmf_toys import SMALL, shaken
from tests.spiral.methods.noise import random

# The loss.


def test_the_loss_is_the_sum_of_theorem_2_3() -> None:
    a, b = random(6, 3, seed=1), 2 + random(5, 3, seed=2)
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
    points = random(4, 2)
    _, log_det = mapping(points)
    for point, value in zip(points, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: mapping(x.unsqueeze(0))[0][0], point)
        assert float(torch.det(jacobian).abs().log()) == pytest.approx(float(value.detach()), abs=1e-5)


@pytest.mark.parametrize("mapping", [AffineMap(3), AffineMap(3, turns=False), FlowMap(3, SMALL)])
def test_a_fresh_map_is_the_identity(mapping: Map) -> None:
    points = random(7, 3)
    moved, log_det = mapping(points)
    assert torch.allclose(moved, points, atol=1e-6)
    assert torch.equal(log_det, torch.zeros(7))


def test_a_shift_never_turns() -> None:
    mapping = AffineMap(2, turns=False)
    mapping(random(5, 2))[0].square().sum().backward()
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
    points = 1 + random(50, 3) @ random(3, 3, seed=1)
    density = Gaussian(3)
    density.fit(points)
    density.log_prob(points).mean().backward()
    assert all(float(weight.grad.abs().max()) < 1e-4 for weight in density.parameters() if weight.grad is not None)
    entropy = 0.5 * float(torch.logdet(2 * math.pi * math.e * covariance(points)))
    assert float(density.log_prob(points).mean().detach()) == pytest.approx(-entropy, abs=1e-4)


def test_gaussians_side_by_side_are_as_each_alone() -> None:
    points = random(4, 30, 2)
    together = best_likelihood(points)
    assert torch.allclose(together, torch.stack([best_likelihood(each) for each in points]), atol=1e-5)


def test_lemma_2_2_is_an_equation_for_gaussians_and_affine_maps() -> None:
    """An affine image of a Gaussian is Gaussian, so that ε = 0."""
    a, mapping = random(60, 3), shaken(AffineMap(3)).requires_grad_(False)
    moved, log_det = mapping(a)
    density = Gaussian(3)
    density.fit(a)
    right = bound(density.log_prob(a).detach(), log_det)
    assert float(best_likelihood(moved)) == pytest.approx(float(right), abs=1e-4)


@torch.no_grad()
def test_the_loss_is_the_distance_with_the_bound_in_place() -> None:
    """Here the bound is an equation, so that the loss of the best shared density is the distance itself."""
    a, b = random(40, 2), 1 + 2 * random(40, 2, seed=1)
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
