"""Disentanglement without translation, as small as PuppetGAN is: after Cycle-VAE, and after DiDA."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.methods.dann.model import reversal_strength, reverse_gradient
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.model import SLOPE, Code, Decoder, Encoder, Layout, Puppet, apart, encoded, joined
from spiral.methods.puppet_gan.training import Batch, ManipulationOptions, PuppetTraining, Terms, Training

DIVERGENCE = 0.01  # what the mean over the rest's numbers weighs of its divergence from the prior
HIDDEN = 32  # units of DiDA's adversaries


class Autoencoder(nn.Module):
    """One encoder, of which the rest is a mean and a logarithm of a variance, and one decoder, of both domains."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.encoder = Encoder(layout, 2 * layout.rest_size)
        self.decoder = Decoder(layout)


class CycleVae(Training):
    """After Jha et al., 2018: pairs share the attribute, and the rest is drawn of a prior.

    Two of a pair are drawn again with each other's attribute; and of pictures that are drawn with the same rest of the
    prior and with other attributes, the rest must be seen to be the same. Real pictures are drawn again as they are.
    """

    network: Autoencoder

    def __init__(self, options: ManipulationOptions, real: Pixels, demonstrations: Demonstrations, seed: int) -> None:
        super().__init__(options, real, demonstrations, seed, lambda: Autoencoder(options))

    def learn(self, batch: Batch, progress: float) -> tuple[Terms, dict[str, Tensor]]:
        """The forward and the reverse cycle; nobody judges."""
        net, count = self.network, len(batch.a)
        seen = encoded(net.encoder, batch.a, batch.b1, batch.b3)
        means, logarithms = joined(seen).rest.chunk(2, 1)
        rests = means + (logarithms / 2).exp() * self._normal(means)
        a, b1, b3 = Code(joined(seen).attribute, rests).parts(3)
        drawn = net.decoder(joined((a, b1.with_attribute_of(b3), b3.with_attribute_of(b1))))
        prior = self._normal(a.rest)
        invented = net.decoder(joined((Code(a.attribute, prior), Code(b1.attribute, prior))))
        one, other = (code.rest.chunk(2, 1)[0] for code in encoded(net.encoder, *invented.split(count)))
        divergence = (means.square() + logarithms.exp() - logarithms - 1).mean() / 2
        return {
            "forward": (self.options.reconstruction, apart(drawn, torch.cat((batch.a, batch.b1, batch.b3)))),
            "reverse": (1.0, apart(one, other)),
            "divergence": (DIVERGENCE, divergence),
        }, {}

    def attribute_of(self, references: Tensor) -> Tensor:
        """What a pair shares."""
        code: Code = self.network.encoder(references)
        return code.attribute

    def rest_of(self, real: Tensor) -> Tensor:
        """The mean of the rest."""
        code: Code = self.network.encoder(real)
        return code.rest.chunk(2, 1)[0]

    def drawn(self, code: Code) -> Tensor:
        """By the one decoder."""
        drawn: Tensor = self.network.decoder(code)
        return drawn

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator).to(like)


class Separated(Puppet):
    """PuppetGAN's networks, a head that reads the attribute's value, and adversaries of both parts of the code."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.value = nn.Linear(layout.attribute_size, 1)
        self.value_in_rest = _adversary(layout.rest_size)
        self.domain_in_attribute = _adversary(layout.attribute_size)


class Dida(PuppetTraining):
    """After Cao et al., 2018: what is common to the domains tells the value, and what is specific does not.

    Unlike the others it is told the values of synthetic pictures. Adversaries, through reversed gradients, seek the
    value in the rest and the domain in the attribute.
    """

    network: Separated

    def __init__(self, options: ManipulationOptions, real: Pixels, demonstrations: Demonstrations, seed: int) -> None:
        super().__init__(options, real, demonstrations, seed, lambda: Separated(options))

    def learn(self, batch: Batch, progress: float) -> tuple[Terms, dict[str, Tensor]]:
        """Pictures are drawn again, and the parts of the code are what they should be."""
        net, strength = self.network, reversal_strength(progress)
        a, b = encoded(net.encoder, batch.a, batch.b1)
        pictures = apart(net.real(a), batch.a) + apart(net.synthetic(b), batch.b1)
        told = functional.mse_loss(net.value(b.attribute)[:, 0], batch.value)
        leaked = functional.mse_loss(net.value_in_rest(reverse_gradient(b.rest, strength))[:, 0], batch.value)
        attributes = reverse_gradient(torch.cat((a.attribute, b.attribute)), strength)
        domains = torch.cat((torch.zeros_like(batch.value), torch.ones_like(batch.value)))
        guessed = functional.binary_cross_entropy_with_logits(net.domain_in_attribute(attributes)[:, 0], domains)
        return {
            "reconstruction": (self.options.reconstruction, pictures),
            "value": (1.0, told),
            "value in the rest": (1.0, leaked),
            "domain in the attribute": (1.0, guessed),
        }, {}


def _adversary(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.LeakyReLU(SLOPE), nn.Linear(HIDDEN, 1))
