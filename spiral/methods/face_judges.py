"""Who judges faces that a method made: readers of an attribute and a memory for faces, neither of which it knows.

Both are small networks that look at pixels. A reader learns to tell those with an attribute from those without. The
memory learns to find another picture of the same face among those of others, as the descriptor of the domain transfer
does.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.descent import descend
from spiral.methods.dtn.recognizing import another_picture, recognition_loss
from spiral.methods.experiment import Part

SIDE = 64  # at which both look
WIDTHS = (3, 16, 32, 64, 64)
EMBEDDED = 64
RATE = 2e-3
BATCH = 64
CHUNK = 100
READ = 0.5  # of a probability, from which on a picture has the attribute


class Looking(nn.Module):
    """Pictures [N, 3, H, W] in [0, 1] → [N, outputs]."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip(WIDTHS[:-1], WIDTHS[1:], strict=True):
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(WIDTHS[-1] * (SIDE // 16) ** 2, outputs))
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """As the networks need it: at their side, around zero."""
        if pictures.shape[-2:] != (SIDE, SIDE):
            pictures = functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
        seen: Tensor = self.layers(2 * pictures - 1)
        return seen


class _Judge(Part):
    """What both trainings share.

    Args:
        pictures: [N, 3, H, W] in [0, 1].
    """

    def __init__(self, steps: int, seed: int, pictures: Tensor, outputs: int) -> None:
        super().__init__(steps, seed)
        self.pictures = pictures
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = Looking(outputs).to(pictures.device)
        self.networks = {"network": self.network}
        self.optimizers = {"network": torch.optim.Adam(self.network.parameters(), RATE)}

    def step(self, progress: float) -> dict[str, float]:
        """One step of Adam, at a rate that falls to nothing."""
        self.optimizers["network"].param_groups[0]["lr"] = RATE * (1 - progress)
        self.network.train()
        loss = self.loss()
        descend(loss, self.network, self.optimizers["network"], math.inf, type(self).__name__)
        self.network.eval()
        return {"loss": float(loss.detach())}

    @abstractmethod
    def loss(self) -> Tensor:
        """Of some pictures."""

    def others(self, chosen: Tensor) -> Tensor:
        """Other pictures of those who were chosen."""
        pictures = self.pictures[chosen.to(self.pictures.device)]
        return (another_picture(2 * pictures - 1, self.generator) + 1) / 2

    @torch.no_grad()
    def outputs(self, pictures: Tensor) -> Tensor:
        """Of pictures [N, 3, H, W], [N, outputs]."""
        return torch.cat([self.network(some) for some in pictures.split(CHUNK)])


class AttributeReader(_Judge):
    """A reader: has a face the attribute?

    Args:
        kinds: 1 where a picture has it, and 0 where not, [N]; there are some of both.
    """

    def __init__(self, steps: int, seed: int, pictures: Tensor, kinds: Tensor) -> None:
        super().__init__(steps, seed, pictures, 1)
        self._of = [(kinds == kind).nonzero()[:, 0].cpu() for kind in (0, 1)]

    def loss(self) -> Tensor:
        """The cross-entropy on as many pictures without the attribute as with it."""
        chosen = torch.cat([of[torch.randint(len(of), (BATCH // 2,), generator=self.generator)] for of in self._of])
        logits = self.network(self.others(chosen))[:, 0]
        return functional.binary_cross_entropy_with_logits(logits, (torch.arange(BATCH) >= BATCH // 2).to(logits))

    def reads(self, pictures: Tensor) -> Tensor:
        """The probability that pictures [N, 3, H, W] have it, [N]."""
        return self.outputs(pictures)[:, 0].sigmoid()

    def has(self, pictures: Tensor) -> Tensor:
        """Whether they are read as having it, bool [N]."""
        return self.reads(pictures) > READ


class FaceMemory(_Judge):
    """The memory: whose face is it?"""

    def __init__(self, steps: int, seed: int, pictures: Tensor) -> None:
        super().__init__(steps, seed, pictures, EMBEDDED)

    def loss(self) -> Tensor:
        """How hard it is to find the other picture of each."""
        chosen = torch.randperm(len(self.pictures), generator=self.generator)[:BATCH]
        return recognition_loss(*(self.network(self.others(chosen)) for _ in range(2)))

    def alike(self, ones: Tensor, others: Tensor) -> Tensor:
        """The cosines of what it makes of pictures, one by one, [N]."""
        return functional.cosine_similarity(self.outputs(ones), self.outputs(others))
