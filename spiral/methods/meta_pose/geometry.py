"""Weak-perspective cameras and how points are turned onto others: all batched, in torch.

A camera sees a point X at s·(R X)_xy + t. Points have their mean in the origin and a spread (the root of their mean
squared distance from it) of 1, so that nothing depends on a metre.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DAMPING = 1e-3  # of a step of a camera, as a share of the curvature
LONGEST = 0.5  # in radians, that a camera turns in a step


@dataclass(frozen=True)
class Cameras:
    """V cameras for each of B things.

    Attributes:
        rotations: R, [B, V, 3, 3].
        scales: s, [B, V].
        shifts: t, [B, V, 2].
    """

    rotations: Tensor
    scales: Tensor
    shifts: Tensor

    def sees(self, points: Tensor) -> Tensor:
        """Where points [B, K, 3] are in the pictures, [B, V, K, 2]."""
        there = torch.einsum("bvij,bkj->bvki", self.rotations[..., :2, :], points)
        return self.scales[..., None, None] * there + self.shifts.unsqueeze(-2)

    def first(self, count: int) -> Cameras:
        """Of the first views alone."""
        return Cameras(self.rotations[:, :count], self.scales[:, :count], self.shifts[:, :count])


def standard(points: Tensor) -> Tensor:
    """Points [..., K, D] with their mean in the origin and a spread of 1."""
    centred = points - points.mean(-2, keepdim=True)
    return centred / centred.square().sum(-1).mean(-1)[..., None, None].sqrt().clamp(min=1e-8)


def turning(points: Tensor, onto: Tensor) -> Tensor:
    """The rotation R [..., 3, 3] with the least Σ_k |R (x_k − x̄) − s (y_k − ȳ)|², both [..., K, 3] (Kabsch, 1976)."""
    x, y = points - points.mean(-2, keepdim=True), onto - onto.mean(-2, keepdim=True)
    u, _, vt = torch.linalg.svd(y.mT @ x)
    mirrored = torch.linalg.det(u @ vt).sign()
    u = torch.cat((u[..., :2], u[..., 2:] * mirrored[..., None, None]), -1)
    return u @ vt


def turned(rotations: Tensor, points: Tensor) -> Tensor:
    """R x_k for rotations [..., 3, 3] and points [..., K, 3]."""
    return points @ rotations.mT


def rotation_of(vectors: Tensor) -> Tensor:
    """The rotations [..., 3, 3] about axes [..., 3] by their lengths, in radians."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    crossing = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(crossing)


def placed(points: Tensor, rotations: Tensor, places: Tensor, weights: Tensor) -> Cameras:
    """Cameras of given rotations, whose scales and shifts make points [B, K, 3] be seen nearest to places [B, V, K, 2].

    Args:
        points: of the things.
        rotations: of the cameras, [B, V, 3, 3].
        places: in the pictures.
        weights: of the places, [B, V, K].
    """
    there = torch.einsum("bvij,bkj->bvki", rotations[..., :2, :], points)
    share = (weights / weights.sum(-1, keepdim=True).clamp(min=1e-8)).unsqueeze(-1)
    here_mean, mean = (share * there).sum(-2, keepdim=True), (share * places).sum(-2, keepdim=True)
    moved = there - here_mean
    scales = (share * moved * (places - mean)).sum((-2, -1)) / (share * moved.square()).sum((-2, -1)).clamp(min=1e-8)
    scales = scales.clamp(min=1e-3)
    return Cameras(rotations, scales, (mean - scales[..., None, None] * here_mean).squeeze(-2))


def resected(points: Tensor, cameras: Cameras, places: Tensor, weights: Tensor) -> Cameras:
    """Cameras after one step of Gauss and Newton towards the least Σ_k w_k |s (R x_k)_xy + t − u_k|².

    Args:
        points: x, [B, K, 3].
        cameras: to begin with.
        places: u, [B, V, K, 2].
        weights: w, [B, V, K].
    """
    there = torch.einsum("bvij,bkj->bvki", cameras.rotations, points)
    x, y, z = (cameras.scales[..., None, None] * there).unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    # How a point is seen to move when the camera turns about its axes, grows, and shifts.
    across = torch.stack((zero, z, -y, x, one, zero), -1)
    down = torch.stack((-z, zero, x, y, zero, one), -1)
    slopes = torch.stack((across, down), -2)  # [B, V, K, 2, 6]
    left = places - cameras.sees(points)
    weighted = weights[..., None, None] * slopes
    curvature = torch.einsum("bvkip,bvkiq->bvpq", weighted, slopes)
    pull = torch.einsum("bvkip,bvki->bvp", weighted, left)
    diagonal = curvature.diagonal(dim1=-2, dim2=-1)
    damped = curvature + torch.diag_embed(DAMPING * diagonal + 1e-6)
    step = torch.linalg.solve(damped, pull)
    turn = step[..., :3]
    turn = turn * (LONGEST / turn.norm(dim=-1, keepdim=True).clamp(min=LONGEST))
    grown = cameras.scales * step[..., 3].clamp(-0.5, 0.5).exp()
    return Cameras(rotation_of(turn) @ cameras.rotations, grown, cameras.shifts + step[..., 4:])
