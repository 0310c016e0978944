"""A form of the autoencoder is trained: with MMD at each ladder, or with KL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from spiral.data import load_pictures
from spiral.data.pictures import Pictures, Split
from spiral.descent import descend
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.methods.vlae.model import Codes, LadderAutoencoder, Layout, divergence, mmd
from spiral.section import ConfigError, Size

Form = Literal["mmd", "kl"]
CHUNK = 250  # pictures at a time where nothing is learned
LAST = 0.1  # of the learning rate that is left at the end


class VlaeOptions(Layout, ExperimentOptions):
    """What every experiment can be told, beside the layout.

    `pictures` is how many of a set are used at most, and `measured` how many each figure is taken of. `reconstruction`
    and `regularization` weigh the terms of L_MMD; `scale` is the b of L_KL. Half of the pictures are learned from as a
    mirror shows them, where they are to be `mirrored`.
    """

    data: str = "digits"
    pictures: Size = 20000
    measured: int = Field(default=2000, ge=8, le=2**20)
    triples: Size = 200
    batch_size: int = Field(default=100, ge=2, le=2**20)  # one picture has no spread to be normalised by
    learning_rate: float = Field(default=1e-3, gt=0)
    reconstruction: float = Field(default=100.0, gt=0)
    regularization: float = Field(default=100.0, ge=0)
    scale: float = Field(default=1.0, gt=0)
    mirrored: bool = False


@dataclass(frozen=True)
class Sampled:
    """Pictures of a split, uint8 [N, C, side, side], and what is known of each, by name, [N]."""

    images: Tensor
    known: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.images)

    def inputs(self, chosen: Tensor | slice = slice(None)) -> Tensor:
        """Those of the pictures as networks take them."""
        return self.images[chosen].float().div(255)

    def first(self, count: int) -> Sampled:
        """So many of the pictures, or all."""
        return Sampled(self.images[:count], {name: values[:count] for name, values in self.known.items()})


def read_sampled(options: VlaeOptions, split: Split, device: torch.device) -> Sampled:
    """At most so many pictures of a split as the options say, from all of it, since some are sorted by label.

    Raises:
        DatasetError: the set is not there.
        ConfigError: it has too few pictures.
    """
    found: Pictures = load_pictures(options.data, split, options.side, options.channels == 3)
    count = len(found.images)
    if count < 2:
        raise ConfigError(f"the data set {options.data!r} has {count} pictures to {split} with: name one that has more")
    chosen = np.linspace(0, count - 1, min(options.pictures, count)).astype(np.int64)
    known = dict(found.attributes) | ({} if found.labels is None else {"label": found.labels})
    images = torch.from_numpy(found.images[chosen]).permute(0, 3, 1, 2)
    return Sampled(images.to(device), {name: torch.from_numpy(values[chosen]) for name, values in known.items()})


class Training(Part):
    """The training of one form."""

    def __init__(self, options: VlaeOptions, pictures: Sampled, form: Form, seed: int) -> None:
        super().__init__(options.steps, seed)
        self.options, self.pictures, self.form = options, pictures, form
        # A code that says nothing costs no KL as noise of deviation 1 alone.
        layout = options if form == "mmd" else options.model_copy(update={"most_deviation": 1.0})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = LadderAutoencoder(layout).to(pictures.images.device).eval()
        self.networks = {"autoencoder": self.network}
        self.optimizers = {"autoencoder": torch.optim.Adam(self.network.parameters(), options.learning_rate)}

    def step(self, progress: float) -> dict[str, float]:
        """One step down L_MMD or L_KL, at a rate that falls; the error, MMD and KL of the codes."""
        optimizer = self.optimizers["autoencoder"]
        optimizer.param_groups[0]["lr"] = self.options.learning_rate * (LAST + (1 - LAST) * (1 - progress))
        chosen = torch.randint(len(self.pictures), (self.options.batch_size,), generator=self.generator)
        pictures = self.pictures.inputs(chosen.to(self.pictures.images.device))
        if self.options.mirrored:
            turned = torch.rand(len(pictures), 1, 1, 1, generator=self.generator) < 0.5
            pictures = torch.where(turned.to(pictures.device), pictures.flip(3), pictures)
        self.network.train()
        loss, measured = self.loss(pictures)
        descend(loss, self.network, optimizer, math.inf, f"the {self.form} form of the vlae")
        self.network.eval()
        return {name: float(value.detach()) for name, value in measured.items()}

    def loss(self, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """L_MMD or L_KL of these pictures, and what it is made of."""
        drawn, codes, means, deviations = self.network(pictures, self.generator)
        error = (drawn - pictures).abs().mean()
        apart = torch.stack([mmd(code, self._prior(code)) for code in codes]).sum()
        nats = torch.stack([divergence(*each) for each in zip(means, deviations, strict=True)]).sum()
        options = self.options
        if self.form == "mmd":
            loss = options.reconstruction * error + options.regularization * apart
        else:
            loss = error * pictures[0].numel() / options.scale + nats
        return loss, {"loss": loss, "error": error, "MMD": apart, "KL": nats}

    def _prior(self, codes: Tensor) -> Tensor:
        """As many draws of the prior as there are codes."""
        return torch.randn(codes.shape, generator=self.generator).to(codes)


@torch.no_grad()
def encoded(network: LadderAutoencoder, pictures: Tensor) -> tuple[Codes, Codes]:
    """Means and deviations of the codes of many pictures uint8 [N, C, side, side]."""
    parts = [network.encoder(some.float().div(255)) for some in pictures.split(CHUNK)]
    means, deviations = (
        [torch.cat([part[which][ladder] for part in parts]) for ladder in range(network.layout.ladders)]
        for which in (0, 1)
    )
    return means, deviations


@torch.no_grad()
def decoded(network: LadderAutoencoder, codes: Codes) -> Tensor:
    """The pictures of many codes."""
    count = len(codes[0])
    return torch.cat([network.decoder([code[i : i + CHUNK] for code in codes]) for i in range(0, count, CHUNK)])


def sampled(network: LadderAutoencoder, count: int, seed: int) -> Tensor:
    """Pictures of codes that are drawn from the prior."""
    layout, generator = network.layout, torch.Generator().manual_seed(seed)
    device = next(network.parameters()).device
    codes = [torch.randn(count, layout.latents, generator=generator).to(device) for _ in range(layout.ladders)]
    return decoded(network, codes)
