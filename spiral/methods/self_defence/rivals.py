"""What the defences are compared with: translations through a space that both domains share.

UNIT (Liu et al., 2017) has one code for a picture and for its drawing, with normal noise on it. MUNIT (Huang et al.,
2018) splits it into a content that they share and a style that is the domain's own; with the cycle loss, as in the
table. Both are small forms of the published ones, of the parts of our generators.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.methods.self_defence.model import Layout, blocks, decoder, discriminator, encoder
from spiral.methods.self_defence.pairs import Pairs
from spiral.methods.self_defence.translating import Networks, ThereAndBack, TranslationOptions

DIVERGENCE = 0.01  # what the mean square of UNIT's codes weighs
STYLE = 8  # numbers
RECODED = 1.0  # what MUNIT's distances of contents and styles weigh
TINY = 1e-5  # beside a variance

Judged = Callable[[], tuple[Tensor, dict[str, float]]]


class Unit(ThereAndBack):
    """Encoders and decoders of each domain around blocks that both share."""

    def __init__(self, options: TranslationOptions, pairs: Pairs, seed: int) -> None:
        def make() -> tuple[Networks, Networks]:
            before = options.blocks // 2
            generators: dict[str, nn.Module] = {
                "encode_a": encoder(options),
                "encode_b": encoder(options),
                "shared_in": blocks(options, before),
                "shared_out": blocks(options, options.blocks - before),
                "decode_a": decoder(options),
                "decode_b": decoder(options),
            }
            return generators, {"a": discriminator(options), "b": discriminator(options)}

        super().__init__(options, pairs, seed, make)

    def translate(self, pictures: Tensor, drawings: Tensor) -> tuple[Tensor, Judged, dict[str, float]]:
        """Reconstructions, translations there and back, and codes near a normal distribution."""
        code_a, code_b = self._code("a", pictures), self._code("b", drawings)
        seen_a, seen_b = code_a + self.normal(code_a), code_b + self.normal(code_b)
        same = functional.l1_loss(self._decoded("a", seen_a), pictures)
        same = same + functional.l1_loss(self._decoded("b", seen_b), drawings)
        fake_a, fake_b = self._decoded("a", seen_b), self._decoded("b", seen_a)
        back_a, back_b = self._code("b", fake_b), self._code("a", fake_a)
        cycle = functional.l1_loss(self._decoded("a", back_a + self.normal(back_a)), pictures)
        cycle = cycle + functional.l1_loss(self._decoded("b", back_b + self.normal(back_b)), drawings)
        deceived = self.deceive("a", fake_a) + self.deceive("b", fake_b)
        spread = sum((code.square().mean() for code in (code_a, code_b, back_a, back_b)), same.new_zeros(()))
        loss = deceived + self.options.cycle * (same + cycle) + DIVERGENCE * spread
        measured = {"cycle": float(cycle.detach()), "deceived": float(deceived.detach())}
        return loss, lambda: self._judged(fake_a, fake_b, pictures, drawings), measured

    @torch.no_grad()
    def to_drawings(self, pictures: Tensor) -> Tensor:
        """The drawing of a picture's code, without noise."""
        return self._decoded("b", self._code("a", pictures))

    @torch.no_grad()
    def to_pictures(self, drawings: Tensor, like: Tensor | None = None) -> Tensor:
        """The picture of a drawing's code, without noise."""
        return self._decoded("a", self._code("b", drawings))

    def _judged(
        self, fake_a: Tensor, fake_b: Tensor, pictures: Tensor, drawings: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        total = self.judge("a", fake_a, pictures) + self.judge("b", fake_b, drawings)
        return total, {"judged": float(total.detach())}

    def _code(self, domain: str, pictures: Tensor) -> Tensor:
        code: Tensor = self.generators["shared_in"](self.generators[f"encode_{domain}"](pictures))
        return code

    def _decoded(self, domain: str, code: Tensor) -> Tensor:
        pictures: Tensor = self.generators[f"decode_{domain}"](self.generators["shared_out"](code))
        return pictures


class StyledDecoder(nn.Module):
    """Content [N, channels, h, w] and style [N, 8] → pictures: the style says the means and deviations of features."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Conv2d(layout.channels, layout.channels, 3, padding=1) for _ in range(2))
        self.says = nn.Sequential(
            nn.Linear(STYLE, layout.channels), nn.ReLU(), nn.Linear(layout.channels, 2 * 2 * layout.channels)
        )
        self.decoder = decoder(layout, styled=True)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """The pictures."""
        for block, says in zip(self.blocks, self.says(style).chunk(2, dim=1), strict=True):
            scale, shift = says[..., None, None].chunk(2, dim=1)
            content = content + functional.relu((1 + scale) * standardized(block(content)) + shift)
        pictures: Tensor = self.decoder(content)
        return pictures


class StyleEncoder(nn.Module):
    """Pictures → styles [N, 8]: means over the picture, without normalisation, which would take the style away."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        width = layout.width
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(2 * width, STYLE),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """The styles."""
        styles: Tensor = self.layers(pictures)
        return styles


class Munit(ThereAndBack):
    """A content that both domains share, and a style of each domain's own, drawn anew for a translation."""

    def __init__(self, options: TranslationOptions, pairs: Pairs, seed: int) -> None:
        def make() -> tuple[Networks, Networks]:
            generators: dict[str, nn.Module] = {}
            for domain in ("a", "b"):
                generators[f"content_{domain}"] = nn.Sequential(encoder(options), blocks(options, options.blocks - 1))
                generators[f"style_{domain}"] = StyleEncoder(options)
                generators[f"decode_{domain}"] = StyledDecoder(options)
            return generators, {"a": discriminator(options), "b": discriminator(options)}

        super().__init__(options, pairs, seed, make)

    def translate(self, pictures: Tensor, drawings: Tensor) -> tuple[Tensor, Judged, dict[str, float]]:
        """Reconstructions, translations in a drawn style, what is read in these, and the way back."""
        content_a, style_a = self._read("a", pictures)
        content_b, style_b = self._read("b", drawings)
        same = functional.l1_loss(self._decoded("a", content_a, style_a), pictures)
        same = same + functional.l1_loss(self._decoded("b", content_b, style_b), drawings)
        drawn_a, drawn_b = self.normal(style_a), self.normal(style_b)
        fake_a, fake_b = self._decoded("a", content_b, drawn_a), self._decoded("b", content_a, drawn_b)
        (again_b, read_a), (again_a, read_b) = self._read("a", fake_a), self._read("b", fake_b)
        recoded = functional.l1_loss(again_a, content_a) + functional.l1_loss(again_b, content_b)
        recoded = recoded + functional.l1_loss(read_a, drawn_a) + functional.l1_loss(read_b, drawn_b)
        cycle = functional.l1_loss(self._decoded("a", again_a, style_a), pictures)
        cycle = cycle + functional.l1_loss(self._decoded("b", again_b, style_b), drawings)
        deceived = self.deceive("a", fake_a) + self.deceive("b", fake_b)
        loss = deceived + self.options.cycle * (same + cycle) + RECODED * recoded
        measured = {"cycle": float(cycle.detach()), "deceived": float(deceived.detach())}

        def judged() -> tuple[Tensor, dict[str, float]]:
            total = self.judge("a", fake_a, pictures) + self.judge("b", fake_b, drawings)
            return total, {"judged": float(total.detach())}

        return loss, judged, measured

    @torch.no_grad()
    def to_drawings(self, pictures: Tensor) -> Tensor:
        """The drawing with a picture's content, in the commonest style of drawings."""
        content: Tensor = self.generators["content_a"](pictures)
        return self._decoded("b", content, content.new_zeros(len(content), STYLE))

    @torch.no_grad()
    def to_pictures(self, drawings: Tensor, like: Tensor | None = None) -> Tensor:
        """The picture with a drawing's content, in the style of others or in the commonest."""
        content: Tensor = self.generators["content_b"](drawings)
        style = content.new_zeros(len(content), STYLE) if like is None else self.generators["style_a"](like)
        return self._decoded("a", content, style)

    def _read(self, domain: str, pictures: Tensor) -> tuple[Tensor, Tensor]:
        return self.generators[f"content_{domain}"](pictures), self.generators[f"style_{domain}"](pictures)

    def _decoded(self, domain: str, content: Tensor, style: Tensor) -> Tensor:
        pictures: Tensor = self.generators[f"decode_{domain}"](content, style)
        return pictures


def standardized(features: Tensor) -> Tensor:
    """Each feature map with mean 0 and variance 1."""
    mean, variance = features.mean((2, 3), keepdim=True), features.var((2, 3), keepdim=True, correction=0)
    return (features - mean) / (variance + TINY).sqrt()
