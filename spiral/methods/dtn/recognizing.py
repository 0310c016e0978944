"""An f for faces: who is it? The paper's DeepFace learned that from millions of labelled photos, which nobody has here.

So every photo is of somebody else, and other photos of the same person are made of it: cropped, mirrored, with other
light. f learns to find the other picture of a person among those of a batch (Chen et al., "A simple framework for
contrastive learning of visual representations", 2020). A second one, fitted with another seed, is the independent
descriptor by which drawings are retrieved, in the place of the paper's VGG face descriptor.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from spiral.descent import descend
from spiral.methods.dtn.model import Perception
from spiral.methods.dtn.pixels import Pixels, in_chunks
from spiral.methods.dtn.reading import Sampling, TransferOptions, rate_at, with_seed

TEMPERATURE = 0.2
ZOOM, SHIFT, LIGHT = 0.12, 0.12, 0.25  # how far another picture of somebody differs


class Recognizing(Sampling):
    """The training of an f that knows faces again."""

    def __init__(self, options: TransferOptions, pixels: Pixels, seed: int) -> None:
        super().__init__(options.perception_steps, options.batch_size, seed)
        self.options, self.pixels = options, pixels
        made = with_seed(seed, lambda: Perception(options.perception_width))
        self.perception = made.to(pixels.images.device)
        self.networks = {"perception": self.perception}
        self.optimizers = {"perception": torch.optim.Adam(self.perception.parameters())}

    def step(self, progress: float) -> dict[str, float]:
        """One step towards telling two pictures of the same from those of others."""
        optimizer = self.optimizers["perception"]
        optimizer.param_groups[0]["lr"] = self.options.perception_rate * rate_at(progress)
        pictures = self.pixels.inputs(self.some(self.pixels))
        one, other = (another_picture(pictures, self.generator) for _ in range(2))
        self.perception.train()
        loss = recognition_loss(*self.perception(torch.cat((one, other))).chunk(2))
        descend(loss, self.perception, optimizer, math.inf, "the recognition of the dtn")
        self.perception.eval()
        return {"loss": float(loss.detach())}

    def seen(self, pictures: Tensor) -> Tensor:
        """f of pictures [N, C, 32, 32]."""
        return in_chunks(self.perception, lambda some: pictures[some], len(pictures))


def recognition_loss(one: Tensor, other: Tensor) -> Tensor:
    """How hard it is to find each in the other [N, F] by its cosine, in nats; log N for who knows nothing."""
    cosines = functional.normalize(one, dim=1) @ functional.normalize(other, dim=1).T / TEMPERATURE
    places = torch.arange(len(one), device=one.device)
    return (functional.cross_entropy(cosines, places) + functional.cross_entropy(cosines.T, places)) / 2


def another_picture(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """The same people [N, 3, H, W] in [−1, 1], nearer or farther, elsewhere, half mirrored, with other light."""
    count = len(pictures)

    def uniform(spread: float, *shape: int) -> Tensor:
        drawn = torch.rand(count, *shape, generator=generator)
        return ((2 * drawn - 1) * spread).to(pictures.device)

    mirrored = uniform(1.0).sign()
    zoom = 1 + uniform(ZOOM)
    grid = torch.zeros(count, 2, 3, device=pictures.device)
    grid[:, 0, 0], grid[:, 1, 1], grid[:, :, 2] = zoom * mirrored, zoom, uniform(SHIFT, 2)
    places = functional.affine_grid(grid, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, places, padding_mode="reflection", align_corners=False)
    return (moved * (1 + uniform(LIGHT, 3, 1, 1)) + uniform(LIGHT, 3, 1, 1)).clamp(-1, 1)
