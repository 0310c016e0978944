"""How a map is moved: down the dual distance, or in a game against a discriminator of the same family."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spiral.methods.experiment import Part


class Aligning(Part):
    """A map that descends the distance, or a game between it and a discriminator that climbs the primal objective."""

    def __init__(self, steps: int, seed: int, moving: nn.Module, weights: Tensor, rate: float) -> None:
        super().__init__(steps, seed)
        self.map = moving
        self.discriminator = nn.ParameterDict({"weights": weights, "bias": torch.zeros(*weights.shape[:-1], 1)})
        self.networks = {"map": self.map, "discriminator": self.discriminator}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), rate) for name, network in self.networks.items()
        }

    def play(self, value: Tensor, game: bool) -> None:
        """The map goes down the value, and in a game the discriminator goes up."""
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        value.backward()
        if game:
            for weight in self.discriminator.parameters():
                assert weight.grad is not None, "the value depends on it"
                weight.grad.neg_()
            self.optimizers["discriminator"].step()
        self.optimizers["map"].step()
