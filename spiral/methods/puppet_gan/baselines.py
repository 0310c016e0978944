"""Translations between the domains, as small as PuppetGAN is: CycleGAN, and one after MUNIT.

Neither sees that b1 and b3 share anything: both take synthetic pictures as they come.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spiral.methods.dtn.pixels import Pixels
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.model import Code, Decoder, Encoder, Layout, apart
from spiral.methods.puppet_gan.training import Batch, ManipulationOptions, Terms, Training


class Translators(nn.Module):
    """An encoder and a decoder of each domain."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.sees_real, self.sees_synthetic = Encoder(layout), Encoder(layout)
        self.real, self.synthetic = Decoder(layout), Decoder(layout)


class CycleGan(Training):
    """Each domain is translated into the other and back (Zhu et al., 2017): the reference, looking real.

    The real picture that is to be manipulated has no part in it.
    """

    network: Translators

    def __init__(self, options: ManipulationOptions, real: Pixels, demonstrations: Demonstrations, seed: int) -> None:
        super().__init__(options, real, demonstrations, seed, lambda: Translators(options))

    def learn(self, batch: Batch, progress: float) -> tuple[Terms, dict[str, Tensor]]:
        """The cycles."""
        net = self.network
        as_synthetic, as_real = net.synthetic(net.sees_real(batch.a)), net.real(net.sees_synthetic(batch.b1))
        cycled_a, cycled_b = net.real(net.sees_synthetic(as_synthetic)), net.synthetic(net.sees_real(as_real))
        error = apart(cycled_a, batch.a) + apart(cycled_b, batch.b1)
        return {"cycle": (self.options.cycle, error)}, {"real": as_real, "synthetic": as_synthetic}

    def attribute_of(self, references: Tensor) -> Tensor:
        """All that there is in the reference."""
        return torch.cat(self.network.sees_synthetic(references), 1)

    def rest_of(self, real: Tensor) -> Tensor:
        """Nothing."""
        return real.new_zeros(len(real), 0)

    def drawn(self, code: Code) -> Tensor:
        """The translation of the reference."""
        sizes = self.network.sees_synthetic.sizes
        drawn: Tensor = self.network.real(Code(*code.attribute.split(sizes, 1)))
        return drawn


class Munit(Training):
    """Content that the domains share, and a style that is each one's own (after Huang et al., 2018).

    ρ is the content and α the style, here of the bottleneck's sizes; the manipulated picture has the content of the
    real one and the style of the reference.
    """

    network: Translators

    def __init__(self, options: ManipulationOptions, real: Pixels, demonstrations: Demonstrations, seed: int) -> None:
        super().__init__(options, real, demonstrations, seed, lambda: Translators(options))

    def learn(self, batch: Batch, progress: float) -> tuple[Terms, dict[str, Tensor]]:
        """Pictures are drawn again, and so are the codes of translations with styles that are drawn at random."""
        net = self.network
        a, b = net.sees_real(batch.a), net.sees_synthetic(batch.b1)
        styles = [torch.randn(a.attribute.shape, generator=self.generator).to(a.attribute) for _ in range(2)]
        as_synthetic = net.synthetic(Code(styles[0], a.rest))
        as_real = net.real(Code(styles[1], b.rest))
        a_again, b_again = net.sees_synthetic(as_synthetic), net.sees_real(as_real)
        pictures = apart(net.real(a), batch.a) + apart(net.synthetic(b), batch.b1)
        content = apart(a_again.rest, a.rest) + apart(b_again.rest, b.rest)
        style = apart(a_again.attribute, styles[0]) + apart(b_again.attribute, styles[1])
        terms = {"reconstruction": (self.options.reconstruction, pictures), "content": (1.0, content)}
        return terms | {"style": (1.0, style)}, {"real": as_real, "synthetic": as_synthetic}

    def attribute_of(self, references: Tensor) -> Tensor:
        """Their style."""
        code: Code = self.network.sees_synthetic(references)
        return code.attribute

    def rest_of(self, real: Tensor) -> Tensor:
        """Their content."""
        code: Code = self.network.sees_real(real)
        return code.rest

    def drawn(self, code: Code) -> Tensor:
        """By the decoder of real pictures."""
        drawn: Tensor = self.network.real(code)
        return drawn
