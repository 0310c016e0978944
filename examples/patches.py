"""A reward of your own that learns: a critic that looks at small patches of a picture and never at the whole.

    PYTHONPATH=examples spiral train --preset mnist-small --minutes 5 --out runs/patches \
        --set 'rewards=[{"name": "patches:PatchCritic", "when": "step", "options": {"width": 24}}, {"name": "blank"}]'

The reward learner trains it on renders and real pictures, its weights travel to the policy learner, and checkpoints
keep it, on one machine as on a cluster. A critic of patches (Isola et al., 2017) asks for strokes that look real.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from spiral.agent import as_pictures, writable_tensor
from spiral.losses import logistic_loss
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting
from spiral.section import Section


class PatchOptions(Section):
    """Channels of the layers, and how fast they learn; values are checked like all settings."""

    width: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)


class PatchCritic(LearnedReward):
    """The mean log-odds of a picture's patches, 10 pixels wide, to be of a real picture."""

    Options = PatchOptions

    def __init__(self, setting: Setting, options: PatchOptions) -> None:
        super().__init__(setting, options)
        first = nn.Conv2d(setting.canvas_shape[2], options.width, 4, stride=2, padding=1)
        second = nn.Conv2d(options.width, 1, 4, stride=2, padding=1)
        self.network = nn.Sequential(spectral_norm(first), nn.LeakyReLU(0.2), spectral_norm(second)).to(setting.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), options.learning_rate, (0.5, 0.9))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        return self._log_odds(renders).cpu()

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step of the logistic loss; the mean log-odds of both kinds."""
        real, fake = self._log_odds(lesson.real), self._log_odds(lesson.renders)
        self.descend(logistic_loss(real, fake))
        return {"real": float(real.detach().mean()), "fake": float(fake.detach().mean())}

    def _log_odds(self, pixels: NDArray[np.uint8]) -> Tensor:
        self.network.train(torch.is_grad_enabled())  # where it is, spectral normalisation goes on with its estimate
        patches: Tensor = self.network(as_pictures(writable_tensor(pixels).to(self.setting.device)))
        return patches.mean(dim=(1, 2, 3))
