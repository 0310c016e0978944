"""Pictures of an experiment: what each ladder changes (figures 2 and 3), and arithmetic (figure 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from spiral.methods.vlae.model import LadderAutoencoder
from spiral.methods.vlae.training import decoded

REACH = 3.0  # of the prior's deviations, to either side
ACROSS = 15  # values of a number of a code


def traversal(network: LadderAutoencoder, ladder: int, seed: int) -> Tensor:
    """Pictures [rows, columns, C, side, side] for codes of one ladder from −3 to 3, while the others stay as drawn.

    Codes of two numbers cover the plane; of others there is a row for each number, the rest of the ladder being 0.
    """
    layout, generator = network.layout, torch.Generator().manual_seed(seed)
    device = next(network.parameters()).device
    others = [torch.randn(layout.latents, generator=generator).to(device) for _ in range(layout.ladders)]
    line = torch.linspace(-REACH, REACH, ACROSS, device=device)
    if layout.latents == 2:
        swept = torch.cartesian_prod(line, line)
    else:
        swept = torch.einsum("ij,k->ikj", torch.eye(layout.latents, device=device), line).flatten(0, 1)
    codes = [code.expand(len(swept), -1) for code in others]
    codes[ladder] = swept
    pictures = decoded(network, codes)
    return pictures.view(-1, ACROSS, *pictures.shape[1:])
