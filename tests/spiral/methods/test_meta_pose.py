"""MetaPose: cameras and mixtures beside slow formulas, and S1 and S2 where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from actors.views_making import draw_views
from spiral.methods.meta_pose.baselines import adjusted, triangulated, triangulated_with_truth
from spiral.methods.meta_pose.geometry import (
    Cameras,
    _slopes,
    placed,
    resected,
    rotation_of,
    standard,
    turned,
    turning,
)
from spiral.methods.meta_pose.measures import aligned, aligned_error, scaled_error
from spiral.methods.meta_pose.model import (
    STIFF,
    Refiner,
    Step,
    cameras_at,
    displacements,
    initial,
    mean_shape,
    pull_of,
)
from spiral.methods.meta_pose.sights import FLOOR, Estimate, Sights, log_likelihood, sights_of, unlikeliness
from spiral.methods.meta_pose.training import Refining, RefiningOptions
from tests.spiral.methods.noise import random

CPU = torch.device("cpu")


def rotations(*shape: int, seed: int = 0) -> Tensor:
    found = Rotation.random(int(np.prod(shape)), random_state=seed).as_matrix()
    return torch.from_numpy(found).float().view(*shape, 3, 3)


def cameras(count: int, views: int, seed: int = 0, near: bool = False) -> Cameras:
    scales = 0.3 + 0.2 * random(count, views, seed=seed).sigmoid()
    shifts, nearness = 0.1 * random(count, views, 2, seed=seed), 0.1 * torch.ones(count, views)
    return Cameras(rotations(count, views, seed=seed), scales, shifts, nearness if near else 0 * nearness)


def exact(
    count: int = 3, views: int = 4, points: int = 9, deviation: float = 0.01, near: bool = False
) -> tuple[Tensor, Cameras, Sights]:
    """Things that cameras see without any noise, by weak perspective or from near."""
    truth, seeing = standard(random(count, points, 3)), cameras(count, views, near=near)
    means = seeing.sees(truth).unsqueeze(-2).repeat(1, 1, 1, 2, 1)
    means[..., 1, :] += 0.5
    deviations = torch.full(means.shape[:-1], deviation)
    weights = torch.tensor((0.9, 0.1)).expand(means.shape[:-1])
    alone = turned(seeing.rotations, truth.unsqueeze(1))
    return truth, seeing, Sights(means, deviations, weights, alone, torch.ones(means.shape[:3]))


@pytest.fixture(scope="module")
def drawn() -> Sights:
    return sights_of(draw_views("views-figure", (0, 0, 0), 24).seen, CPU)


def test_a_rotation_is_found_and_never_a_mirror() -> None:
    points, turns = random(5, 7, 3), rotations(5)
    moved = 2 * turned(turns, points) + 3
    torch.testing.assert_close(turning(points, moved), turns, atol=1e-4, rtol=1e-4)
    mirrored = turning(points, moved * torch.tensor((1.0, 1, -1)))
    torch.testing.assert_close(torch.linalg.det(mirrored), torch.ones(5))
    flat = points * torch.tensor((1.0, 1, 0))
    torch.testing.assert_close(
        turned(turning(flat, turned(turns, flat)), flat), turned(turns, flat), atol=1e-4, rtol=1e-4
    )


def test_rotations_about_an_axis_are_those_of_scipy() -> None:
    vectors = random(6, 3)
    expected = Rotation.from_rotvec(vectors.double().numpy()).as_matrix()
    np.testing.assert_allclose(rotation_of(vectors).numpy(), expected, atol=1e-5)


def test_cameras_are_found_from_where_they_see_known_points() -> None:
    truth, seeing, sights = exact()
    ones = torch.ones(sights.shown.shape)
    found = placed(truth, seeing.rotations, sights.places, ones)
    torch.testing.assert_close(found.scales, seeing.scales)
    torch.testing.assert_close(found.shifts, seeing.shifts)


@pytest.mark.parametrize("near", [False, True])
def test_cameras_step_to_where_they_see_known_points(near: bool) -> None:
    truth, seeing, sights = exact(near=near)
    turns = rotation_of(0.2 * random(3, 4, 3)) @ seeing.rotations
    off = Cameras(turns, 1.1 * seeing.scales, seeing.shifts + 0.05, 0 * seeing.nearness)
    for _ in range(8):
        off = resected(truth, off, sights.places, torch.full(sights.shown.shape, 1e6))
    torch.testing.assert_close(off.rotations, seeing.rotations, atol=2e-3, rtol=0)
    torch.testing.assert_close(off.nearness, seeing.nearness, atol=3e-3, rtol=0)
    torch.testing.assert_close(off.sees(truth), sights.places, atol=1e-3, rtol=0)


def test_slopes_are_those_of_small_changes() -> None:
    truth, seeing, _ = exact(near=True)
    slopes, small = _slopes(truth, seeing), 1e-2
    ways = torch.eye(7) * small
    for number, way in enumerate(ways):
        both = []
        for sign in (1, -1):
            turn, growth, shift, nearer = (sign * way).split((3, 1, 2, 1))
            moved = Cameras(
                rotation_of(turn) @ seeing.rotations,
                seeing.scales * growth.exp(),
                seeing.shifts + shift,
                seeing.nearness + nearer,
            )
            both.append(moved.sees(truth))
        torch.testing.assert_close((both[0] - both[1]) / (2 * small), slopes[..., number], atol=2e-3, rtol=1e-2)
    for axis, step in enumerate(torch.eye(3) * small):
        change = (seeing.sees(truth + step) - seeing.sees(truth - step)) / (2 * small)
        expected = seeing.scales[..., None, None] * seeing.planes(truth)[..., axis]
        torch.testing.assert_close(change, expected, atol=2e-3, rtol=1e-2)


def test_a_step_of_a_camera_sees_points_nearer_to_where_they_pull(drawn: Sights) -> None:
    points = initial(drawn)
    before = cameras_at(points, drawn)
    after = resected(points, before, drawn.places, drawn.shown)

    def left(seeing: Cameras) -> Tensor:
        return (seeing.sees(points) - drawn.places).square().sum((-1, -2))

    assert (left(after) <= left(before) + 1e-5).float().mean() > 0.97


def test_the_likelihood_is_that_of_the_mixture_and_the_floor() -> None:
    _, _, sights = exact(1, 2, 3, deviation=0.2)
    places = sights.places + 0.1
    found = log_likelihood(places, sights).logsumexp(-1)
    for v in range(2):
        for k in range(3):
            density = FLOOR / 4
            for m in range(2):
                s, u = float(sights.deviations[0, v, k, m]), places[0, v, k] - sights.means[0, v, k, m]
                gaussian = np.exp(-float(u @ u) / (2 * s**2)) / (2 * np.pi * s**2)
                density += (1 - FLOOR) * float(sights.weights[0, v, k, m]) * gaussian
            assert float(found[0, v, k]) == pytest.approx(np.log(density), rel=1e-4)


def test_only_what_counts_is_paid_for() -> None:
    truth, seeing, sights = exact()
    counted = torch.zeros(sights.shown.shape)
    counted[0, 1, 2] = 1
    value = unlikeliness(Estimate(truth, seeing), sights, counted)
    torch.testing.assert_close(value, -log_likelihood(sights.places, sights).logsumexp(-1)[0, 1, 2])


def test_a_displacement_is_that_of_the_least_regularised_squares() -> None:
    truth, seeing, sights = exact(deviation=0.1, near=True)
    points = truth + 0.05 * random(*truth.shape, seed=3)
    pull = pull_of(points, seeing, sights, 0.0)
    moved, precision = displacements(pull)
    for k in range(truth.shape[1]):
        rows, values = [np.sqrt(STIFF) * np.eye(3)], [np.zeros(3)]
        for v in range(4):
            root = np.sqrt(float(pull.strengths[0, v, k]))
            plane = seeing.planes(points)[0, v, k].numpy()
            rows.append(root * plane)
            off = np.linalg.lstsq(plane.T, pull.off[0, v, k].numpy(), rcond=None)[0]  # in the picture
            values.append(root * off)
        expected, *_ = np.linalg.lstsq(np.concatenate(rows), np.concatenate(values), rcond=None)
        np.testing.assert_allclose(moved[0, k].numpy(), expected, atol=1e-4)
    assert (precision > 0).all()


@torch.no_grad()
def test_what_is_exact_stays_exact() -> None:
    """S1 with the right positions from each view is right, and S2 that has learned nothing leaves it so."""
    truth, seeing, sights = exact()
    refiner = Refiner(truth.shape[1], 2, 8)
    refiner.mean.copy_(mean_shape(sights))
    estimates = list(refiner.refinements(sights))
    assert len(estimates) == 3
    for estimate in estimates:
        assert float(aligned_error(estimate.points, truth).max()) < 0.01
        assert float((estimate.cameras.sees(estimate.points) - sights.places).abs().max()) < 0.01
        in_camera = [turned(c.rotations[:, 0], p) for c, p in ((estimate.cameras, estimate.points), (seeing, truth))]
        assert float(scaled_error(*in_camera).max()) < 0.02


@torch.no_grad()
def test_regularised_adjustment_alone_already_mends_what_single_views_make_of_depth(drawn: Sights) -> None:
    truth = torch.from_numpy(draw_views("views-figure", (0, 0, 0), 24).truth.points)
    refiner = Refiner(truth.shape[1], 2, 8)
    refiner.mean.copy_(mean_shape(drawn))
    first, *_, last = (float(aligned_error(each.points, truth).mean()) for each in refiner.refinements(drawn))
    assert last < 0.6 * first < 0.1


@torch.no_grad()
def test_what_is_hidden_has_no_part_in_the_estimate(drawn: Sights) -> None:
    refiner = learned(drawn)
    hidden = (random(*drawn.shown.shape) > -0.8).float()
    changed = torch.where(hidden.bool()[..., None, None], drawn.means, drawn.means + 0.3)
    for sights in (drawn, replace(drawn, means=changed)):
        estimate = refiner(sights.showing(hidden))
        if sights is drawn:
            expected = estimate
    torch.testing.assert_close(estimate.points, expected.points)
    torch.testing.assert_close(estimate.cameras.rotations, expected.cameras.rotations)


@torch.no_grad()
def test_views_that_are_not_used_have_no_part_in_the_points(drawn: Sights) -> None:
    refiner = learned(drawn)
    *_, last = refiner.refinements(drawn, 2)
    *_, alone = refiner.refinements(drawn.of_views(slice(2)))
    torch.testing.assert_close(last.points, alone.points)
    assert last.cameras.scales.shape == (24, 4) and alone.cameras.scales.shape == (24, 2)


@torch.no_grad()
def test_the_order_of_views_means_nothing_to_a_refinement(drawn: Sights) -> None:
    (step,) = learned(drawn, refinements=1).steps
    assert isinstance(step, Step)
    points = initial(drawn)
    seeing, order = cameras_at(points, drawn), torch.tensor((2, 0, 3, 1))
    other = Cameras(
        seeing.rotations[:, order], seeing.scales[:, order], seeing.shifts[:, order], seeing.nearness[:, order]
    )
    soft = torch.full((24, 4, 1, 1), 0.05)
    torch.testing.assert_close(
        step(points, seeing, drawn, soft), step(points, other, drawn.of_views(order), soft), rtol=1e-4, atol=1e-4
    )


def learned(sights: Sights, refinements: int = 2) -> Refiner:
    options = RefiningOptions(steps=1, batch_size=8, width=16, refinements=refinements)
    part = Refining(options, sights, seed=0)
    with torch.enable_grad():
        part.step(0.3)
    return part.network


@pytest.mark.parametrize("blind", [True, False])
def test_the_likelihood_of_what_was_not_shown_rises(drawn: Sights, blind: bool) -> None:
    part = Refining(RefiningOptions(steps=60, batch_size=24, width=32, refinements=3), drawn, 0, blind)
    measured = [part.step(step / 60) for step in range(60)]
    losses = [sum(each[name] for name in ("S2, 1", "S2, 2", "S2, 3")) for each in measured]
    assert np.mean(losses[-15:]) < np.mean(losses[:15]) - 0.02
    assert measured[0]["S1"] > measured[0]["S2, 2"]


def test_errors_are_those_after_the_best_alignment() -> None:
    truth = random(4, 9, 3)
    moved = 3 * turned(rotations(4), truth) + 7
    assert float(aligned_error(moved, truth).max()) < 1e-5
    torch.testing.assert_close(aligned(moved, truth), truth, atol=1e-4, rtol=1e-4)
    assert float(scaled_error(3 * truth + 7, truth).max()) < 1e-5 < float(scaled_error(moved, truth).min())
    off = truth + 0.1 * random(4, 9, 3, seed=1)
    assert (aligned_error(off, truth) <= scaled_error(off, truth) * 1.05).all()
    by_hand = torch.stack([aligned(off, truth)[i] - truth[i] for i in range(4)]).norm(dim=-1).mean(-1)
    torch.testing.assert_close(aligned_error(off, truth), by_hand)


def test_triangulation_is_exact_where_nothing_is_noisy() -> None:
    truth, seeing, sights = exact()
    torch.testing.assert_close(triangulated(sights.places, seeing), truth, atol=1e-3, rtol=1e-3)
    views = draw_views("views-figure", (0, 0, 0), 4).truth
    points, turns, positions, focals = map(
        torch.from_numpy, (views.points, views.rotations, views.positions, views.focals)
    )
    there = torch.einsum("bvij,bvkj->bvki", turns, points.unsqueeze(1) - positions.unsqueeze(2))
    places = focals[..., None, None] * there[..., :2] / there[..., 2:]
    found = triangulated_with_truth(places[:, :2], turns[:, :2], positions[:, :2], focals[:, :2])
    torch.testing.assert_close(found, points, atol=5e-3, rtol=0)


def test_bundle_adjustment_mends_an_estimate_of_what_is_not_noisy() -> None:
    truth, seeing, sights = exact(1)
    turns = rotation_of(0.1 * random(1, 4, 3)) @ seeing.rotations
    off = Cameras(turns, seeing.scales, seeing.shifts, seeing.nearness)
    found = adjusted(Estimate(truth + 0.1 * random(*truth.shape, seed=2), off), sights)
    assert float(aligned_error(found.points, truth)) < 2e-3
    assert float((found.cameras.sees(found.points) - sights.places).abs().max()) < 2e-3
