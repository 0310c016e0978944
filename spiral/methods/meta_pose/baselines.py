"""What MetaPose is measured against: triangulation, with the true cameras and without, and bundle adjustment.

All take a detector at its word: a point is where its likeliest Gaussian lies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation
from torch import Tensor

from spiral.methods.meta_pose.geometry import Cameras
from spiral.methods.meta_pose.sights import Estimate, Sights

Array = NDArray[np.float64]


def triangulated_with_truth(places: Tensor, rotations: Tensor, positions: Tensor, focals: Tensor) -> Tensor:
    """Points [B, K, 3] by true cameras: the direct linear transform of each point.

    A camera that sees it at u says that the point lies in two planes, (f r_i − u_i r_z)·(x − c) = 0.

    Args:
        places: u, [B, V, K, 2].
        rotations: of the cameras, rows r, [B, V, 3, 3].
        positions: c, [B, V, 3].
        focals: f, [B, V].
    """
    axes = focals[..., None, None, None] * rotations[:, :, None, :2, :]
    planes = axes - places.unsqueeze(-1) * rotations[:, :, None, 2:, :]  # [B, V, K, 2, 3]
    planes = planes / planes.norm(dim=-1, keepdim=True)
    offsets = torch.einsum("bvkij,bvj->bvki", planes, positions)
    return _least_squares(planes, offsets)


def triangulated(places: Tensor, cameras: Cameras) -> Tensor:
    """Points [B, K, 3] by weak-perspective cameras: the least Σ_v |s (R x)_xy + t − u|² of each point."""
    planes = cameras.scales[..., None, None] * cameras.rotations[..., :2, :]
    planes = planes.unsqueeze(2).expand(-1, -1, places.shape[2], -1, -1)
    return _least_squares(planes, places - cameras.shifts.unsqueeze(2))


def _least_squares(planes: Tensor, offsets: Tensor) -> Tensor:
    """The points x [B, K, 3] with the least Σ (p·x − o)² over planes p [B, V, K, 2, 3] and offsets o [B, V, K, 2]."""
    curvature = torch.einsum("bvkip,bvkiq->bkpq", planes, planes)
    pull = torch.einsum("bvkip,bvki->bkp", planes, offsets)
    points: Tensor = torch.linalg.solve(curvature + 1e-9 * torch.eye(3, device=planes.device), pull)
    return points


def adjusted(estimate: Estimate, sights: Sights) -> Estimate:
    """One thing's points and cameras after bundle adjustment by SciPy, from an estimate of it (B is 1).

    What is left in a picture counts in the detector's deviations, and by soft ℓ₁, so that what is far off counts less.
    """
    points, cameras = estimate.points[0].double().numpy(), estimate.cameras
    places, deviations = sights.places[0].double().numpy(), sights.deviations[0, ..., 0].double().numpy()
    views = len(places)
    turns = Rotation.from_matrix(cameras.rotations[0].double().numpy()).as_rotvec()
    scales, shifts, nearness = (part[0].double().numpy() for part in (cameras.scales, cameras.shifts, cameras.nearness))
    start = np.concatenate((points.ravel(), turns.ravel(), np.log(scales), shifts.ravel(), nearness))

    def left(unknowns: Array) -> Array:
        x, rotations, scales, shifts, nearness = _unpacked(unknowns, points.shape[0], views)
        there = x @ rotations.transpose(0, 2, 1)
        size = scales[:, None, None] / np.maximum(1 + nearness[:, None, None] * there[..., 2:], 0.2)
        seen = size * there[..., :2] + shifts[:, None]
        ravelled: Array = ((seen - places) / deviations[..., None]).ravel()
        return ravelled

    found: Any = least_squares(left, start, loss="soft_l1", x_scale="jac", ftol=1e-4, max_nfev=100)
    x, *cameras_found = (_tensor(part) for part in _unpacked(found.x, points.shape[0], views))
    return Estimate(x, Cameras(*cameras_found))


def _unpacked(unknowns: Array, count: int, views: int) -> tuple[Array, ...]:
    """Points, and the cameras' rotations, scales, shifts and nearness."""
    sizes = (3 * count, 3 * views, views, 2 * views)
    points, turns, log_scales, shifts, nearness = np.split(unknowns, np.cumsum(sizes))
    rotations = Rotation.from_rotvec(turns.reshape(views, 3)).as_matrix()
    return points.reshape(count, 3), rotations, np.exp(log_scales), shifts.reshape(views, 2), nearness


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float().unsqueeze(0)
