"""The dual distance as a judge: the log-odds of the best discriminator between real pictures and the newest renders.

There is no inner game: each update solves for the optimum on what the replay holds, whose witness scores from then on.
Pictures count as they are at `side`×`side`; for an agent that copies, what counts is the difference from the target,
which is nothing for a real picture, so that the witness is a distance that saturates where a copy is hopeless.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from spiral.contracts import Arrays, WeightsError
from spiral.descent import DivergedError
from spiral.methods.dual_distance.model import gaussian, solve, witness
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting, need_shape, need_targets, shrunken
from spiral.section import Section, Size


class DualDistanceOptions(Section):
    """λ, how many pictures of each kind an optimum is found for, the side at which they count, and the kernel's width.

    `width` is a share of the median distance between the pictures of an update.
    """

    penalty: float = Field(default=0.1, gt=0)
    batch_size: Size = 128
    side: Size = 16
    width: float = Field(default=1.0, gt=0)


class DualDistance(LearnedReward):
    """f(render) = Σ_i β_i k(x_i, render) + b of the optimum between real pictures and renders."""

    Options = DualDistanceOptions
    options: DualDistanceOptions

    def __init__(self, setting: Setting, options: DualDistanceOptions) -> None:
        super().__init__(setting, options)
        self.batch_size = options.batch_size
        size = options.side**2 * setting.canvas_shape[2]
        self._weights: Arrays = {
            "points": np.zeros((2 * options.batch_size, size), np.float32),
            "beta": np.zeros(2 * options.batch_size, np.float32),
            "bias": np.zeros((), np.float32),
            "width": np.ones((), np.float32),
        }

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        need_shape("dual_distance", renders, (len(renders), *self.setting.canvas_shape))
        targets = need_targets("dual_distance", context, renders) if self.setting.conditional else None
        points, beta = (torch.from_numpy(self._weights[name]).to(self.setting.device) for name in ("points", "beta"))
        similar = gaussian(float(self._weights["width"]))(self._seen(renders, targets), points)
        return (similar @ beta + float(self._weights["bias"])).float().cpu()

    @torch.no_grad()
    def update(self, lesson: Lesson) -> dict[str, float]:
        """The optimum on real pictures and renders, which scores from now on; the distance, and the mean scores."""
        real, fake = self._seen(lesson.real, lesson.targets), self._seen(lesson.renders, lesson.targets)
        points, penalty = torch.cat((real, fake)), self.options.penalty
        width = self.options.width * float(torch.pdist(points).median().clamp(min=1e-3))
        gram = gaussian(width)(points, points)
        best = solve(gram, len(real), penalty)
        scores = witness(best, gram)
        if not scores.isfinite().all():
            raise DivergedError(f"dual_distance at step {self.version}: a score is not finite")
        self.load_weights(
            {
                "points": points.float().cpu().numpy(),
                "beta": best.beta.float().cpu().numpy(),
                "bias": best.bias.float().cpu().numpy(),
                "width": np.array(width, np.float32),
            }
        )
        self.version += 1
        distance = float(best.value) / len(points) + float(np.log(2))
        return {
            "distance": distance,
            "real": float(scores[: len(real)].mean()),
            "fake": float(scores[len(real) :].mean()),
        }

    def weights(self) -> Arrays:
        """The points of the optimum, what each of them weighs, the bias, and the kernel's width."""
        return {name: array.copy() for name, array in self._weights.items()}

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what `weights` gave.

        Raises:
            WeightsError: they are of pictures of another size, or of another number of them.
        """
        shapes = {name: (array.shape, array.dtype) for name, array in self._weights.items()}
        if {name: (array.shape, array.dtype) for name, array in arrays.items()} != shapes:
            raise WeightsError("the weights are of another dual distance: their names, shapes or types differ")
        self._weights = {name: np.array(array) for name, array in arrays.items()}

    def state(self) -> Arrays:
        """Everything that a checkpoint needs: an optimum remembers nothing of those before."""
        return self.weights() | {"version": np.array(self.version)}

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave; the version never falls."""
        self.load_weights({name: array for name, array in arrays.items() if name != "version"})
        self.version = max(self.version, int(arrays["version"]))

    def _seen(self, pixels: NDArray[np.uint8], targets: NDArray[np.uint8] | None) -> Tensor:
        """Pictures as they count, or how they differ from their targets, [B, side · side · C]."""
        side, device = self.options.side, self.setting.device
        pictures = shrunken(pixels, side, device)
        return pictures if targets is None else pictures - shrunken(targets, side, device)


REWARD: type[Any] = DualDistance
