"""A small network that finds objects in a picture and says where they stand, with nobody having told it where.

What it learns from are the positions that S1 and S2 found in several views of the same scenes. So the positions come
from how the views fit together, and the network carries them over to single pictures of the environment's own camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import as_pictures, writable_tensor
from spiral.descent import descend
from spiral.methods.experiment import Part
from spiral.methods.meta_pose.geometry import turned, turning
from spiral.methods.meta_pose.model import Refiner
from spiral.methods.meta_pose.sights import Estimate, Sights
from spiral.methods.meta_pose.training import RefiningOptions, rate_at

SIDE, CELLS = 64, 32  # of a picture, and of the grid in which objects are found
CORNERS = torch.tensor(((-1.0, 1, 0), (1, 1, 0), (1, -1, 0), (-1, -1, 0)))  # of the platform, in metres
RARE = 10.0  # times as much more than an empty cell weighs one with an object
AT_ONCE = 256


@dataclass(frozen=True)
class Found:
    """The n objects of a picture: where they are, in metres on the platform, and their colours, float32 [n, 3] each."""

    positions: NDArray[np.float32]
    colors: NDArray[np.float32]


class ObjectFinder(nn.Module):
    """Pictures [B, 3, 64, 64] in [0, 1] to the log-odds of an object's middle in each of 32×32 cells, and to positions.

    A cell's position is where the fitted camera sees it on the plane of the objects, and what the network adds to that.
    """

    camera: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(5, width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4, 1),
        )
        self.register_buffer("camera", torch.zeros(3, 3))  # from (x, y, 1) in the picture to a position

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The log-odds [B, 32, 32] and the positions [B, 3, 32, 32]."""
        grid = _middles(SIDE, pictures.device).expand(len(pictures), -1, -1, -1)
        logits, more = self.layers(torch.cat((pictures, grid), 1)).split((1, 3), 1)
        cells = _middles(CELLS, pictures.device)
        planes = torch.cat((cells, torch.ones_like(cells[:1])))
        return logits.squeeze(1), torch.einsum("ij,jyx->iyx", self.camera, planes) + more

    @torch.no_grad()
    def find(self, pictures: Tensor, threshold: float) -> list[Found]:
        """The objects in each picture [B, 3, 64, 64]: cells above the threshold that no neighbour exceeds."""
        self.eval()
        logits, positions = self(pictures)
        likely = logits.sigmoid()
        best = (likely >= functional.max_pool2d(likely, 3, 1, 1)) & (likely > threshold)
        colors = functional.avg_pool2d(pictures, SIDE // CELLS)
        return [
            Found(where[:, at].T.cpu().numpy(), color[:, at].T.cpu().numpy())
            for at, where, color in zip(best, positions, colors, strict=True)
        ]


def as_seen(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Pictures uint8 [B, H, W, C] of any size, grey or in colour, as the network takes them, [B, 3, 64, 64]."""
    pictures = as_pictures(writable_tensor(pixels).to(device))
    pictures = pictures.expand(-1, 3, -1, -1) if pictures.shape[1] == 1 else pictures[:, :3]
    if pictures.shape[-2:] == (SIDE, SIDE):
        return pictures
    return functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)


def on_platform(points: Tensor) -> Tensor:
    """Points [B, K, 3] in metres on the platform, whose corners are the first four of them."""
    corners = points[:, : len(CORNERS)]
    truth = CORNERS.to(points.device).expand_as(corners)
    middle = corners.mean(1, keepdim=True)
    rotations = turning(corners, truth)
    lying = turned(rotations, corners - middle)
    scale = (lying * truth).sum((1, 2)) / lying.square().sum((1, 2)).clamp(min=1e-8)
    return scale[:, None, None] * turned(rotations, points - middle)


class Finding(Part):
    """The training of the finder, on what a trained refiner makes of the same scenes.

    Args:
        images: the first view, uint8 [N, 64, 64, 3].
        sights: of all views.
        refiner: trained by the time that the first step is taken.
    """

    def __init__(
        self,
        options: RefiningOptions,
        steps: int,
        width: int,
        images: NDArray[np.uint8],
        sights: Sights,
        refiner: Refiner,
        seed: int,
    ) -> None:
        super().__init__(steps, seed)
        self.options, self.images, self.sights, self.refiner = options, images, sights, refiner
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = ObjectFinder(width).to(sights.means.device)
        self.networks = {"network": self.network}
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.optimizers = {"network": self.optimizer}
        self._lessons: tuple[Tensor, Tensor] | None = None

    def step(self, progress: float) -> dict[str, float]:
        """One step: how badly cells are told, and how far positions are off, in metres."""
        self.optimizer.param_groups[0]["lr"] = self.options.learning_rate * rate_at(progress)
        places, positions = self._taught()
        chosen = torch.randint(len(self.images), (self.options.batch_size // 2,), generator=self.generator)
        pictures = as_seen(self.images[chosen.numpy()], places.device)
        logits, found = self.network.train()(pictures)
        chosen = chosen.to(places.device)
        near, nearest = _nearness(places[chosen])
        told = functional.binary_cross_entropy_with_logits(logits, near, 1 + RARE * near)
        batch = torch.arange(len(chosen), device=places.device)[:, None, None]
        apart = (found - positions[chosen][batch, nearest].movedim(-1, 1)).norm(dim=1)
        off = (near * apart).sum() / near.sum()
        descend(told + off, self.network, self.optimizer, math.inf, "meta_pose's finder")
        return {"told": float(told.detach()), "off": float(off.detach())}

    def _taught(self) -> tuple[Tensor, Tensor]:
        """Where objects are in the first view, [N, K − 4, 2], and on the platform, [N, K − 4, 3], by S1 and S2."""
        if self._lessons is None:
            each = [self.refiner(self.sights[slice(i, i + AT_ONCE)]) for i in range(0, len(self.sights), AT_ONCE)]
            objects = slice(len(CORNERS), None)
            places = torch.cat([seen_first(estimate)[:, objects] for estimate in each])
            positions = torch.cat([on_platform(estimate.points)[:, objects] for estimate in each])
            self._lessons = places, positions
            if not self.network.camera.any():
                self.network.camera.copy_(_camera(places, positions))
        return self._lessons


def seen_first(estimate: Estimate) -> Tensor:
    """Where points are in the first view, [B, K, 2]."""
    return estimate.cameras.of(slice(None), slice(1)).sees(estimate.points)[:, 0]


def _camera(places: Tensor, positions: Tensor) -> Tensor:
    """The affine map [3, 3] from (x, y, 1) in the picture to positions that errs least."""
    known = torch.cat((places, torch.ones_like(places[..., :1])), -1).flatten(0, 1).double()
    # Not by LAPACK's least squares, whose last digits change with where in memory things lie.
    camera: Tensor = torch.linalg.solve(known.T @ known, known.T @ positions.flatten(0, 1).double()).T
    return camera.float()


def _nearness(places: Tensor) -> tuple[Tensor, Tensor]:
    """How near each cell is to the nearest of the places [B, n, 2], 1 there and e^−½ a cell away, and which it is.

    Both are [B, 32, 32].
    """
    cells = _middles(CELLS, places.device).flatten(1).T
    apart = (places.unsqueeze(2) - cells).norm(dim=-1) * CELLS / 2
    least, nearest = apart.min(1)
    shape = (len(places), CELLS, CELLS)
    return torch.exp(-least.square() / 2).view(shape), nearest.view(shape)


def _middles(cells: int, device: torch.device) -> Tensor:
    """Where the middles of cells are in the picture, x and y in [−1, 1], [2, cells, cells]."""
    line = (torch.arange(cells, device=device) + 0.5) * 2 / cells - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y))
