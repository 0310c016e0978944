"""The ladder as a judge: on each rung, is what was painted like what was shown, or like real pictures?

For an agent that copies the score is −Σ_l w_l ‖μ_l(render) − μ_l(target)‖ / s_l, where s_l is how far the codes of one
target are from another's on average: −1 for a picture of something else. The weights w_l choose what should match: the
low ladders hold style, the high ones what the picture is of.

For an agent that paints without a target it is the witness of the MMD between the codes of real pictures and of the
newest renders, Σ_l w_l (mean k(μ_l(x), μ_l(real)) − mean k(μ_l(x), μ_l(renders))), which each update finds anew.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from spiral.agent import writable_tensor
from spiral.contracts import Arrays, WeightsError
from spiral.methods.judgement import Judgement
from spiral.methods.vlae.model import Codes, Encoder, LadderAutoencoder, Layout, as_inputs
from spiral.methods.vlae.training import encoded
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting, need_finite, need_shape, need_targets
from spiral.rewards.distinct import distinct
from spiral.section import Size
from spiral.state import load_network, network_arrays, under_prefix, with_prefix

NAME = "vlae"
CHUNK = 500  # pictures at a time
KEPT = 0.99  # of the yardsticks in an update
SHORTEST = 1e-3  # yardstick, where all targets are alike


class VlaeRewardOptions(Layout):
    """What the ladders weigh, the lowest first, by default all alike; and the networks' layout, which a fit says.

    `batch_size` is of how many pictures of each kind a witness is found, and `spread` is the kernel's width as a share
    of the median distance between their codes.
    """

    weights: tuple[float, ...] = ()
    batch_size: Size = 128
    spread: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _weighs(self) -> Self:
        given = self.weights
        if given and (len(given) != self.ladders or min(given) < 0 or sum(given) <= 0):
            raise ValueError(
                f"rewards.vlae.options.weights={list(given)}: give {self.ladders} numbers, one for each ladder, none "
                "below 0 and one above, the lowest ladder first"
            )
        return self


class Vlae(LearnedReward):
    """Likeness on each ladder, to the target or to real pictures."""

    Options = VlaeRewardOptions
    options: VlaeRewardOptions
    fit = "required"

    def __init__(self, setting: Setting, options: VlaeRewardOptions) -> None:
        super().__init__(setting, options)
        self.batch_size = options.batch_size
        self.encoder = Encoder(options).to(setting.device).eval().requires_grad_(False)
        shares = torch.tensor(options.weights or (1.0,) * options.ladders)
        self.shares = (shares / shares.sum()).tolist()
        none = np.zeros((0, options.ladders, options.latents), np.float32)
        ones = np.ones(options.ladders, np.float32)
        self._weights: Arrays = {"real": none, "renders": none, "widths": ones, "yardsticks": ones}

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or a target is missing.
        """
        need_shape(NAME, renders, (len(renders), *self.setting.canvas_shape))
        if not self.setting.conditional:
            first, places = distinct(renders)
            return self._witnessed(self._codes(renders[first])).float().cpu()[places]
        targets = need_targets(NAME, context, renders)
        codes = []
        for pixels in (renders, targets):  # each picture once: a move leaves a canvas as it is
            first, places = distinct(pixels)
            codes.append(self._codes(pixels[first])[places])
        apart = torch.linalg.vector_norm(codes[0] - codes[1], dim=2)
        yardsticks = self._tensor("yardsticks").clamp(min=SHORTEST)
        scores: Tensor = -(apart / yardsticks * apart.new_tensor(self.shares)).sum(1)
        return scores.float().cpu()

    @torch.no_grad()
    def update(self, lesson: Lesson) -> dict[str, float]:
        """The yardsticks of these targets, or the witness of these pictures, which score from now on."""
        real, renders = self._codes(lesson.real), self._codes(lesson.renders)
        measured = self._measure(real) if self.setting.conditional else self._find_witness(real, renders)
        self.version += 1
        return measured

    def weights(self) -> Arrays:
        """What learns: the codes that the witness is of, the kernel's widths, and the yardsticks."""
        return {name: array.copy() for name, array in self._weights.items()}

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what a fit gave, or what `weights` gave.

        Raises:
            WeightsError: they are of another layout, or not finite.
        """
        need_finite(NAME, arrays)
        if encoder := under_prefix("encoder", arrays):
            load_network(self.encoder, encoder)
            arrays = self._weights | {name: value for name, value in arrays.items() if not name.startswith("encoder/")}
        shapes = {name: (array.shape[1:] or array.shape, array.dtype) for name, array in self._weights.items()}
        if {name: (array.shape[1:] or array.shape, array.dtype) for name, array in arrays.items()} != shapes:
            raise WeightsError("the weights are of another vlae: their names, shapes or types differ")
        self._weights = {name: np.array(array) for name, array in arrays.items()}

    def state(self) -> Arrays:
        """Everything that a checkpoint needs beside the fit."""
        return self.weights() | {"version": np.array(self.version)}

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave; the version never falls."""
        self.load_weights({name: array for name, array in arrays.items() if name != "version"})
        self.version = max(self.version, int(arrays["version"]))

    def _measure(self, codes: Tensor) -> dict[str, float]:
        """Moves the yardsticks towards the distances between the codes of these targets."""
        if len(codes) > 1:
            before, now = self._tensor("yardsticks"), apart_on_average(codes)
            self._weights["yardsticks"] = before.lerp(now, 1 - KEPT if self.version else 1.0).cpu().numpy()
        return {f"yardstick {at + 1}": float(value) for at, value in enumerate(self._weights["yardsticks"])}

    def _find_witness(self, real: Tensor, renders: Tensor) -> dict[str, float]:
        points = torch.cat((real, renders))
        medians = torch.stack([torch.pdist(codes).median() for codes in points.unbind(1)])
        self._weights |= {
            "real": real.cpu().numpy(),
            "renders": renders.cpu().numpy(),
            "widths": (self.options.spread * medians.clamp(min=SHORTEST)).cpu().numpy(),
        }
        of_real, of_renders = self._witnessed(real).mean(), self._witnessed(renders).mean()
        return {"MMD": float(of_real - of_renders), "real": float(of_real), "fake": float(of_renders)}

    def _witnessed(self, codes: Tensor) -> Tensor:
        """The weighted witness of codes [N, ladders, latents], [N]; 0 before the first update."""
        real, renders, widths = (self._tensor(name) for name in ("real", "renders", "widths"))
        total = codes.new_zeros(len(codes))
        if len(real) and len(renders):
            for ladder, share in enumerate(self.shares):
                own, width = codes[:, ladder], float(widths[ladder])
                total += share * (_alike(own, real[:, ladder], width) - _alike(own, renders[:, ladder], width))
        return total

    def _codes(self, pixels: NDArray[np.uint8]) -> Tensor:
        """The means of the codes of pictures, [B, ladders, latents].

        Raises:
            ValueError: there are none, or they are not of bytes.
        """
        if pixels.dtype != np.uint8 or len(pixels) == 0:
            raise ValueError(
                f"the reward {NAME!r} takes one uint8 picture or more, but was given {pixels.dtype} {pixels.shape}"
            )
        parts = writable_tensor(pixels).to(self.setting.device).split(CHUNK)
        return torch.cat([stacked(self.encoder(as_inputs(part, self.options))[0]) for part in parts])

    def _tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self._weights[name]).to(self.setting.device)


def stacked(codes: Codes) -> Tensor:
    """[N, ladders, latents] of codes of each ladder."""
    return torch.stack(codes, dim=1)


def apart_on_average(codes: Tensor) -> Tensor:
    """How far the codes [N, ladders, latents] are from the next ones on average, [ladders]."""
    distances: Tensor = torch.linalg.vector_norm(codes - codes.roll(1, 0), dim=2)
    return distances.mean(0)


def judgement_of(network: LadderAutoencoder, layout: Layout, pictures: Tensor) -> Judgement:
    """What the reward needs of a fitted autoencoder, with yardsticks for pictures uint8 [N, C, side, side]."""
    yardsticks = apart_on_average(stacked(encoded(network, pictures)[0])).cpu().numpy()
    weights = with_prefix("encoder", network_arrays(network.encoder)) | {"yardsticks": yardsticks}
    return Judgement(NAME, weights, {name: getattr(layout, name) for name in Layout.model_fields})


def _alike(some: Tensor, others: Tensor, width: float) -> Tensor:
    """The mean over others [M, d] of exp(−‖x − y‖² / width²), [N]."""
    return torch.exp(-(torch.cdist(some, others) / width).square()).mean(1)


REWARD: type[Any] = Vlae
