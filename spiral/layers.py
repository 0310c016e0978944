"""The layers that the agent's parts share (thesis, figures A.2 and A.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """x + Conv1×1(ReLU(Conv3×3(ReLU(x)))), a pre-activation block (He et al., 2016) of constant width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, [N, channels, H, W] like its input."""
        change: Tensor = self.pointwise(self.spatial(F.relu(x)).relu_())
        return x + change


def mlp(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    """A multilayer perceptron with ReLU between its layers and none at the end."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers[:-1])


CACHED_NUMBERS = 2**21  # of a layer's output, 8 MiB in float32: what a processor's caches hold beside the weights


def portion(numbers: int) -> int:
    """How many pictures a processor takes at once, if the largest output of a layer has so many numbers for each."""
    return max(1, CACHED_NUMBERS // numbers)


def portions(numbers: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The tensors [N, …] part by part, so that on a processor no layer's output outgrows the caches.

    A batch of large pictures would go through the main memory once for every layer and once more for its gradient,
    which takes longer than most layers compute. A GPU takes all N at once.

    Args:
        numbers: in the largest output of a layer for one of the N.
    """
    count = len(tensors[0]) if tensors[0].device.type != "cpu" else portion(numbers)
    return zip(*(tensor.split(count) for tensor in tensors), strict=True)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Tensors [n, …] one after the other, [N, …]; a single one is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(tuple(parts))


def lay_channels_last(network: nn.Module) -> None:
    """Put the channels of convolutions last in memory, as processors and GPUs compute them fastest.

    A convolution of such weights gives its output in the same order, and so do all layers after it.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stubs leave that out


State = tuple[Tensor, Tensor]


class LSTM(nn.Module):
    """A long short-term memory with one bias vector and a forget gate that starts open.

    The published agent has one bias vector where PyTorch's own layer has two. The product with the inputs is taken for
    all steps at once; only the product with the hidden state has to wait for the step before.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden
        self.gates = nn.Linear(inputs + hidden, 4 * hidden)

    def initial_state(self, batch_size: int) -> State:
        """Zeros, 2 × [B, hidden]."""
        zeros = self.gates.bias.new_zeros(batch_size, self.hidden)
        return zeros, zeros

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The outputs [T, B, hidden] for inputs [T, B, inputs], and the state after the last."""
        from_inputs = F.linear(x, self.gates.weight[:, : self.inputs], self.gates.bias)
        recurrent = self.gates.weight[:, self.inputs :]
        h, c = state
        outputs = []
        for driven in from_inputs.float():
            i, f, g, o = (driven + F.linear(h, recurrent)).chunk(4, dim=-1)
            c = torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs), (h, c)
