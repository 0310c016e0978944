"""Edges as a judge: has the agent drawn the edges of what it was shown, and nothing else?

A field finds the edges e of the picture that was shown, thin lines of 0 and 1. With the ink z of what was drawn, 0 for
white and 1 for black, and D(·) the largest within reach of a pixel, the score is an F-measure that ink counts in by how
dark it is:

    (Σ z · D(e) + Σ e · D(z)) / (Σ z + Σ e),

1 where all ink lies on edges and all edges have full ink, 0 where neither. The reach is one for both, so that a stroke
may be a little off or wide. Shown a photograph, the agent makes a line drawing of it with a pen.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from torch import Tensor

from spiral.agent import as_pictures, writable_tensor
from spiral.contracts import Arrays, WeightsError
from spiral.methods.judgement import Judgement
from spiral.methods.n4_fields.encoding import CODE
from spiral.methods.n4_fields.field import SCALES, Dictionary, NearestField, codes_of, found_edges
from spiral.methods.n4_fields.measures import drawn_alike
from spiral.methods.n4_fields.model import N, PatchNetwork, Stride
from spiral.methods.n4_fields.thinning import suppressed, thinned
from spiral.rewards.base import Context, Reward, Setting, need_copies, need_finite
from spiral.section import Section, Size
from spiral.state import load_network, network_arrays

COLORS = 3
RIM = 1  # pixels within which edges are weakened; the benchmark's five are much of a small canvas
SEEN_AT = 64  # pixels of a side: a patch of M pixels is most of a smaller picture, which is enlarged to be looked at
REMEMBERED = 2**16  # pictures whose edges are kept, a bit a pixel: an agent is shown each many times


class N4Options(Section):
    """How far a stroke may be off, in diagonals of the picture; what comes from the fit: the network, the dictionary.

    `threshold` is from where on an edge counts, and patches are `stride` pixels apart.
    """

    reach: float = Field(default=0.015, ge=0, le=1)
    threshold: float = Field(default=0.2, gt=0, lt=1)
    width: float = Field(default=0.25, gt=0, le=4)
    entries: Size = 16_384
    stride: Stride = 8


class N4Fields(Reward):
    """The F-measure of ink and of the edges of what was shown."""

    Options = N4Options
    options: N4Options
    fit = "required"

    def __init__(self, setting: Setting, options: N4Options) -> None:
        super().__init__(setting, options)
        self.setting = setting
        self.network = PatchNetwork(COLORS, CODE, options.width).to(setting.device).eval()
        self.mean = torch.zeros(COLORS, device=setting.device)
        self._take_dictionary(
            np.zeros((options.entries, CODE), np.float32), np.zeros((options.entries, N * N // 8), np.uint8)
        )

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or nothing was shown.
        """
        targets = need_copies("n4_fields", self.setting, context, renders)
        edges = torch.from_numpy(np.stack([self.edges(target) for target in targets])).float()
        ink = 1 - as_pictures(writable_tensor(renders)).mean(1)
        reach = max(1, round(self.options.reach * float(np.hypot(*ink.shape[1:]))))
        return drawn_alike(ink, edges, reach)

    def edges(self, target: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """The edges of a picture uint8 [H, W, C], bool [H, W].

        Each picture goes through the network by itself, so that it has the same edges in any company.
        """
        key = blake2b(target.tobytes(), digest_size=16).digest(), target.shape
        if key not in self._known:
            if len(self._known) == REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = np.packbits(self._found(target))
        height, width, _ = target.shape
        return np.unpackbits(self._known[key], count=height * width).reshape(height, width).astype(bool)

    def _found(self, target: NDArray[np.uint8]) -> NDArray[np.bool_]:
        color = np.repeat(target, COLORS, -1) if target.shape[-1] == 1 else target
        height, width, _ = color.shape
        times = -(-SEEN_AT // min(height, width))
        seen = np.asarray(Image.fromarray(color).resize((times * width, times * height), Image.Resampling.BILINEAR))
        found = found_edges([self._field], seen, self.mean, SCALES, self.options.stride)
        edges = thinned(suppressed(found, border=RIM) >= self.options.threshold)
        return np.asarray(edges.reshape(height, times, width, times).any((1, 3)))

    def weights(self) -> Arrays:
        """The network, the mean colour, and the dictionary."""
        dictionary: Arrays = {"codes": self._dictionary.codes.copy(), "annotations": self._dictionary.bits.copy()}
        return network_arrays(self.network) | dictionary | {"mean": self.mean.cpu().numpy().copy()}

    def load_weights(self, arrays: Arrays) -> None:
        """Take over what a fit gave.

        Raises:
            WeightsError: they are of another network or dictionary, or not finite.
        """
        own = {name: arrays[name] for name in ("codes", "annotations", "mean") if name in arrays}
        before = self.weights()
        if len(own) < 3 or any(
            (a.shape, a.dtype) != (before[name].shape, before[name].dtype) for name, a in own.items()
        ):
            raise WeightsError("the weights are of other N4-Fields: the dictionary or its shape differs")
        need_finite("n4_fields", arrays)
        load_network(self.network, {name: array for name, array in arrays.items() if name not in own})
        self.mean = torch.from_numpy(np.array(own["mean"])).to(self.setting.device)
        self._take_dictionary(np.array(own["codes"]), np.array(own["annotations"]))

    def _take_dictionary(self, codes: NDArray[np.float32], annotations: NDArray[np.uint8]) -> None:
        self._dictionary = Dictionary(codes, annotations)
        self._field = NearestField(codes_of(self.network), self._dictionary)
        self._known: dict[tuple[bytes, tuple[int, ...]], NDArray[np.uint8]] = {}


def judgement_of(
    network: PatchNetwork,
    dictionary: Dictionary,
    mean: NDArray[np.float32],
    width: float,
    threshold: float,
    stride: Stride,
) -> Judgement:
    """What the reward needs of a fitted field."""
    weights = network_arrays(network) | {"codes": dictionary.codes, "annotations": dictionary.bits, "mean": mean}
    options = {"width": width, "entries": len(dictionary.codes), "threshold": threshold, "stride": stride}
    return Judgement("n4_fields", weights, options)


REWARD: type[Any] = N4Fields
