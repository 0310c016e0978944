"""The dual distance is the optimum of the primal, has the right gradient, and aligns what a game does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from spiral.methods.dual_distance.model import distance, gaussian, linear, solve, witness
from spiral.methods.dual_distance.train import Alignment, AlignmentOptions


def primal_optimum(features: Tensor, count: int, penalty: float) -> float:
    """max_{w, b} Σ_A log σ(⟨w, x⟩ + b) + Σ_B log(1 − σ(⟨w, x⟩ + b)) − λ/2 ‖w‖², as the paper has it, by SciPy."""
    x, y = features.numpy(), np.where(np.arange(len(features)) < count, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        w, b = parameters[:-1], parameters[-1]
        margins = y * (x @ w + b)
        slopes = -y / (1 + np.exp(np.clip(margins, -700, 700)))
        value = np.logaddexp(0, -margins).sum() + penalty / 2 * w @ w
        return value, np.append(x.T @ slopes + penalty * w, slopes.sum())

    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options=options)
    return -float(found.fun)


def random_problem(seed: int) -> tuple[Tensor, Tensor, float]:
    """Two clouds that overlap more or less, and a penalty from 0.01 to 10."""
    rng = np.random.default_rng(seed)
    n, m, d = rng.integers(1, 30), rng.integers(1, 30), rng.integers(1, 5)
    a, b = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + rng.normal(scale=2, size=d)
    return torch.from_numpy(a), torch.from_numpy(b), float(10 ** rng.uniform(-2, 1))


@pytest.mark.parametrize("seed", range(100))
def test_the_dual_is_the_optimum_of_the_primal(seed: int) -> None:
    """Linear, and with a kernel, whose features are the rows of a root of the Gram matrix."""
    a, b, penalty = random_problem(seed)
    points = torch.cat((a, b))
    best = solve(linear(points, points), len(a), penalty)
    assert float(best.value) == pytest.approx(primal_optimum(points, len(a), penalty), abs=1e-4)
    gram = gaussian(1.5)(points, points)
    values, vectors = torch.linalg.eigh(gram)
    features = vectors * values.clamp(min=0).sqrt()
    best = solve(gram, len(a), penalty)
    assert float(best.value) == pytest.approx(primal_optimum(features, len(a), penalty), abs=1e-4)


def test_alpha_is_in_its_box_and_weighs_both_sets_alike() -> None:
    for seed in range(20):
        a, b, penalty = random_problem(seed)
        points = torch.cat((a, b))
        best = solve(gaussian(1.0)(points, points), len(a), penalty)
        assert float(best.alpha.min()) >= 0 and float(best.alpha.max()) <= 1
        assert float(best.alpha[: len(a)].sum()) == pytest.approx(float(best.alpha[len(a) :].sum()), abs=1e-6)


def test_the_box_of_the_slides_is_the_same_where_the_penalty_is_one_and_no_optimum_of_the_primal_elsewhere() -> None:
    """min over 0 ≤ α ≤ 1/λ of ½‖Σα a − Σα b‖² + H(α), which has no entropy at all for α above 1."""
    a, b = torch.tensor([[0.0], [1.0], [2.0]]).double(), torch.tensor([[1.5], [2.5], [4.0]]).double()
    points = torch.cat((a, b))

    def of_the_slides(penalty: float) -> float:
        signs = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]).double()
        quadratic = (signs[:, None] * linear(points, points) * signs).numpy()
        box = min(1.0, 1 / penalty)

        def objective(alpha: np.ndarray) -> float:
            safe = np.clip(alpha, 1e-12, 1 - 1e-12)
            entropy = (safe * np.log(safe) + (1 - safe) * np.log(1 - safe)).sum()
            return float(0.5 * safe @ quadratic @ safe + entropy)

        sums = {"type": "eq", "fun": lambda alpha: float(signs.numpy() @ alpha)}
        start = np.full(6, box / 2)
        return float(minimize(objective, start, bounds=[(0, box)] * 6, constraints=sums, method="SLSQP").fun)

    assert of_the_slides(1.0) == pytest.approx(primal_optimum(points, 3, 1.0), abs=1e-5)
    assert of_the_slides(4.0) != pytest.approx(primal_optimum(points, 3, 4.0), abs=0.1)


def test_the_distance_is_zero_where_nothing_can_be_told_and_log_two_where_all_is_known() -> None:
    a = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    assert float(distance(a, a, gaussian(1.0), 1.0)) == pytest.approx(0, abs=1e-6)
    assert float(distance(a, a + 100, linear, 1e-4)) == pytest.approx(math.log(2), abs=1e-2)


def test_its_gradient_is_that_of_the_optimum() -> None:
    """Central differences of the whole solution: nothing is lost by holding α fixed."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    a.requires_grad_()
    distance(a, b, gaussian(1.0), 0.3).backward()
    assert a.grad is not None
    for i, j in ((0, 0), (3, 1)):
        moved = torch.zeros_like(a)
        moved[i, j] = 1e-4
        higher, lower = (distance(a.detach() + sign * moved, b, gaussian(1.0), 0.3) for sign in (1, -1))
        assert float(a.grad[i, j]) == pytest.approx(float((higher - lower) / 2e-4), rel=1e-3, abs=1e-7)


def test_problems_side_by_side_are_solved_as_each_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(4, 10, 2, generator=generator) for _ in range(2))
    together = distance(a, b + 1, gaussian(1.0), 0.5)
    alone = torch.stack([distance(a[i], b[i] + 1, gaussian(1.0), 0.5) for i in range(4)])
    torch.testing.assert_close(together, alone)


def test_the_witness_is_the_log_odds_of_the_best_discriminator() -> None:
    """At each point of A, α = 1 − σ(f), and at each of B, α = σ(f)."""
    a, b, penalty = random_problem(3)
    points = torch.cat((a, b))
    gram = gaussian(1.0)(points, points)
    best = solve(gram, len(a), penalty)
    known = torch.sigmoid(witness(best, gram))
    expected = torch.cat((1 - known[: len(a)], known[len(a) :]))
    torch.testing.assert_close(best.alpha, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("count", "penalty", "entry"), [(0, 1.0, 1.0), (4, 1.0, 1.0), (2, 0.0, 1.0), (2, 1.0, math.nan)]
)
def test_what_has_no_optimum_is_refused(count: int, penalty: float, entry: float) -> None:
    with pytest.raises(ValueError, match="give one point of each set at least, finite numbers, and a penalty above 0"):
        solve(entry * torch.eye(4), count, penalty)


def test_the_dual_aligns_clouds_where_the_game_does_not() -> None:
    experiment = Alignment(AlignmentOptions(steps=120, alignments=10, points=20), 0, torch.device("cpu"))
    for name in ("linear-dual-0.1", "linear-game-0.1", "kernel-dual-0.1", "kernel-game-0.1"):
        for step in range(120):
            experiment.parts[name].step(step / 120)
    shares = {name: experiment.moving[name].converged() for name in experiment.moving if experiment.moving[name].errors}
    assert shares["linear-dual-0.1"] >= 0.9 > shares["linear-game-0.1"]
    assert shares["kernel-dual-0.1"] > shares["kernel-game-0.1"]
