"""A discriminator that sees a picture and a program at once, as those of BiGAN and ALI see a picture and its code.

Donahue et al., 2017, and Dumoulin et al., 2017. The two meet in a projection (Miyato & Koyama, 2018): the program a
becomes a code e(a), and D(x, a) = w·φ(x) + ⟨E e(a), φ(x)⟩ + b. So each program has a scoring layer of its own over the
features φ of a picture, whose last maps still know where things are: a program can ask for ink where it has painted.
It costs a few linear layers and looks at each picture once. The code is a mean over the commands that count, each read
beside the one before, since a stroke begins where the last one ended.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from envs.actions import ActionSpec
from spiral.discriminator import NetworkOptions, PictureNetwork
from spiral.encoder import EMBEDDING, SubactionEmbedding
from spiral.layers import mlp

CODE = 128


class ProgramEncoder(nn.Module):
    """A program as 128 numbers, of which commands come after each other, and what does not count is zero."""

    counts: Tensor

    def __init__(self, spec: ActionSpec) -> None:
        super().__init__()
        self.kind = spec.index(spec.kind)
        self.embeddings = nn.ModuleList(SubactionEmbedding(head) for head in spec.heads)
        table = torch.from_numpy(spec.mask_table).float()
        self.register_buffer("counts", table, persistent=False)  # it follows from the environment
        self.command = mlp((2 * len(spec.heads) + 1) * EMBEDDING, (CODE, CODE))
        self.program = nn.Linear(CODE, CODE)

    def forward(self, actions: Tensor, steps: Tensor) -> Tensor:
        """Codes [B, 128] of programs int64 [B, T, heads], of which the first `steps` commands, int64 [B], are done."""
        counted = self.counts[actions[..., self.kind]]
        parts = [embed(actions[..., i]) * counted[..., i, None] for i, embed in enumerate(self.embeddings)]
        commands = torch.cat(parts, dim=-1)
        before = F.pad(commands, (0, 0, 1, 0))[:, :-1]
        places = torch.arange(actions.shape[1], device=actions.device)
        when = waves(places).expand(len(actions), -1, -1)
        done = (places < steps[:, None]).unsqueeze(-1)
        read = F.relu(self.command(torch.cat((before, commands, when), dim=-1))) * done
        return F.relu(self.program(read.sum(dim=1) / done.sum(dim=1).clamp(min=1)))


def waves(places: Tensor) -> Tensor:
    """Places int64 [T] as sines and cosines of eight wavelengths from 2 to 256 (Vaswani et al., 2017), [T, 16]."""
    angles = places[:, None] * math.pi / 2.0 ** torch.arange(EMBEDDING // 2, device=places.device)
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


class JointDiscriminator(PictureNetwork):
    """D(x, a).

    Args:
        canvas_shape: height, width and channels of a picture; the sides are 4·2^k.
        spec: the heads of the actions.
        spectral: whether every layer is divided by its largest singular value.
        options: the widths of the layers that see the picture.
    """

    def __init__(
        self, canvas_shape: tuple[int, int, int], spec: ActionSpec, spectral: bool, options: NetworkOptions
    ) -> None:
        super().__init__(canvas_shape, 1, spectral, options)
        self.code = ProgramEncoder(spec)
        self.projection = nn.Linear(CODE, self.num_features, bias=False)
        # As large as the scoring layer's own weights.
        nn.init.normal_(self.projection.weight, std=1.0 / math.sqrt(self.num_features))
        if spectral:
            for layer in (*self.code.modules(), self.projection):
                if isinstance(layer, nn.Linear):
                    spectral_norm(layer)

    def forward(self, pictures: Tensor, actions: Tensor, steps: Tensor, places: Tensor | None = None) -> Tensor:
        """Scores [B] of pictures, each after the first `steps` commands of its program.

        Args:
            pictures: float [B, C, H, W] in [0, 1]; or [P, C, H, W], of which each program has one.
            actions: int64 [B, T, heads].
            steps: int64 [B].
            places: which of the pictures each program has, int64 [B]; None is one after the other.
        """
        features = self.features(pictures)
        if places is not None:
            features = features[places]
        own: Tensor = (features * self.projection(self.code(actions, steps))).sum(dim=1)
        scores: Tensor = self.score(features).squeeze(1) + own
        return scores.float()
