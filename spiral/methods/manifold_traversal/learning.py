"""The part that learns the manifold: features of some pictures at a step, and at the last step their components."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.agent import as_pictures, writable_tensor
from spiral.contracts import Arrays
from spiral.methods.experiment import Part
from spiral.methods.manifold_traversal.features import CHUNK, Features
from spiral.methods.manifold_traversal.model import Manifold, principal

NORMALIZED_BY = 64  # pictures by which layers are brought to one mean activation


def inputs_of(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Pictures uint8 [N, H, W, 3] as Ω takes them, [N, 3, H, W] in [0, 1]."""
    return as_pictures(writable_tensor(images).to(device)).contiguous()


class Learning(Part):
    """The manifold of pictures.

    Until it is learned, a checkpoint holds no more than how far it is; then the features are looked at anew.

    Args:
        features: Ω, which is normalised by the pictures.
        images: uint8 [N, H, W, 3].
        components: K, as far as there are as many.

    Attributes:
        manifold: once it is learned.
        places: z of all pictures, [N, K].
    """

    manifold: Manifold
    places: Tensor

    def __init__(self, features: Features, images: NDArray[np.uint8], components: int) -> None:
        super().__init__(-(-len(images) // CHUNK), 0)
        self.features, self.images, self.components = features, images, components
        self.networks, self.optimizers = {}, {}
        self.done = 0
        self._seen: list[Tensor] = []

    def step(self, progress: float) -> dict[str, float]:
        """Some more pictures."""
        del progress
        if not self._seen:
            self.features.normalize(self._inputs(slice(NORMALIZED_BY)))
        for i in range(len(self._seen), self.done + 1):
            self._seen.append(self.features.deep(self._inputs(slice(i * CHUNK, (i + 1) * CHUNK))).half())
        self.done += 1
        if self.done == self.steps:
            found, self.places = principal(self._seen, self.components)
            self.manifold = Manifold(found.mean, found.basis.half().float())  # as a checkpoint has it
            self._seen = []
        return {"pictures": float(self.done * CHUNK)}

    def learn(self) -> Learning:
        """All steps at once."""
        while self.done < self.steps:
            self.step(self.done / self.steps)
        return self

    def place(self, pictures: Tensor) -> Tensor:
        """z of pictures [N, 3, H, W], [N, K]."""
        return self.manifold.coordinates(self.features.deep(pictures))

    def state(self) -> Arrays:
        """How far it is, and the manifold where it is learned."""
        arrays = super().state() | {"done": np.array(self.done), "scales": self.features.scales.cpu().numpy()}
        if self.done == self.steps:
            basis = self.manifold.basis.half().cpu().numpy()
            arrays |= {"mean": self.manifold.mean.cpu().numpy(), "basis": basis, "places": self.places.cpu().numpy()}
        return arrays

    def load_state(self, arrays: Any) -> None:
        """Take over what `state` gave."""
        super().load_state(arrays)
        self.done, self._seen = int(arrays["done"]), []
        device = self.features.scales.device
        self.features.scales.copy_(torch.from_numpy(arrays["scales"]))
        if self.done == self.steps:
            mean, basis, self.places = (
                torch.from_numpy(arrays[name]).float().to(device) for name in ("mean", "basis", "places")
            )
            self.manifold = Manifold(mean, basis)

    def _inputs(self, chosen: slice) -> Tensor:
        return inputs_of(self.images[chosen], self.features.scales.device)
