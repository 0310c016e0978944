"""How the agent decides: sub-action after sub-action, each knowing those before (thesis, figure A.3).

Two kinds of head serve a location: the published deconvolution of z alone, and a pointer (after Vinyals et al., 2015), which
compares a query made from z with the encoder's feature maps, so that a location is found where the pictures show it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from envs.actions import ActionSpec, Head
from spiral.config import AgentConfig
from spiral.encoder import EMBEDDING, SubactionEmbedding
from spiral.layers import ResidualBlock, mlp

RESIDUAL = (16, 32)
SEED = 4
KEYS = 32


class ScalarHead(nn.Module):
    """Logits of a choice without geometry: one linear layer."""

    def __init__(self, hidden: int, choices: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, choices)

    def forward(self, z: Tensor, keys: Tensor | None) -> Tensor:
        """Logits [N, choices] from z [N, hidden]."""
        return self.linear(z)


class DeconvolutionHead(nn.Module):
    """Logits of a grid cell: z as a small 4×4 picture, residual blocks, transposed convolutions up to the grid."""

    def __init__(self, hidden: int, grid: tuple[int, int], blocks: int, channels: int = 32) -> None:
        super().__init__()
        doublings = math.log2(grid[0] / SEED)
        if grid[0] != grid[1] or doublings != int(doublings) or hidden % SEED**2:
            raise ValueError(f"a deconvolution head needs a square grid of 4·2^k and hidden divisible by 16: {grid}, {hidden}")
        self.widen = nn.Conv2d(hidden // SEED**2, channels, 3, padding=1)
        self.residual = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        ups = [nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1) for _ in range(int(doublings))]
        self.up = nn.ModuleList(ups)
        self.narrow = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, z: Tensor, keys: Tensor | None) -> Tensor:
        """Logits [N, cells] from z [N, hidden]."""
        x = self.residual(self.widen(z.view(len(z), -1, SEED, SEED)))
        for up in self.up:
            x = up(F.relu(x))
        return self.narrow(F.relu(x)).flatten(1)


class PointerHead(nn.Module):
    """Logits of a grid cell: how well a query made from z fits the key at that place, plus a linear bias.

    One key serves `scale`² cells, each with a query of its own, so that the grid may be finer than the feature map.
    """

    def __init__(self, hidden: int, grid: tuple[int, int], map_size: tuple[int, int]) -> None:
        super().__init__()
        self.scale = grid[0] // map_size[0]
        if (self.scale * map_size[0], self.scale * map_size[1]) != grid:
            raise ValueError(f"a pointer head needs a grid that is a multiple of the feature map: {grid}, {map_size}")
        self.map_size = map_size
        self.query = nn.Linear(hidden, self.scale**2 * KEYS)
        self.bias = nn.Linear(hidden, grid[0] * grid[1])

    def forward(self, z: Tensor, keys: Tensor | None) -> Tensor:
        """Logits [N, cells] from z [N, hidden] and keys [N, 32, map cells]."""
        assert keys is not None
        query = self.query(z).view(len(z), self.scale**2, KEYS)
        fit = torch.bmm(query, keys).view(len(z), self.scale**2, *self.map_size) / math.sqrt(KEYS)
        return F.pixel_shuffle(fit, self.scale).flatten(1) + self.bias(z)


class Keys(nn.Module):
    """The encoder's feature maps, brought to the finest one's size and added up."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.pointwise = nn.ModuleList(nn.Conv2d(width, KEYS, 1) for width in widths)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Keys [N, 32, cells of the finest map]."""
        size = maps[0].shape[-2:]
        layers = [convolution(x) for convolution, x in zip(self.pointwise, maps, strict=True)]
        finest, *coarser = layers
        for x in coarser:
            finest = finest + F.interpolate(x, size=size, mode="nearest")
        return finest.flatten(2)


def location_head(head: Head, map_size: tuple[int, int], config: AgentConfig) -> nn.Module:
    """The head for a location, of the kind that the configuration names."""
    assert head.grid is not None
    if config.location_head == "pointer":
        return PointerHead(config.hidden, head.grid, map_size)
    return DeconvolutionHead(config.hidden, head.grid, config.residual_blocks)


def sample_categorical(logits: Tensor, generator: torch.Generator | None, temperature: float) -> Tensor:
    """A choice for each row, int64 [N], from softmax(logits / temperature); the likeliest at temperature 0."""
    if temperature == 0.0:
        return logits.argmax(dim=-1)
    noise = torch.empty_like(logits).exponential_(generator=generator).log_()
    return (logits / temperature - noise).argmax(dim=-1)


class Decoder(nn.Module):
    """The autoregressive decoder: z, a sub-action, a new z that knows of it, and so on."""

    def __init__(self, spec: ActionSpec, map_size: tuple[int, int], config: AgentConfig) -> None:
        super().__init__()
        self.order = [spec.index(name) for name in spec.decoding_order]
        heads = [spec.heads[i] for i in self.order]
        self.heads = nn.ModuleList(
            location_head(h, map_size, config) if h.grid else ScalarHead(config.hidden, h.choices) for h in heads
        )
        self.embeddings = nn.ModuleList(SubactionEmbedding(h) for h in heads)
        self.residuals = nn.ModuleList(mlp(config.hidden + EMBEDDING, (*RESIDUAL, config.hidden)) for _ in heads)
        pointer = config.location_head == "pointer"
        self.keys = Keys((config.stem_channels, *config.channels)) if pointer else None

    def forward(
        self,
        z: Tensor,
        maps: list[Tensor],
        actions: Tensor | None,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Actions, their log-probabilities and the entropies of the heads, each [N, heads] in the order of the space.

        Args:
            z: the LSTM's output, [N, hidden].
            maps: the encoder's feature maps.
            actions: int64 [N, heads] to be judged, or None to decide anew.
            generator: the random numbers for new decisions.
            temperature: of new decisions; the log-probabilities are those at temperature 1.
        """
        keys = self.keys(maps) if self.keys is not None else None
        chosen: dict[int, Tensor] = {}
        log_probs: dict[int, Tensor] = {}
        entropies: dict[int, Tensor] = {}
        for step, (i, head) in enumerate(zip(self.order, self.heads, strict=True)):
            log_p = F.log_softmax(head(z, keys).float(), dim=-1)
            choice = sample_categorical(log_p, generator, temperature) if actions is None else actions[:, i]
            chosen[i] = choice
            log_probs[i] = log_p.gather(-1, choice[:, None]).squeeze(-1)
            entropies[i] = -(log_p.exp() * log_p).sum(dim=-1)
            if step + 1 < len(self.order):
                z = F.relu(z + self.residuals[step](torch.cat((z, self.embeddings[step](choice)), dim=-1)))
        heads = range(len(self.order))
        stacked = (torch.stack([x[i] for i in heads], dim=-1) for x in (chosen, log_probs, entropies))
        actions_out, log_probs_out, entropies_out = stacked
        return actions_out, log_probs_out, entropies_out
