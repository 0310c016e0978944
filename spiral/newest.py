"""Networks that follow a store of weights: whoever acts or judges takes over the newest weights, if they are weights.

A store may lie where others can write to it. What is damaged, or of another network, is left alone: the network stays
as it was, and the next weights that are published will do.
"""

from __future__ import annotations

from torch import nn

from spiral.agent import writable_tensor
from spiral.contracts import WeightsError, WeightStore


def load_newest(network: nn.Module, version: int, store: WeightStore, name: str) -> int:
    """The version of the weights that `network` has afterwards: the newest of `name` in `store`, or `version` still.

    Args:
        network: takes over weights that are newer and have its names, shapes and types.
        version: of the weights that it has now, -1 for none.
        store: where the newest weights are.
        name: of the network.
    """
    if store.version(name) <= version:
        return version
    try:
        newest, arrays = store.fetch(name)
    except (KeyError, WeightsError):
        return version
    tensors = {key: writable_tensor(array) for key, array in arrays.items()}
    wanted = {key: (value.shape, value.dtype) for key, value in network.state_dict().items()}
    if newest <= version or {key: (value.shape, value.dtype) for key, value in tensors.items()} != wanted:
        return version
    network.load_state_dict(tensors)
    return newest
