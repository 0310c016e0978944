"""A classifier in place of the users of table 4.I: it must find the one redirected eye among three real ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.descent import descend
from spiral.methods.experiment import Part

QUADRUPLETS = 40  # of each method in the user study
BATCH = 32  # redirected eyes at a time, and as many real ones
RATE = 1e-3


class Finding(Part):
    """Learns what gives redirected eyes away, of all methods together, as the users saw them.

    Args:
        examples: redirected eyes by method, and real ones, each [N, 3, H, W]; asked when the first step begins, by when
            the methods have learned.
    """

    def __init__(
        self,
        steps: int,
        seed: int,
        device: torch.device,
        examples: Callable[[], tuple[Mapping[str, Tensor], Tensor]],
    ) -> None:
        super().__init__(steps, seed)
        self.device, self._examples = device, examples
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.finder = _finder().to(device).eval()
        self.networks = {"finder": self.finder}
        self.optimizer = torch.optim.Adam(self.finder.parameters(), RATE)
        self.optimizers = {"finder": self.optimizer}
        self._shown: tuple[Tensor, Tensor] | None = None

    def step(self, progress: float) -> dict[str, float]:
        """One step down the cross-entropy."""
        del progress
        if self._shown is None:
            redirected, real = self._examples()
            self._shown = torch.cat(list(redirected.values())), real
        made, real = (self._some(pictures) for pictures in self._shown)
        self.finder.train()
        logits = self.finder(torch.cat((made, real)))[:, 0]
        told = torch.cat((torch.ones(BATCH), torch.zeros(BATCH))).to(self.device)
        loss = functional.binary_cross_entropy_with_logits(logits, told)
        descend(loss, self.finder, self.optimizer, math.inf, "the classifier of redirected eyes")
        self.finder.eval()
        return {"loss": float(loss.detach()), "told right": float(((logits > 0) == (told > 0)).float().mean())}

    def _some(self, pictures: Tensor) -> Tensor:
        chosen = torch.randint(len(pictures), (BATCH,), generator=self.generator)
        return pictures[chosen].to(self.device)

    @torch.no_grad()
    def found(self, redirected: Tensor, real: Tensor) -> float:
        """Of 40 quadruplets, how many redirected eyes are found, on average over all of [N, 3, H, W]."""
        logits, others = (self.finder(pictures.to(self.device))[:, 0].cpu() for pictures in (redirected, real))
        return QUADRUPLETS * found_share(logits, others)


def found_share(redirected: Tensor, real: Tensor) -> float:
    """How often each of the redirected [N] stands out of three real ones, the next in [N], round about."""
    others = torch.stack([real.roll(-step) for step in (1, 2, 3)])
    return float((redirected > others.amax(0)).float().mean())


def _finder() -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))
