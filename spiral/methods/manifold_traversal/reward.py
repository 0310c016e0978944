"""The witness as a judge: paint this face, but smiling.

For an agent that is shown x̄ and has painted x the score is minus what equation 6 minimises, with what was painted in
the place of where the traversal ends:

    −f*(φ(x)) − λ‖φ(x) − φ(x̄)‖².

So the traversal of x̄, painted, scores best: a picture of the target that is still that of x̄. An agent without targets
is paid by the witness alone.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from spiral.agent import as_pictures, writable_tensor
from spiral.data.pictures import resize
from spiral.methods.judgement import Judgement
from spiral.methods.manifold_traversal.features import CHUNK, Features
from spiral.methods.manifold_traversal.learning import Learning
from spiral.methods.manifold_traversal.model import Manifold, Witness, half_width
from spiral.methods.vgg import CHANNELS, Vgg
from spiral.rewards.base import Context, FittedReward, Setting, need_pictures, need_shape, need_targets
from spiral.rewards.distinct import distinct
from spiral.section import Section, Size
from spiral.state import network_arrays

BLOCKS = 5  # as far as Ω looks


class ManifoldTraversalOptions(Section):
    """λ, in units of the kernel; the rest comes from the fit: the network, and the sizes of what was learned."""

    penalty: float = Field(default=0.2, ge=0)
    side: int = Field(default=32, ge=16, le=512)
    components: Size = 128
    sources: Size = 300
    targets: Size = 300
    blocks: list[Annotated[list[Size], Field(min_length=1)]] = Field(
        default=[[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512]], min_length=BLOCKS, max_length=BLOCKS
    )


class Judges(nn.Module):
    """Ω, the manifold, and the places of source and target in it."""

    mean: Tensor
    basis: Tensor
    source: Tensor
    target: Tensor
    width: Tensor

    def __init__(self, options: ManifoldTraversalOptions) -> None:
        super().__init__()
        self.features = Features(Vgg(options.blocks))
        size, components = self.features.size(options.side), options.components
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("basis", torch.zeros(components, size))
        self.register_buffer("source", torch.zeros(options.sources, components))
        self.register_buffer("target", torch.zeros(options.targets, components))
        self.register_buffer("width", torch.ones(()))

    def places(self, pictures: Tensor) -> Tensor:
        """φ of pictures [N, 3, side, side] in [0, 1], [N, K]."""
        manifold = Manifold(self.mean, self.basis)
        return torch.cat([manifold.coordinates(self.features(some)[0]) for some in pictures.split(CHUNK)])

    def witness(self) -> Witness:
        """f*."""
        return Witness(self.source, self.target, float(self.width))


class ManifoldTraversal(FittedReward):
    """How much a render is of the target and still of what was shown."""

    Options = ManifoldTraversalOptions
    options: ManifoldTraversalOptions
    method = "manifold_traversal"

    def __init__(self, setting: Setting, options: ManifoldTraversalOptions) -> None:
        super().__init__(setting, options)
        self.network: Judges = Judges(options).to(setting.device)

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or nothing was shown to an agent that copies.
        """
        need_shape("manifold_traversal", renders, (len(renders), *self.setting.canvas_shape))
        targets = need_targets("manifold_traversal", context, renders) if self.setting.conditional else None
        need_pictures("manifold_traversal", renders)
        painted, witness = self._places(renders), self.network.witness()
        scores = -witness(painted)
        if targets is not None:
            scores = scores - witness.cost(painted - self._places(targets), self.options.penalty)
        return scores.float().cpu()

    def _places(self, pixels: NDArray[np.uint8]) -> Tensor:
        """φ of pictures of any size, each looked at once: a move leaves a canvas as it is."""
        first, places = distinct(pixels)
        images = resize(pixels[first], self.options.side)
        pictures = as_pictures(writable_tensor(images).to(self.setting.device))
        return self.network.places(pictures.expand(-1, CHANNELS, -1, -1).contiguous())[places]


def judgement_of(
    vgg: Vgg,
    images: NDArray[np.uint8],
    kinds: tuple[NDArray[np.int64], NDArray[np.int64]],
    side: int,
    components: int,
    penalty: float,
) -> Judgement:
    """What the reward needs: the manifold of pictures uint8 [N, H, W, 3] at a side, and the witness of two kinds."""
    features = Features(vgg).to(next(vgg.parameters()).device)
    learned = Learning(features, resize(images, side), components).learn()
    source, target = (learned.places[torch.from_numpy(kind.copy())] for kind in kinds)
    options = ManifoldTraversalOptions(
        penalty=penalty,
        side=side,
        components=source.shape[1],
        sources=len(source),
        targets=len(target),
        blocks=features.vgg.blocks,
    )
    judges = Judges(options)
    judges.features.load_state_dict(features.state_dict())
    for name, found in (
        ("mean", learned.manifold.mean),
        ("basis", learned.manifold.basis),
        ("source", source),
        ("target", target),
    ):
        getattr(judges, name).copy_(found)
    judges.width.fill_(half_width(torch.cat((source, target))))
    return Judgement("manifold_traversal", network_arrays(judges), options.model_dump(mode="json"))


REWARD: type[Any] = ManifoldTraversal
