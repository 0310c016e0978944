"""PuppetGAN as a judge: write this digit, as slanted as that one.

For an agent that is shown x, with a reference r, and has painted z the score is

    −attribute · |α(z) − α(r)|² / s_α − rest · |ρ(z) − ρ(x)|² / s_ρ − picture · |z − R(α(r), ρ(x))|² / s_z,

where each s is the mean of the squares between real pictures that have nothing to do with each other: a term costs 1
for a picture of something else. R(α(r), ρ(x)) is what PuppetGAN itself would draw.

The reference is the same for all that is shown, and `value` or `reference` gives it: as the number that the attribute
has in the demonstrations, or as a picture in a file. Where neither is given, x is its own reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import writable_tensor
from spiral.data.picture_file import open_picture
from spiral.data.pictures import DatasetError
from spiral.methods.dtn.model import as_inputs
from spiral.methods.dtn.pixels import in_chunks
from spiral.methods.judgement import Judgement
from spiral.methods.puppet_gan.model import Code, Decoder, Encoder, Layout
from spiral.rewards.base import Context, FittedReward, Setting, need_copies
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError
from spiral.state import network_arrays

if TYPE_CHECKING:
    from spiral.methods.puppet_gan.puppet import PuppetGan

NAME = "puppet_gan"
KNOWN = 1000  # real pictures by which distances are measured
NEAREST = 1e-6  # distance that counts, where all pictures are alike


class PuppetGanOptions(Layout):
    """What the terms weigh, and the reference; the networks' sizes and the values that were shown come from the fit.

    `value` lies between the least and the most that was demonstrated: of `size` in sizes of MNIST's digits, of
    `rotation` in radians to the right, of `mouth` in widths of the picture. `reference` is a PNG or JPEG of a synthetic
    picture.
    """

    attribute: float = Field(default=1.0, ge=0)
    rest: float = Field(default=1.0, ge=0)
    picture: float = Field(default=1.0, ge=0)
    value: float | None = None
    reference: str | None = None
    values: tuple[float, ...] = Field(default=(0.0, 1.0), min_length=2)

    @model_validator(mode="after")
    def _one_reference(self) -> Self:
        least, most = self.values[0], self.values[-1]
        if self.value is not None and self.reference is not None:
            raise ValueError(
                f"rewards.{NAME}.options has value={self.value:g} and reference={self.reference!r}: give one of the two"
            )
        if self.value is not None and not least <= self.value <= most:
            raise ValueError(
                f"rewards.{NAME}.options.value={self.value:g}, but {least:g} to {most:g} was demonstrated: give a "
                "value between these, or fit with others"
            )
        return self


class Judges(nn.Module):
    """E and R, what E sees in demonstrations of each value, and what distances are measured by."""

    seen: Tensor
    scales: Tensor

    def __init__(self, options: PuppetGanOptions) -> None:
        super().__init__()
        self.encoder = Encoder(options)
        self.real = Decoder(options)
        self.register_buffer("seen", torch.zeros(len(options.values), options.attribute_size))
        self.register_buffer("scales", torch.ones(3))


class Puppeteer(FittedReward):
    """The attribute of the reference, and the rest of what is shown."""

    Options = PuppetGanOptions
    options: PuppetGanOptions
    method = NAME

    def __init__(self, setting: Setting, options: PuppetGanOptions) -> None:
        super().__init__(setting, options)
        self.network: Judges = Judges(options).to(setting.device).eval()
        self.reference = None if options.reference is None else self._opened(Path(options.reference))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or nothing was shown.
        """
        targets = need_copies(NAME, self.setting, context, renders)
        first_shown, of_shown = distinct(targets)
        first_painted, of_painted = distinct(renders)
        shown, painted = self._inputs(targets[first_shown]), self._inputs(renders[first_painted])
        wanted: Code = self.network.encoder(shown)
        wanted = Code(self._attribute(wanted), wanted.rest)
        pictures, found = self.network.real(wanted), self.network.encoder(painted)
        pairs = (
            (found.attribute[of_painted], wanted.attribute[of_shown]),
            (found.rest[of_painted], wanted.rest[of_shown]),
            (painted[of_painted], pictures[of_shown]),
        )
        apart = torch.stack([(one - other).square().flatten(1).mean(1) for one, other in pairs], 1)
        weights = apart.new_tensor((self.options.attribute, self.options.rest, self.options.picture))
        return -(apart / self.network.scales * weights).sum(1).float().cpu()

    def _attribute(self, shown: Code) -> Tensor:
        """α of the reference of each picture that is shown."""
        if self.reference is not None:
            reference: Code = self.network.encoder(self.reference)
            return reference.attribute.expand_as(shown.attribute)
        if self.options.value is not None:
            return between(self.network.seen, self.options.values, self.options.value).expand_as(shown.attribute)
        return shown.attribute

    def _opened(self, path: Path) -> Tensor:
        try:
            picture = np.array(open_picture(path, self.options.channels == 3))
        except DatasetError as error:
            raise ConfigError(f"rewards.{NAME}.options.reference: {error}") from None
        return self._inputs(picture.reshape(1, *picture.shape[:2], -1))

    def _inputs(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Pictures of any size and colour as the networks take them."""
        pictures = as_inputs(writable_tensor(pixels).to(self.setting.device))
        if pictures.shape[1] != self.options.channels:
            pictures = pictures.mean(1, keepdim=True) if self.options.channels == 1 else pictures.expand(-1, 3, -1, -1)
        side = (self.options.side, self.options.side)
        if pictures.shape[-2:] == side:
            return pictures
        return functional.interpolate(pictures, side, mode="bilinear", antialias=True)


def between(seen: Tensor, values: tuple[float, ...], value: float) -> Tensor:
    """What is seen [K, F] of the values, drawn between the two next to `value`, [F]."""
    place = min(int(np.searchsorted(values, value, side="right")), len(values) - 1)
    low, high = values[place - 1], values[place]
    return seen[place - 1].lerp(seen[place], (value - low) / (high - low))


@torch.no_grad()
def judgement_of(training: PuppetGan) -> Judgement:
    """What the reward needs of a training."""
    demonstrations = training.demonstrations
    layout = {name: getattr(training.options, name) for name in Layout.model_fields}
    options: dict[str, Any] = layout | {"values": [round(float(value), 6) for value in demonstrations.values]}
    judges = Judges(PuppetGanOptions(**options))
    judges.encoder.load_state_dict(training.network.encoder.state_dict())
    judges.real.load_state_dict(training.network.real.state_dict())
    drawn = demonstrations.images.transpose(0, 1).flatten(0, 1)
    seen = in_chunks(lambda some: training.attribute_of(as_inputs(some)), drawn.__getitem__, len(drawn))
    judges.seen.copy_(seen.unflatten(0, (len(demonstrations.values), -1)).mean(1))
    real = training.real.first(KNOWN).inputs()
    code = training.network.encoder(real)
    apart = [2 * each.var(0, correction=0).mean() for each in (code.attribute, code.rest, real)]
    judges.scales.copy_(torch.stack(apart).clamp(min=NEAREST))
    return Judgement(NAME, network_arrays(judges), options)


REWARD: type[Any] = Puppeteer
