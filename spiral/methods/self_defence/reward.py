"""The guess discriminator as a judge: shown a target and its copy in random order, can it tell which is which?

The score of a render y of a target x is −½ (D(y, x) − D(x, y)), where D is near 1 if it takes the first picture for the
copy: 0 where it cannot tell, −½ where there is no doubt. A perfect copy has 0 whatever D has learned. D learns while
the agent does, on pairs from the replay; `from` lets it begin with what it has learned of translations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from spiral.agent import as_pictures, writable_tensor
from spiral.contracts import Arrays
from spiral.methods.judgement import Judgement
from spiral.methods.self_defence.model import Layout, guess_pairs, guesser, least_squares, told_apart, traces
from spiral.methods.self_defence.translating import Translation
from spiral.rewards.base import (
    Context,
    LearnedReward,
    Lesson,
    Setting,
    need_copies,
    need_finite,
)
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError, Size
from spiral.state import network_arrays

NAME = "self_defence"


class SelfDefenceOptions(Layout):
    """The layout of D, which a fit says where there is one, and how it learns."""

    batch_size: Size = 64
    learning_rate: float = Field(default=4e-4, gt=0)


class SelfDefence(LearnedReward):
    """Minus how surely D_guess tells a render from its target."""

    Options = SelfDefenceOptions
    options: SelfDefenceOptions
    fit = "optional"

    def __init__(self, setting: Setting, options: SelfDefenceOptions) -> None:
        super().__init__(setting, options)
        if not setting.conditional:
            raise ConfigError(
                f"the reward {NAME!r} tells copies from their targets, and this agent copies nothing: set "
                "agent.conditional=true, or take discriminator or dual_distance"
            )
        self.batch_size = options.batch_size
        self.network = guesser(options).to(setting.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), options.learning_rate, (0.5, 0.999))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or there is no target.
        """
        targets = need_copies(NAME, self.setting, context, renders)
        first, places = distinct(renders, targets)
        scores = -traces(self.network, self._seen(targets[first]), self._seen(renders[first]))
        return scores.float().cpu()[places]

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step on pairs of targets and renders in random order; the loss, and the share that D gets right."""
        assert lesson.targets is not None, "the agent copies"
        pairs, answers = guess_pairs(self._seen(lesson.targets), self._seen(lesson.renders), self.generator)
        guesses = self.network(pairs)
        loss = least_squares(guesses, answers)
        self.descend(loss)
        return {"loss": float(loss.detach()), "right": told_apart(guesses, answers)}

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what a fit or `weights` gave.

        Raises:
            WeightsError: they are of another network, or not finite.
        """
        need_finite(NAME, arrays)
        super().load_weights(arrays)

    def _seen(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Pictures of any size, grey or in colour, as D takes them."""
        pictures = 2 * as_pictures(writable_tensor(pixels).to(self.setting.device)) - 1
        side = self.options.side
        if pictures.shape[-2:] != (side, side):
            pictures = functional.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
        return pictures.expand(-1, 3, -1, -1)


def judgement_of(part: Translation) -> Judgement:
    """What the reward begins with: D_guess of pictures and their reconstructions."""
    layout = {name: getattr(part.options, name) for name in Layout.model_fields}
    return Judgement(NAME, network_arrays(part.discriminators["guess_a"]), layout)


REWARD: type[Any] = SelfDefence
