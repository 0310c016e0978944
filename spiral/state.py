"""The state of a network and its optimiser as flat named arrays, for weights that travel and checkpoints that stay.

Only arrays: nothing has to be unpickled to read them back.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spiral.contracts import Arrays, WeightsError


def network_arrays(network: nn.Module) -> Arrays:
    """Copies of all weights by name."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def load_network(network: nn.Module, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Take over the weights that `network_arrays` gave.

    Raises:
        WeightsError: they are of another network, which stays as it was.
    """
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    wanted = {name: (value.shape, value.dtype) for name, value in network.state_dict().items()}
    if {name: (value.shape, value.dtype) for name, value in tensors.items()} != wanted:
        raise WeightsError("the weights are of another network: their names, shapes or types differ")
    network.load_state_dict(tensors)


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> Arrays:
    """The optimiser's moments and step counts, as `index/name`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": tensor.detach().cpu().numpy().copy()
        for index, moments in state.items()
        for name, tensor in moments.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Take over what `optimizer_arrays` gave.

    Raises:
        WeightsError: it is of more weights, or of others; the optimiser stays as it was.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for path, array in arrays.items():
        index, name = path.split("/")
        tensor = torch.from_numpy(np.array(array))
        if int(index) >= len(weights) or (tensor.dim() and tensor.shape != weights[int(index)].shape):
            raise WeightsError(f"the optimiser's {path!r} is of another network: it has {len(weights)} weights here")
        weight = weights[int(index)]
        if tensor.shape == weight.shape:
            # A fused step goes through the memory of both, so that they have to lie there in the same order.
            tensor = torch.empty_like(weight, device="cpu").copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def in_order(arrays: Mapping[str, NDArray[np.generic]]) -> Arrays:
    """The arrays with their numbers in memory as a file has them: safetensors writes the memory of others as it is."""
    return {name: np.asarray(array, order="C") for name, array in arrays.items()}


def version_of(arrays: Mapping[str, NDArray[np.generic]]) -> int:
    """The version in the state of a learner: of several that learn in it, the newest."""
    return max(int(array) for name, array in arrays.items() if name.split("/")[-1] == "version")


def with_prefix(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> Arrays:
    """The same arrays under `prefix/name`."""
    return {f"{prefix}/{name}": np.asarray(array) for name, array in arrays.items()}


def under_prefix(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> Arrays:
    """The arrays that `with_prefix` put under `prefix`, with their own names again."""
    start = prefix + "/"
    return {name[len(start) :]: np.asarray(array) for name, array in arrays.items() if name.startswith(start)}
