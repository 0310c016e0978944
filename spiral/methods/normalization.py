"""Networks that are normalised by batches, for pictures of another kind than they were fitted to.

What one kind of picture is like on average is no news about any of them: each domain is normalised by itself (Li et
al., "Revisiting batch normalization for practical domain adaptation", 2016). Nothing else in the network changes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def renormalize(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Batch normalisation by the means and deviations of these pictures alone, from now on, on average over batches."""
    network.eval()
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches so far
        layer.train()
    for batch in batches:
        network(batch)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum
        layer.eval()
