"""What the agent sees: pictures and the last action become one vector (thesis, figure A.2).

The canvas (and the target, if there is one) with two planes of coordinates passes a first convolution. Its channels are
shifted by an embedding of the previous action and of the noise; strided convolutions and residual blocks follow.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from envs.actions import ActionSpec, Head
from spiral.config import AgentConfig
from spiral.layers import ResidualBlock, joined, mlp, portions

EMBEDDING = 16
CONDITIONING = (64, 32)


class SubactionEmbedding(nn.Module):
    """A sub-action as 16 numbers: a location enters as two numbers in [−1, 1], any other choice one-hot."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head
        self.linear = nn.Linear(2 if head.grid else head.choices, EMBEDDING)

    def forward(self, choice: Tensor) -> Tensor:
        """The embedding, float [N, 16], of int64 choices [N]."""
        embedding: Tensor = self.linear(self._numbers(choice))
        return embedding

    def _numbers(self, choice: Tensor) -> Tensor:
        if self.head.grid is None:
            return F.one_hot(choice, self.head.choices).to(self.linear.weight.dtype)
        rows, columns = self.head.grid
        y = choice.div(columns, rounding_mode="floor") / max(rows - 1, 1)
        x = choice.remainder(columns) / max(columns - 1, 1)
        return 2.0 * torch.stack((x, y), dim=-1) - 1.0


class Conditioning(nn.Module):
    """One number per channel of the first convolution, from the previous action and the noise."""

    def __init__(self, spec: ActionSpec, config: AgentConfig) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(SubactionEmbedding(head) for head in spec.heads)
        self.action = mlp(EMBEDDING * len(spec.heads), (*CONDITIONING, config.stem_channels))
        self.noise = mlp(config.told, (*CONDITIONING, config.stem_channels)) if config.told else None

    def forward(self, action: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
        """Shifts [N, channels] from actions int64 [N, heads], their mask [N, heads] and noise [N, noise]."""
        parts = [embed(action[:, i]) * mask[:, i, None] for i, embed in enumerate(self.embeddings)]
        shift: Tensor = self.action(torch.cat(parts, dim=-1))
        return shift if self.noise is None else shift + self.noise(noise)


def residual_stack(channels: int, blocks: int) -> nn.Sequential:
    """A convolution, residual blocks and a ReLU; nothing at all without blocks."""
    if not blocks:
        return nn.Sequential()
    convolution = nn.Conv2d(channels, channels, 3, padding=1)
    return nn.Sequential(convolution, *(ResidualBlock(channels) for _ in range(blocks)), nn.ReLU())


def coordinate_planes(height: int, width: int) -> Tensor:
    """The x and the y coordinate of every pixel in [−1, 1], [2, H, W]."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.stack((x, y))


class Encoder(nn.Module):
    """From pictures and the previous action to a vector of `hidden` numbers."""

    coordinates: Tensor

    def __init__(self, spec: ActionSpec, canvas_shape: tuple[int, int, int], config: AgentConfig) -> None:
        super().__init__()
        height, width, colors = canvas_shape
        self.grids = {i: h.grid for i, h in enumerate(spec.heads) if h.grid} if config.location_planes else {}
        self.register_buffer("coordinates", coordinate_planes(height, width), persistent=False)
        inputs = colors * (2 if config.conditional else 1) + 2 + len(self.grids)
        stem = config.stem_channels
        self.stem = nn.Conv2d(inputs, stem, 5, stride=config.stem_stride, padding=2)
        self.conditioning = Conditioning(spec, config)
        widths = (stem, *config.channels)
        self.strided = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.residual = residual_stack(widths[-1], config.residual_blocks)
        strides = [config.stem_stride * 2**k for k in range(len(widths))]
        if height % strides[-1] or width % strides[-1]:
            raise ValueError(
                f"a canvas of {height}×{width} does not divide by {strides[-1]}, the strides of the encoder; "
                "use another canvas_size or fewer agent.channels"
            )
        self.map_shapes = [(c, height // s, width // s) for c, s in zip(widths, strides, strict=True)]
        self.largest = max(math.prod(shape) for shape in self.map_shapes)
        self.maps_are_read = config.location_head == "pointer"
        self.flat = nn.Linear(math.prod(self.map_shapes[-1]), config.hidden)

    def location_planes(self, action: Tensor, mask: Tensor) -> list[Tensor]:
        """The previous locations drawn as single bright cells, a plane [N, 1, H, W] for each location head."""
        planes = []
        height, width = self.coordinates.shape[-2:]
        for i, (rows, columns) in self.grids.items():
            row, column = action[:, i, None].div(columns, rounding_mode="floor"), action[:, i, None].remainder(columns)
            in_row = torch.arange(height, device=action.device) * rows // height == row
            in_column = torch.arange(width, device=action.device) * columns // width == column
            bright_rows = in_row * mask[:, i, None]
            planes.append((bright_rows[:, :, None] * in_column[:, None]).unsqueeze(-1).permute(0, 3, 1, 2))
        return planes

    def forward(self, pictures: Tensor, action: Tensor, mask: Tensor, noise: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The embedding [N, hidden] and the feature maps on the way, from the finest to the coarsest.

        Only pointers read the maps: with other heads there are none.

        Args:
            pictures: canvas, and target if there is one, float [N, C, H, W] in [0, 1].
            action: the previous action, int64 [N, heads].
            mask: which of its sub-actions counted, float [N, heads].
            noise: float [N, noise].
        """
        of_pictures, of_coordinates, of_planes = self.stem.weight.split((pictures.shape[1], 2, len(self.grids)), dim=1)
        # The coordinates are the same in every picture, so their part of the convolution is taken once for all of them.
        where = self._convolve(self.coordinates[None], of_coordinates, self.stem.bias).permute(0, 2, 3, 1).contiguous()
        of_seen = torch.cat([of_pictures, of_planes], dim=1)
        embeddings, maps = [], []
        for part in portions(self.largest, pictures, action, mask, noise):
            embedding, its_maps = self._encode(part, of_seen, where)
            embeddings.append(embedding)
            maps.append(its_maps)
        return joined(embeddings), [joined(same) for same in zip(*maps, strict=True)]

    def _encode(self, part: tuple[Tensor, ...], of_seen: Tensor, where: Tensor) -> tuple[Tensor, list[Tensor]]:
        pictures, action, mask, noise = part
        seen = self._convolve(torch.cat([pictures, *self.location_planes(action, mask)], dim=1), of_seen)
        shift = where + self.conditioning(action, mask, noise)[:, None, None]  # channels last, as they lie in memory
        # In place, since nobody else reads the largest tensor of the network.
        x = seen.add_(shift.permute(0, 3, 1, 2)).relu_()
        maps = [x]
        for convolution in self.strided:
            x = convolution(x).relu_()
            maps.append(x)
        return self.flat(self.residual(x).flatten(1)), maps if self.maps_are_read else []

    def _convolve(self, pictures: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The first layer with a part of its weights."""
        return F.conv2d(pictures, weight, bias, self.stem.stride, self.stem.padding)
