"""Two rivals that know beforehand where what is shared is kept: in a map of contents, or in a code of its own.

`Munit` is in the manner of MUNIT (Huang et al., 2018): a map of contents keeps what is shared, and a style, a short
vector without places, tells the decoder how far to stretch and shift its maps (AdaIN). `Didd` is in the manner of
domain intersection and domain difference (Benaim et al., 2019): one encoder for what is common, which must not give the
domain away, and one for what is a domain's own, which is to be silent on the other's pictures. Both are about as wide
as RIFT is here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.methods.rift.model import CHANNELS, deception_loss, discriminator_loss, reconstruction_loss
from spiral.methods.rift.networks import PatchDiscriminator, ResidualBlock, begin_even, instance_norm
from spiral.methods.rift.pictures import Domain
from spiral.methods.rift.training import (
    DISCRIMINATORS,
    GENERATORS,
    RiftOptions,
    Translating,
    with_seed,
)

STYLE = 8  # numbers of a style, as in MUNIT
RECONSTRUCTION = 10.0  # weight of what MUNIT calls the image reconstruction, beside its codes' and the adversarial loss
COMMON, OWN = 64, 16  # numbers of the codes of `Didd`
CONFUSION, SILENCE = 0.1, 0.1  # weights of its losses on codes, beside the reconstruction
CODE_RATE = 5e-4


class Munit(Translating):
    """Contents and styles, an encoder and a decoder for each domain."""

    def __init__(self, options: RiftOptions, steps: int, a: Domain, b: Domain, seed: int) -> None:
        super().__init__(options, steps, a, b, seed)

        def make() -> tuple[nn.ModuleDict, nn.ModuleDict]:
            coders = nn.ModuleDict({name: ContentAndStyle(options.width, options.blocks) for name in "ab"})
            judges = {name: PatchDiscriminator(CHANNELS, options.discriminator_width) for name in "ab"}
            return coders, nn.ModuleDict(judges)

        self.coders, self.discriminators = with_seed(seed, make)
        self.prepare(
            {GENERATORS: self.coders, DISCRIMINATORS: self.discriminators},
            {GENERATORS: options.learning_rate, DISCRIMINATORS: options.discriminator_rate},
        )

    def translate(self, pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        """The contents of the pictures in the style of the guides."""
        source, target = (self._coder(name) for name in ("ab" if to_b else "ba"))
        return target.drawn(source.contents(pictures), target.style(guides))

    def learn(self, a: Tensor, b: Tensor, progress: float) -> dict[str, Tensor]:
        """One step of the discriminators and one of the coders."""
        del progress
        given = {"a": a, "b": b}
        contents = {name: self._coder(name).contents(pictures) for name, pictures in given.items()}
        styles = {name: self._coder(name).style(pictures) for name, pictures in given.items()}
        drawn_styles = {name: torch.randn(styles[name].shape, generator=self.generator).to(a) for name in "ab"}
        crossed = {to: self._coder(to).drawn(contents[of], drawn_styles[to]) for of, to in (("a", "b"), ("b", "a"))}
        losses = {
            "D": torch.stack(
                [
                    discriminator_loss(
                        *self.discriminators[name](torch.cat((given[name], crossed[name].detach()))).chunk(2)
                    )
                    for name in "ab"
                ]
            ).sum()
        }
        self.descend(DISCRIMINATORS, losses["D"])
        self.discriminators.requires_grad_(False)
        losses["GAN"] = torch.stack([deception_loss(self.discriminators[name](crossed[name])) for name in "ab"]).sum()
        losses["same"] = torch.stack(
            [reconstruction_loss(given[name], self._coder(name).drawn(contents[name], styles[name])) for name in "ab"]
        ).sum()
        losses["codes"] = torch.stack(
            [
                reconstruction_loss(contents[of], self._coder(to).contents(crossed[to]))
                + reconstruction_loss(drawn_styles[to], self._coder(to).style(crossed[to]))
                for of, to in (("a", "b"), ("b", "a"))
            ]
        ).sum()
        self.descend(GENERATORS, losses["GAN"] + RECONSTRUCTION * losses["same"] + losses["codes"])
        self.discriminators.requires_grad_(True)
        return losses

    def _coder(self, name: str) -> ContentAndStyle:
        coder = self.coders[name]
        assert isinstance(coder, ContentAndStyle)
        return coder


class ContentAndStyle(nn.Module):
    """The two encoders and the decoder of one domain."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        deep = 4 * width
        self.contents = nn.Sequential(
            *_step(CHANNELS, width, 1, norm=True),
            *_step(width, 2 * width, 2, norm=True),
            *_step(2 * width, deep, 2, norm=True),
            *(ResidualBlock(deep) for _ in range(max(1, blocks // 2))),
        )
        self.style = nn.Sequential(
            *_step(CHANNELS, width, 2),
            *_step(width, 2 * width, 2),
            *_step(2 * width, deep, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(deep, STYLE),
        )
        self.blocks = nn.ModuleList(nn.Conv2d(deep, deep, 3, padding=1) for _ in range(2 * max(1, blocks // 2)))
        self.stretch = nn.Sequential(nn.Linear(STYLE, deep), nn.ReLU(), nn.Linear(deep, 2 * deep * len(self.blocks)))
        self.up = nn.Sequential(*_up(deep, 2 * width), *_up(2 * width, width), nn.Conv2d(width, CHANNELS, 5, padding=2))
        self.apply(begin_even)

    def drawn(self, contents: Tensor, style: Tensor) -> Tensor:
        """The picture of these contents in this style: residual blocks, whose maps the style stretches and shifts."""
        told = self.stretch(style).unflatten(1, (len(self.blocks), 2, -1, 1, 1)).unbind(1)
        maps = contents
        for place in range(0, len(self.blocks), 2):
            inner = functional.relu(_stretched(self.blocks[place](maps), told[place]))
            maps = maps + _stretched(self.blocks[place + 1](inner), told[place + 1])
        picture: Tensor = self.up(maps).tanh()
        return picture


class Didd(Translating):
    """A common code and a code of a domain's own, with one decoder for both."""

    def __init__(self, options: RiftOptions, steps: int, a: Domain, b: Domain, seed: int) -> None:
        super().__init__(options, steps, a, b, seed)

        def make() -> tuple[nn.ModuleDict, nn.Module]:
            width = 2 * options.width
            codes = {"common": COMMON, "a": OWN, "b": OWN}
            encoders = {name: _encoder(width, numbers, options.side) for name, numbers in codes.items()}
            decoder = _decoder(width, COMMON + 2 * OWN, options.side)
            critic = nn.Sequential(nn.Linear(COMMON, COMMON), nn.LeakyReLU(0.2), nn.Linear(COMMON, 1))
            return nn.ModuleDict(encoders | {"decoder": decoder}), critic

        self.coders, self.critic = with_seed(seed, make)
        self.prepare(
            {GENERATORS: self.coders, DISCRIMINATORS: self.critic}, {GENERATORS: CODE_RATE, DISCRIMINATORS: CODE_RATE}
        )

    def translate(self, pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        """What is common of the pictures, with what is the guides' own."""
        return self._drawn(self.coders["common"](pictures), self.coders["b" if to_b else "a"](guides), to_b)

    def learn(self, a: Tensor, b: Tensor, progress: float) -> dict[str, Tensor]:
        """One step of the critic, which guesses domains from common codes, and one of the coders."""
        del progress
        common = self.coders["common"](torch.cat((a, b)))
        in_b = torch.cat((torch.zeros(len(a), 1), torch.ones(len(b), 1))).to(a)
        guessed = functional.binary_cross_entropy_with_logits
        losses = {"D": guessed(self.critic(common.detach()), in_b)}
        self.descend(DISCRIMINATORS, losses["D"])
        self.critic.requires_grad_(False)
        losses["confusion"] = guessed(self.critic(common), torch.full_like(in_b, 0.5))
        of_a, of_b = common.chunk(2)
        losses["same"] = reconstruction_loss(a, self._drawn(of_a, self.coders["a"](a), False)) + reconstruction_loss(
            b, self._drawn(of_b, self.coders["b"](b), True)
        )
        losses["silence"] = self.coders["a"](b).abs().mean() + self.coders["b"](a).abs().mean()
        self.descend(GENERATORS, losses["same"] + CONFUSION * losses["confusion"] + SILENCE * losses["silence"])
        self.critic.requires_grad_(True)
        return losses

    def _drawn(self, common: Tensor, own: Tensor, in_b: bool) -> Tensor:
        nothing = torch.zeros_like(own)
        picture: Tensor = self.coders["decoder"](torch.cat((common, *((nothing, own) if in_b else (own, nothing))), 1))
        return picture.tanh()


def _encoder(width: int, numbers: int, side: int) -> nn.Sequential:
    layers = [*_step(CHANNELS, width, 2), *_step(width, 2 * width, 2), *_step(2 * width, 2 * width, 2)]
    made = nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * width * _deepest(side) ** 2, numbers))
    return made.apply(begin_even)


def _decoder(width: int, numbers: int, side: int) -> nn.Sequential:
    deepest = _deepest(side)
    made = nn.Sequential(
        nn.Linear(numbers, 2 * width * deepest**2),
        nn.Unflatten(1, (2 * width, deepest, deepest)),
        nn.ReLU(),
        *_up(2 * width, 2 * width),
        *_up(2 * width, width),
        *_up(width, width),
        nn.Conv2d(width, CHANNELS, 3, padding=1),
        nn.AdaptiveAvgPool2d(side),
    )
    return made.apply(begin_even)


def _deepest(side: int) -> int:
    return -(-side // 8)


def _step(before: int, after: int, stride: int, norm: bool = False) -> list[nn.Module]:
    normed: list[nn.Module] = [instance_norm(after)] if norm else []
    return [nn.Conv2d(before, after, 3, stride, 1), *normed, nn.ReLU()]


def _up(before: int, after: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.ReLU()]


def _stretched(maps: Tensor, told: Tensor) -> Tensor:
    """AdaIN: normalised maps, stretched by 1 + told[:, 0] and shifted by told[:, 1]."""
    normed = functional.instance_norm(maps)
    return (1 + told[:, 0]) * normed + told[:, 1]
