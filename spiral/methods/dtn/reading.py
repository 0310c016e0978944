"""f is learned first: the convolutions of a classifier of the source's digits (section 5.1).

It must say of pictures of the target what it says of the source's, and has none of them to learn from. So it sees each
picture bent another way each time, as hands bend what fonts write (after Simard, Steinkraus, Platt: "Best practices for
convolutional neural networks applied to visual document analysis", 2003), and in other colours, light ones for dark.
Of half of them a part is missing at first (Zhong et al.: "Random erasing data augmentation", 2017), as what people
write has not all that fonts have: so it learns that a 1 without its flag and foot is a 1. In the end all are whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from spiral.descent import descend
from spiral.methods.dtn.model import Classifier, Perception
from spiral.methods.dtn.pixels import Pixels, in_chunks
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.section import Size

Made = TypeVar("Made")
BEND, BENDS = 0.15, 5  # half sides by which places move at most, each apart at a grid of so many
ERASED, PATCH = 0.5, (5, 13)  # the share of pictures of which a patch is missing at first, and the pixels of its sides
WHOLE = 0.8  # of a training, after which no patch is missing
WARM_UP = 0.1  # of a training, over which the learning rate of an f rises; then it falls to nothing


class TransferOptions(ExperimentOptions):
    """What every transfer can be told.

    `steps` are of each transfer and `perception_steps` of each f. `perception_width` 64 is the paper's f; `width` is of
    the first layer of D and the last of g. `pictures` is how many of a set are used at most. The learning rates are of
    f, of g and of D, which learns more slowly, since else it soon knows all that g draws. `noise` is the deviation
    of what is added to f's activations, from −1 to 1, where g learns from them. `alpha`, `beta`, `gamma`
    and `delta` weigh L_CONST, L_TID, L_TV and L_KIND.
    """

    steps: Size = 750
    perception_steps: Size = 8000
    batch_size: int = Field(default=32, ge=2, le=2**20)  # one picture has no spread to be normalised by
    pictures: Size = 20000
    perception_width: Size = 64
    width: Size = 32
    perception_rate: float = Field(default=5e-3, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    discriminator_rate: float = Field(default=2e-4, gt=0)
    noise: float = Field(default=0.8, ge=0)
    alpha: float = Field(default=4.0, ge=0)
    beta: float = Field(default=15.0, ge=0)
    gamma: float = Field(default=0.0, ge=0)
    delta: float = Field(default=2.0, ge=0)


class Sampling(Part):
    """A part that sees some pictures at each step, chosen by its generator."""

    def __init__(self, steps: int, batch_size: int, seed: int) -> None:
        super().__init__(steps, seed)
        self.batch_size = batch_size

    def some(self, pixels: Pixels) -> Tensor:
        """Which of the pictures a step sees, [batch_size]."""
        chosen = torch.randint(len(pixels), (self.batch_size,), generator=self.generator)
        return chosen.to(pixels.images.device)


class Reading(Sampling):
    """A classifier of a set; its convolutions are an f when it is done (section 5.1)."""

    def __init__(self, options: TransferOptions, pixels: Pixels, seed: int) -> None:
        super().__init__(options.perception_steps, options.batch_size, seed)
        self.options, self.pixels = options, pixels
        made = with_seed(seed, lambda: Classifier(Perception(options.perception_width), 10))
        self.classifier = made.to(pixels.images.device).eval()
        self.networks = {"classifier": self.classifier}
        self.optimizers = {"classifier": torch.optim.Adam(self.classifier.parameters())}

    @property
    def perception(self) -> Perception:
        """f."""
        return self.classifier.perception

    def kinds(self, seen: Tensor) -> Tensor:
        """The logits [N, classes] by f's activations [N, features], from which the classifier itself learns nothing."""
        head = self.classifier.head
        return functional.linear(seen, head.weight.detach(), head.bias.detach())

    def step(self, progress: float) -> dict[str, float]:
        """One step down the cross-entropy."""
        optimizer = self.optimizers["classifier"]
        optimizer.param_groups[0]["lr"] = self.options.perception_rate * rate_at(progress)
        chosen = self.some(self.pixels)
        self.classifier.train()
        pictures = self.pixels.inputs(chosen)
        for changed in (bent, recolored, partial(erased, share=ERASED * max(0.0, 1 - progress / WHOLE))):
            pictures = changed(pictures, generator=self.generator)
        logits, labels = self.classifier(pictures), self.pixels.labels[chosen]
        loss = functional.cross_entropy(logits, labels)
        descend(loss, self.classifier, optimizer, math.inf, "the classifier of the dtn")
        self.classifier.eval()
        return {"loss": float(loss.detach()), "read right": float((logits.argmax(1) == labels).float().mean())}

    def accuracy(self, pixels: Pixels) -> float:
        """The share of pictures of a set that it reads right."""
        logits = in_chunks(self.classifier, pixels.inputs, len(pixels))
        return float((logits.argmax(1) == pixels.labels).float().mean())

    def accuracy_on(self, pictures: Tensor, labels: Tensor) -> float:
        """The share of pictures [N, C, 32, 32] that it reads right."""
        logits = in_chunks(self.classifier, pictures.__getitem__, len(pictures))
        return float((logits.argmax(1) == labels).float().mean())


def bent(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """The pictures [N, C, H, W] as on a sheet that is stretched unevenly."""
    moves = BEND * (2 * torch.rand(len(pictures), 2, BENDS, BENDS, generator=generator) - 1)
    smooth = functional.interpolate(moves, pictures.shape[-2:], mode="bicubic", align_corners=True)
    places = functional.affine_grid(
        torch.eye(2, 3).expand(len(pictures), 2, 3), list(pictures.shape), align_corners=False
    )
    grid = (places + smooth.permute(0, 2, 3, 1)).to(pictures.device)
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def recolored(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """The pictures [N, C, H, W] in [−1, 1] with their colours in another order, and half of them as negatives."""
    count, channels = pictures.shape[:2]
    order = torch.rand(count, channels, 1, 1, generator=generator).argsort(1).to(pictures.device)
    sign = 2 * torch.randint(2, (count, 1, 1, 1), generator=generator).to(pictures.device) - 1
    return sign * pictures.gather(1, order.expand_as(pictures))


def erased(pictures: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """The pictures [N, C, H, W], a share of them with a patch of the mean colour of their border somewhere."""
    count, (height, width) = len(pictures), pictures.shape[-2:]
    rows, columns = (_within(side, count, generator) for side in (height, width))
    some = torch.rand(count, 1, 1, generator=generator) < share
    patch = (rows[:, :, None] & columns[:, None, :] & some)[:, None].to(pictures.device)
    edges = (pictures[..., 0, :], pictures[..., -1, :], pictures[..., :, 0], pictures[..., :, -1])
    border = torch.stack([edge.mean(-1) for edge in edges]).mean(0)
    return torch.where(patch, border[..., None, None], pictures)


def _within(side: int, count: int, generator: torch.Generator) -> Tensor:
    """Which of the places along a side are in a patch, [count, side]."""
    length = torch.randint(PATCH[0], PATCH[1] + 1, (count, 1), generator=generator)
    first = (torch.rand(count, 1, generator=generator) * (side - length + 1)).long()
    places = torch.arange(side)
    return (places >= first) & (places < first + length)


def rate_at(progress: float) -> float:
    """The share of the learning rate that is used when so much of a training is over."""
    return min((progress + 1e-3) / WARM_UP, (1 - progress) / (1 - WARM_UP))


def with_seed(seed: int, make: Callable[[], Made]) -> Made:
    """What `make` makes, whose first weights the seed alone decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
