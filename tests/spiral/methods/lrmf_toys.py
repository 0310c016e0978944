"""What the tests of LRMF are made of: small flows, and networks that are not fresh any more."""

from __future__ import annotations

from typing import TypeVar

import torch

from spiral.methods.lrmf.model import FlowOptions

Network = TypeVar("Network", bound=torch.nn.Module)
SMALL = FlowOptions(couplings=2, hidden=8)


def shaken(network: Network, size: float = 0.3) -> Network:
    """The network with weights that are no identity."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(size * torch.randn(weight.shape, generator=generator))
    return network
