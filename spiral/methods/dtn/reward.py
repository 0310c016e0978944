"""The transfer as a judge: does what was painted say the same as what was shown, and does it look like the target?

For an agent that is shown x and has painted z the score is

    −constancy · ‖f(x) − f(z)‖² + realism · log D₃(z) − identity · [x is of the target] · ‖x − z‖²,

with the mean of the squares over the features, and over the pixels: L_CONST, L_GANG and L_TID with z in the place of
G(x). Shown a number on clutter, the agent writes the digit with a pen; shown a written digit, it copies it. A picture
is of the target where G = g ∘ f leaves it as it is, about as well as it does most pictures of the target.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import writable_tensor
from spiral.methods.dtn.model import REAL, SIDE, Discriminator, Generator, Perception, as_inputs, in_color
from spiral.methods.dtn.transfer import Transferring
from spiral.methods.judgement import Judgement
from spiral.rewards.base import Context, FittedReward, Setting, need_copies
from spiral.rewards.distinct import distinct
from spiral.section import Section, Size
from spiral.state import network_arrays

KEPT_SHARE = 0.95  # of the pictures of the target that count as left as they are by G


class DtnOptions(Section):
    """What the terms weigh, by default as in the paper for digits; and the networks' sizes, which come from the fit."""

    constancy: float = Field(default=1.0, ge=0)
    realism: float = Field(default=1 / 15, ge=0)
    identity: float = Field(default=1.0, ge=0)
    perception_width: Size = 64
    width: Size = 32
    drawn_channels: Literal[1, 3] = 1


class Judges(nn.Module):
    """f, g and D of a transfer, and `tolerance`: the most by which G changes what is of the target, a mean square.

    f is there twice, as it is normalised for pictures of the source and of the target.
    """

    tolerance: Tensor

    def __init__(self, options: DtnOptions) -> None:
        super().__init__()
        self.f_of_source, self.f_of_target = (Perception(options.perception_width) for _ in range(2))
        self.g = Generator(self.f_of_target.features, options.width, options.drawn_channels)
        self.discriminator = Discriminator(options.drawn_channels, options.width)
        self.register_buffer("tolerance", torch.zeros(()))


class Dtn(FittedReward):
    """f-constancy between what was shown and what was painted, realism by D₃, and identity on the target."""

    Options = DtnOptions
    options: DtnOptions
    method = "dtn"

    def __init__(self, setting: Setting, options: DtnOptions) -> None:
        super().__init__(setting, options)
        self.network: Judges = Judges(options).to(setting.device).eval()

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or nothing was shown.
        """
        targets = need_copies("dtn", self.setting, context, renders)
        first_shown, of_shown = distinct(targets)
        first_painted, of_painted = distinct(renders)
        shown, painted = self._seen(targets[first_shown]), self._seen(renders[first_painted])
        seen, kept = self._shown(shown)
        after, realism = self._painted(painted)
        constancy = (seen[of_shown] - after[of_painted]).square().mean(1)
        changed = (self._drawable(shown)[of_shown] - self._drawable(painted)[of_painted]).square().mean((1, 2, 3))
        options = self.options
        total = options.realism * realism[of_painted] - options.constancy * constancy
        return (total - options.identity * kept[of_shown] * changed).float().cpu()

    def _shown(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """f(x), and whether x is of the target, 0 or 1."""
        seen = self.network.f_of_target(shown)
        changed = (self.network.g(seen) - self._drawable(shown)).square().mean((1, 2, 3))
        kept = changed <= self.network.tolerance
        return torch.where(kept[:, None], seen, self.network.f_of_source(shown)), kept.float()

    def _painted(self, painted: Tensor) -> tuple[Tensor, Tensor]:
        """f(z) and log D₃(z)."""
        logits = self.network.discriminator(self._drawable(painted))
        return self.network.f_of_target(painted), functional.log_softmax(logits, 1)[:, REAL]

    def _seen(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Pictures of any size as the networks take them."""
        pictures = as_inputs(writable_tensor(pixels).to(self.setting.device))
        if pictures.shape[-2:] == (SIDE, SIDE):
            return pictures
        return functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)

    def _drawable(self, pictures: Tensor) -> Tensor:
        """The pictures with as many colours as the target has."""
        if pictures.shape[1] == self.options.drawn_channels:
            return pictures
        return pictures.mean(1, keepdim=True) if self.options.drawn_channels == 1 else in_color(pictures)


def judgement_of(transfer: Transferring) -> Judgement:
    """What the reward needs of a transfer."""
    target = transfer.target
    options: dict[str, Any] = {
        "perception_width": transfer.options.perception_width,
        "width": transfer.options.width,
        "drawn_channels": target.images.shape[-1],
    }
    judges = Judges(DtnOptions(**options))
    judges.f_of_source.load_state_dict(transfer.f_of("source").state_dict())
    judges.f_of_target.load_state_dict(transfer.f_of("target").state_dict())
    judges.g.load_state_dict(transfer.average.module.get_submodule("1").state_dict())
    judges.discriminator.load_state_dict(transfer.discriminator.state_dict())
    changed = (transfer.transferred(target, "target") - target.inputs()).square().mean((1, 2, 3))
    judges.tolerance.copy_(changed.quantile(KEPT_SHARE))
    return Judgement("dtn", network_arrays(judges), options)


REWARD: type[Any] = Dtn
