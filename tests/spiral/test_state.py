"""The state of a network and its optimiser as arrays: nothing is lost, and learning goes on bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spiral.contracts import Arrays, WeightsError
from spiral.state import (
    load_network,
    load_optimizer,
    network_arrays,
    optimizer_arrays,
    under_prefix,
    version_of,
    with_prefix,
)


def make(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))  # weights and running statistics
    return network, torch.optim.Adam(network.parameters(), lr=0.1, fused=True)


def learn(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    generator = torch.Generator().manual_seed(5)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(8, 3, generator=generator)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("steps", [0, 3])
def test_another_learner_goes_on_from_the_arrays_bit_for_bit(steps):
    network, optimizer = make(0)
    learn(network, optimizer, steps)
    weights, moments = network_arrays(network), optimizer_arrays(optimizer)
    other, other_optimizer = make(1)
    load_network(other, weights)
    load_optimizer(other_optimizer, moments)
    for pair in ((network, optimizer), (other, other_optimizer)):
        learn(*pair, 2)
    for name, array in network_arrays(network).items():
        np.testing.assert_array_equal(network_arrays(other)[name], array)
    assert bool(moments) == bool(steps), "before the first step there are no moments"


def test_arrays_are_copies():
    network, optimizer = make(0)
    learn(network, optimizer, 1)
    before = {**network_arrays(network), **optimizer_arrays(optimizer)}
    kept = {name: array.copy() for name, array in before.items()}
    learn(network, optimizer, 1)
    for name, array in before.items():
        np.testing.assert_array_equal(array, kept[name])


def test_read_only_arrays_can_be_loaded_and_learning_leaves_them_alone():
    arrays = network_arrays(make(1)[0])
    kept = {name: array.copy() for name, array in arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    network, optimizer = make(0)
    load_network(network, arrays)
    np.testing.assert_equal(network_arrays(network), kept)
    learn(network, optimizer, 1)
    np.testing.assert_equal(arrays, kept)


def test_the_learning_rate_is_a_setting_and_no_state():
    network, optimizer = make(0)
    learn(network, optimizer, 1)
    moments = optimizer_arrays(optimizer)
    optimizer.param_groups[0]["lr"] = 0.5
    load_optimizer(optimizer, moments)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_prefixes_keep_parts_apart():
    arrays = {"w": np.arange(3), "deep/w": np.arange(2)}
    both = with_prefix("network", arrays) | with_prefix("network2", {"w": np.zeros(1)})
    assert sorted(both) == ["network/deep/w", "network/w", "network2/w"]
    assert under_prefix("network", both).keys() == arrays.keys()
    np.testing.assert_array_equal(under_prefix("network", both)["w"], arrays["w"])


@pytest.mark.parametrize("damage", ["nothing", "one missing", "one more", "another shape", "another type"])
def test_arrays_of_another_network_are_refused_and_change_nothing(damage):
    network, arrays = make(0)[0], network_arrays(make(1)[0])
    wrong: dict[str, Arrays] = {
        "nothing": {},
        "one missing": {name: array for name, array in arrays.items() if name != "0.weight"},
        "one more": arrays | {"more": np.zeros(1, np.float32)},
        "another shape": arrays | {"0.weight": arrays["0.weight"].T},
        "another type": arrays | {"2.bias": arrays["2.bias"].astype(np.float64)},
    }
    before = network_arrays(network)
    with pytest.raises(WeightsError, match="of another network: their names, shapes or types differ"):
        load_network(network, wrong[damage])
    np.testing.assert_equal(network_arrays(network), before)


@pytest.mark.parametrize("damage", ["one more weight", "another shape"])
def test_moments_of_another_network_are_refused_and_change_nothing(damage):
    network, optimizer = make(0)
    learn(network, optimizer, 1)
    moments = optimizer_arrays(optimizer)
    wrong: dict[str, Arrays] = {
        "one more weight": {"99/exp_avg": np.zeros(1, np.float32)},
        "another shape": {"0/exp_avg": np.zeros((2, 7), np.float32)},
    }
    with pytest.raises(WeightsError, match="is of another network: it has 6 weights here"):
        load_optimizer(optimizer, moments | wrong[damage])
    np.testing.assert_equal(optimizer_arrays(optimizer), moments)


def test_the_version_of_a_state_is_the_newest_of_those_that_learn_in_it():
    assert version_of({"version": np.array(3), "network/w": np.zeros(2)}) == 3
    assert version_of({"x/version": np.array(3), "x-2/version": np.array(8), "x/rng": np.zeros(2)}) == 8
