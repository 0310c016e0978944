"""How the agent decides: sub-action after sub-action, each knowing those before (thesis, figure A.3).

Two kinds of head serve a location: the published deconvolution of z alone, and a pointer (after Vinyals et al., 2015),
which compares a query made from z with the encoder's feature maps, so that a location is found where pictures show it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from envs.actions import ActionSpec, Head
from spiral.config import AgentConfig
from spiral.encoder import EMBEDDING, SubactionEmbedding
from spiral.layers import ResidualBlock, joined, mlp, portions

RESIDUAL = (16, 32)
SEED = 4
SMALLEST_MAP = 8


class ScalarHead(nn.Module):
    """Logits of a choice without geometry: one linear layer."""

    def __init__(self, hidden: int, choices: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, choices)

    def forward(self, z: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Logits [N, choices] from z [N, hidden]."""
        logits: Tensor = self.linear(z)
        return logits


class DeconvolutionHead(nn.Module):
    """Logits of a grid cell: z as a small 4×4 picture, residual blocks, transposed convolutions up to the grid."""

    def __init__(self, hidden: int, grid: tuple[int, int], blocks: int, channels: int = 32) -> None:
        super().__init__()
        doublings = math.log2(grid[0] / SEED)
        if grid[0] != grid[1] or doublings < 0 or doublings != int(doublings):
            raise ValueError(
                f"the grid {grid} is no square of 4, 8, 16, … cells, which a deconvolution head needs; "
                "use agent.location_head=pointer"
            )
        if hidden % SEED**2:
            raise ValueError(f"agent.hidden={hidden} does not divide by 16, which a deconvolution head needs")
        self.widen = nn.Conv2d(hidden // SEED**2, channels, 3, padding=1)
        self.residual = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        ups = [nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1) for _ in range(int(doublings))]
        self.up = nn.ModuleList(ups)
        self.narrow = nn.Conv2d(channels, 1, 3, padding=1)
        self.largest = channels * grid[0] * grid[1]

    def forward(self, z: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Logits [N, cells] from z [N, hidden]."""
        return joined([self._logits(part) for (part,) in portions(self.largest, z)])

    def _logits(self, z: Tensor) -> Tensor:
        x = self.residual(self.widen(z.view(len(z), -1, SEED, SEED)))
        for up in self.up:
            x = up(x.relu_())
        logits: Tensor = self.narrow(x.relu_()).flatten(1)
        return logits


def cells(feature_map: Tensor) -> Tensor:
    """A feature map [N, C, H, W] as a list of cells, [N, H·W, C]: of the same memory where the channels lie last."""
    return feature_map.permute(0, 2, 3, 1).flatten(1, 2)


class Fit(torch.autograd.Function):
    """How well queries [N, Q, C] fit keys [N, K, C]: their products, [N, Q, K].

    Autograd's own gradient of the keys would have their channels first, and be laid out anew for the convolutions.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor) -> Tensor:
        """The products."""
        ctx.save_for_backward(query, keys)
        return torch.bmm(query, keys.mT)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of the queries and of the keys, each laid out like what it is of."""
        query, keys = ctx.saved_tensors
        return torch.bmm(gradient, keys), torch.bmm(gradient.mT, query)


class PointerHead(nn.Module):
    """Logits of a grid cell: how well queries made from z fit the feature maps at that place, plus a linear bias.

    A cell of a map covers `scale`² cells of the grid and answers a query of its own for each of them, so that the grid
    may be finer than the map; maps finer than the grid are left out. The coarse maps know the shape, the fine ones
    where its edges are; their logits add up.

    Args:
        hidden: size of z.
        grid: rows and columns of the location.
        map_shapes: channels, rows and columns of the encoder's feature maps.
    """

    def __init__(self, hidden: int, grid: tuple[int, int], map_shapes: Sequence[tuple[int, int, int]]) -> None:
        super().__init__()
        self.used = [place for place, shape in enumerate(map_shapes) if SMALLEST_MAP <= shape[1] <= grid[0]]
        self.map_shapes = [map_shapes[place] for place in self.used]
        self.scales = [grid[0] // rows for _, rows, _ in self.map_shapes]
        for scale, (_, rows, columns) in zip(self.scales, self.map_shapes, strict=True):
            if (scale * rows, scale * columns) != grid:
                raise ValueError(
                    f"the grid {grid} is no multiple of the feature map of {rows}×{columns}, which a pointer needs; "
                    "use a finer grid or agent.stem_stride=2"
                )
        sizes = [scale**2 * channels for scale, (channels, _, _) in zip(self.scales, self.map_shapes, strict=True)]
        self.features = sum(channels for channels, _, _ in self.map_shapes)
        self.queries = nn.ModuleList(nn.Linear(hidden, size) for size in sizes)
        self.bias = nn.Linear(hidden, grid[0] * grid[1])

    def forward(self, z: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Logits [N, cells] from z [N, hidden] and maps [N, channels, rows, columns]."""
        logits: Tensor = self.bias(z)
        for make_query, scale, shape, place in zip(self.queries, self.scales, self.map_shapes, self.used, strict=True):
            channels, rows, columns = shape
            query = make_query(z).view(len(z), scale**2, channels) / math.sqrt(channels)
            fit: Tensor = Fit.apply(query, cells(maps[place]))  # type: ignore[no-untyped-call]
            if scale > 1:
                fit = F.pixel_shuffle(fit.view(len(z), scale**2, rows, columns), scale)
            logits = logits + fit.flatten(1)
        return logits

    def read(self, maps: Sequence[Tensor], choice: Tensor) -> Tensor:
        """What the feature maps hold at the chosen cells int64 [N], float [N, features]."""
        found = []
        for scale, (_, _, columns), place in zip(self.scales, self.map_shapes, self.used, strict=True):
            row = choice.div(scale * columns, rounding_mode="floor").div(scale, rounding_mode="floor")
            column = choice.remainder(scale * columns).div(scale, rounding_mode="floor")
            cell = (row * columns + column).view(-1, 1, 1).expand(-1, 1, maps[place].shape[1])
            found.append(cells(maps[place]).gather(1, cell).squeeze(1))
        return torch.cat(found, dim=1)


def location_head(head: Head, map_shapes: Sequence[tuple[int, int, int]], config: AgentConfig) -> nn.Module:
    """The head for a location, of the kind that the configuration names."""
    assert head.grid is not None
    if config.location_head == "pointer":
        return PointerHead(config.hidden, head.grid, map_shapes)
    return DeconvolutionHead(config.hidden, head.grid, config.residual_blocks)


def sample_categorical(logits: Tensor, generator: torch.Generator | None, temperature: float) -> Tensor:
    """A choice for each row, int64 [N], from softmax(logits / temperature); the likeliest at temperature 0."""
    if temperature == 0.0:
        return logits.argmax(dim=-1)
    # One number a row, laid against the cumulated probabilities: noise for every logit would cost a third of the pass.
    cumulated = torch.softmax(logits / temperature, dim=-1).cumsum(dim=-1)
    level = torch.rand(len(logits), 1, generator=generator, device=logits.device) * cumulated[:, -1:]
    return torch.searchsorted(cumulated, level, right=True).squeeze(-1).clamp_(max=logits.shape[-1] - 1)


class Decoder(nn.Module):
    """The autoregressive decoder: z, a sub-action, a new z that knows of it, and so on.

    With `config.location_read` the new z also knows what pictures show at a location that was pointed to: the colour
    of an object that stands there, say.
    """

    def __init__(self, spec: ActionSpec, map_shapes: Sequence[tuple[int, int, int]], config: AgentConfig) -> None:
        super().__init__()
        self.order = [spec.index(name) for name in spec.decoding_order]
        heads = [spec.heads[i] for i in self.order]
        self.heads = nn.ModuleList(
            location_head(h, map_shapes, config) if h.grid else ScalarHead(config.hidden, h.choices) for h in heads
        )
        self.embeddings = nn.ModuleList(SubactionEmbedding(h) for h in heads)
        pointers = {str(step): head for step, head in enumerate(self.heads) if isinstance(head, PointerHead)}
        reads = {step: nn.Linear(head.features, EMBEDDING) for step, head in pointers.items() if config.location_read}
        self.reads = nn.ModuleDict(reads)
        self.residuals = nn.ModuleList(mlp(config.hidden + EMBEDDING, (*RESIDUAL, config.hidden)) for _ in heads)

    def forward(
        self,
        z: Tensor,
        maps: Sequence[Tensor],
        actions: Tensor | None,
        counted: Tensor | None = None,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Actions, their log-probabilities and the entropies of the heads, each [N, heads] in the order of the space.

        Args:
            z: the LSTM's output, [N, hidden].
            maps: the encoder's feature maps.
            actions: int64 [N, heads] to be judged, or None to decide anew.
            counted: float [N, heads], 0 where a sub-action does not count: what is said of it may be 0 as well. None
                asks for all.
            generator: the random numbers for new decisions.
            temperature: of new decisions; the log-probabilities are those at temperature 1.
        """
        chosen: dict[int, Tensor] = {}
        log_probs: dict[int, Tensor] = {}
        entropies: dict[int, Tensor] = {}
        for step, (i, head) in enumerate(zip(self.order, self.heads, strict=True)):
            if actions is None:
                log_p = F.log_softmax(head(z, maps).float(), dim=-1)
                choice = sample_categorical(log_p, generator, temperature)
                log_probs[i], entropies[i] = measured(log_p, choice)
            else:
                choice = actions[:, i]
                its_counted = None if counted is None else counted[:, i]
                log_probs[i], entropies[i] = self._judge(head, z, maps, choice, its_counted)
            chosen[i] = choice
            if step + 1 < len(self.order):
                z = self._knowing(z, step, choice, maps)
        in_space = [[part[i] for i in range(len(self.order))] for part in (chosen, log_probs, entropies)]
        return torch.stack(in_space[0], dim=-1), torch.stack(in_space[1], dim=-1), torch.stack(in_space[2], dim=-1)

    def _knowing(self, z: Tensor, step: int, choice: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """The z [N, hidden] that knows of the choice int64 [N] at this step."""
        embedding = self.embeddings[step](choice)
        if str(step) in self.reads:
            head = self.heads[step]
            assert isinstance(head, PointerHead), "only what was pointed to can be read"
            embedding = embedding + self.reads[str(step)](head.read(maps, choice))
        return F.relu(z + self.residuals[step](torch.cat((z, embedding), dim=-1)))

    def _judge(
        self, head: nn.Module, z: Tensor, maps: Sequence[Tensor], choice: Tensor, counted: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The log-probability and the entropy of given choices, each [N]."""
        if counted is None or not isinstance(head, DeconvolutionHead) or bool(counted.all()):
            return measured(F.log_softmax(head(z, maps).float(), dim=-1), choice)
        # A picture of logits is dear, and where the sub-action does not count nobody reads it.
        (rows,) = counted.nonzero(as_tuple=True)
        log_p = F.log_softmax(head(z[rows], maps).float(), dim=-1)
        nothing = log_p.new_zeros(len(z))
        log_prob, entropy = (nothing.index_put((rows,), part) for part in measured(log_p, choice[rows]))
        return log_prob, entropy


def measured(log_p: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """The log-probability of each choice, and the entropy, both [N], where the logarithms of all are [N, choices]."""
    return log_p.gather(-1, choice[:, None]).squeeze(-1), -(log_p.exp() * log_p).sum(dim=-1)
