"""Cameras that nobody calibrated, and how points are turned onto others: all batched, in torch.

A camera sees a point X at s·(R X)_xy / (1 + κ (R X)_z) + t. With κ = 0 this is a weak-perspective camera; κ says how
much larger things look that are nearer. Points have their mean in the origin and a spread (the root of their mean
squared distance from it) of 1, so that nothing depends on a metre, and κ is 1 over the distance in spreads.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DAMPING = 1e-3  # of a step of a camera, as a share of the curvature
LONGEST = 0.5  # in radians, that a camera turns in a step
FAR, NEAREST = 100.0, 0.3  # how strongly κ is held at 0, as an inverse square, and the most that it may be


@dataclass(frozen=True)
class Cameras:
    """V cameras for each of B things.

    Attributes:
        rotations: R, [B, V, 3, 3].
        scales: s, [B, V].
        shifts: t, [B, V, 2].
        nearness: κ, [B, V].
    """

    rotations: Tensor
    scales: Tensor
    shifts: Tensor
    nearness: Tensor

    def sees(self, points: Tensor) -> Tensor:
        """Where points [B, K, 3] are in the pictures, [B, V, K, 2]."""
        there, size = self.there(points)
        return self.scales[..., None, None] * there[..., :2] * size + self.shifts.unsqueeze(-2)

    def there(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Points [B, K, 3] in the cameras' axes, [B, V, K, 3], and how large each looks, [B, V, K, 1]."""
        there = points.unsqueeze(1) @ self.rotations.mT
        return there, 1 / (1 + self.nearness[..., None, None] * there[..., 2:]).clamp(min=0.2)

    def planes(self, points: Tensor) -> Tensor:
        """How points [B, K, 3] are seen to move when they move in the world, by their scale, [B, V, K, 2, 3]."""
        there, size = self.there(points)
        leaning = (self.nearness[..., None, None] * there[..., :2] * size).unsqueeze(-1)
        rotations = self.rotations.unsqueeze(2)
        return size.unsqueeze(-1) * (rotations[..., :2, :] - leaning * rotations[..., 2:, :])

    def of(self, things: slice, views: slice = slice(None)) -> Cameras:
        """Of some things and views."""
        return Cameras(
            self.rotations[things, views],
            self.scales[things, views],
            self.shifts[things, views],
            self.nearness[things, views],
        )


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
    rotation: Tensor = u @ vt
    return rotation


def turned(rotations: Tensor, points: Tensor) -> Tensor:
    """R x_k for rotations [..., 3, 3] and points [..., K, 3]."""
    return points @ rotations.mT


def rotation_of(vectors: Tensor) -> Tensor:
    """The rotations [..., 3, 3] about axes [..., 3] by their lengths, in radians."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    crossing = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).unflatten(-1, (3, 3))
    rotation: Tensor = torch.linalg.matrix_exp(crossing)
    return rotation


def placed(points: Tensor, rotations: Tensor, places: Tensor, weights: Tensor) -> Cameras:
    """Weak-perspective cameras of given rotations, whose scales and shifts make points be seen nearest to places.

    Args:
        points: of the things, [B, K, 3].
        rotations: of the cameras, [B, V, 3, 3].
        places: in the pictures, [B, V, K, 2].
        weights: of the places, [B, V, K].
    """
    there = torch.einsum("bvij,bkj->bvki", rotations[..., :2, :], points)
    share = (weights / weights.sum(-1, keepdim=True).clamp(min=1e-8)).unsqueeze(-1)
    here_mean, mean = (share * there).sum(-2, keepdim=True), (share * places).sum(-2, keepdim=True)
    moved = there - here_mean
    scales = (share * moved * (places - mean)).sum((-2, -1)) / (share * moved.square()).sum((-2, -1)).clamp(min=1e-8)
    scales = scales.clamp(min=1e-3)
    shifts = (mean - scales[..., None, None] * here_mean).squeeze(-2)
    return Cameras(rotations, scales, shifts, torch.zeros_like(scales))


def resected(points: Tensor, cameras: Cameras, places: Tensor, weights: Tensor) -> Cameras:
    """Cameras after one step of Gauss and Newton towards the least Σ_k w_k |u_k − seen at|² + FAR κ².

    Args:
        points: x, [B, K, 3].
        cameras: to begin with.
        places: u, [B, V, K, 2].
        weights: w, [B, V, K].
    """
    slopes = _slopes(points, cameras)
    left = places - cameras.sees(points)
    weighted = weights[..., None, None] * slopes
    curvature = torch.einsum("bvkip,bvkiq->bvpq", weighted, slopes)
    pull = torch.einsum("bvkip,bvki->bvp", weighted, left)
    pull[..., -1] -= FAR * cameras.nearness
    held = torch.zeros_like(pull)
    held[..., -1] = FAR
    damped = curvature + torch.diag_embed(held + DAMPING * curvature.diagonal(dim1=-2, dim2=-1) + 1e-6)
    turn, growth, shift, nearer = torch.linalg.solve(damped, pull).split((3, 1, 2, 1), -1)
    turn = turn * (LONGEST / turn.norm(dim=-1, keepdim=True).clamp(min=LONGEST))
    return Cameras(
        rotation_of(turn) @ cameras.rotations,
        cameras.scales * growth.squeeze(-1).clamp(-0.5, 0.5).exp(),
        cameras.shifts + shift,
        (cameras.nearness + nearer.squeeze(-1)).clamp(0, NEAREST),
    )


def _slopes(points: Tensor, cameras: Cameras) -> Tensor:
    """How points are seen to move when a camera turns about its axes, grows, shifts and comes near, [B, V, K, 2, 7]."""
    there, size = cameras.there(points)
    x, y, z = there.unbind(-1)
    w, k, s = size.squeeze(-1), cameras.nearness.unsqueeze(-1), cameras.scales.unsqueeze(-1)
    p, q = x * w, y * w  # where they are seen, but for scale and shift
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    across = (-k * p * q, w * (z + k * p * x), -q, p, zero, zero, -p * z * w)
    down = (-w * (z + k * q * y), k * p * q, p, q, zero, zero, -q * z * w)
    slopes = s[..., None, None] * torch.stack((torch.stack(across, -1), torch.stack(down, -1)), -2)
    slopes[..., 0, 4], slopes[..., 1, 5] = one, one
    return slopes
