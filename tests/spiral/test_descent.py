"""A step is taken only down a gradient that is a number, and what is no number is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from spiral.descent import DivergedError, descend, require_finite


def make() -> tuple[nn.Linear, torch.optim.Optimizer]:
    """D(x) = w₁x₁ + w₂x₂ with both weights 1, and plain gradient descent."""
    network = nn.Linear(2, 1, bias=False)
    nn.init.ones_(network.weight)
    return network, torch.optim.SGD(network.parameters(), lr=0.1)


def gradient(network: nn.Linear, *slope: float) -> torch.Tensor:
    """A loss with this gradient."""
    return (network.weight * torch.tensor(slope)).sum()


@pytest.mark.parametrize(("limit", "scale"), [(torch.inf, 1.0), (10.0, 1.0), (1.0, 0.2)])
def test_the_gradient_is_scaled_down_to_the_limit_and_its_own_norm_is_told(limit, scale):
    network, optimizer = make()
    assert descend(gradient(network, 3.0, 4.0), network, optimizer, limit, "it") == pytest.approx(5.0)
    torch.testing.assert_close(network.weight.detach(), torch.tensor([[1 - 0.3 * scale, 1 - 0.4 * scale]]))


def test_steps_do_not_add_up_their_gradients():
    network, optimizer = make()
    norms = [descend(gradient(network, 3.0, 4.0), network, optimizer, torch.inf, "it") for _ in range(2)]
    assert norms == pytest.approx([5.0, 5.0])


@pytest.mark.parametrize("slope", [torch.nan, torch.inf])
def test_a_gradient_that_is_no_number_leaves_the_weights(slope):
    network, optimizer = make()
    with pytest.raises(DivergedError, match=r"the critic at step 4: the loss is .* last checkpoint is good: .* lower "):
        descend(gradient(network, slope, 1.0), network, optimizer, 1.0, "the critic at step 4")
    assert network.weight.tolist() == [[1.0, 1.0]]


def test_what_is_not_finite_is_named_and_whole_numbers_always_are():
    good = {"w": np.ones(2, np.float32), "steps": np.array(2**60), "picture": np.full(3, 255, np.uint8)}
    require_finite("it", good)
    with pytest.raises(
        DivergedError, match=r"agent at step 3: head\.w is not finite any more; .* rewards\.NAME\.options"
    ):
        require_finite("agent at step 3", good | {"head.w": np.array([1.0, np.nan])})
