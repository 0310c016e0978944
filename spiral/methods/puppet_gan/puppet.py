"""PuppetGAN learns: the networks and losses of `model.py`, with or without the compositional losses."""

from __future__ import annotations

import torch
from torch import Tensor

from spiral.methods.dtn.pixels import Pixels
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.model import Puppet, apart, encoded, joined, noisy
from spiral.methods.puppet_gan.training import Batch, ManipulationOptions, PuppetTraining, Terms


class PuppetGan(PuppetTraining):
    """The method, or its ablation."""

    network: Puppet

    def __init__(
        self,
        options: ManipulationOptions,
        real: Pixels,
        demonstrations: Demonstrations,
        seed: int,
        compositional: bool = True,
    ) -> None:
        super().__init__(options, real, demonstrations, seed, lambda: Puppet(options))
        self.compositional = compositional

    def learn(self, batch: Batch, progress: float) -> tuple[Terms, dict[str, Tensor]]:
        """All losses. What is compared with a picture is not judged beside, which spares half of the work."""
        net, options, count = self.network, self.options, len(batch.a)
        a, b1, b2 = encoded(net.encoder, batch.a, batch.b1, batch.b2)
        redrawn_a, puppet, as_real = net.real(joined((a, a.with_attribute_of(b1), b1))).split(count)
        redrawn_b, demonstrated, as_synthetic, demonstrated_a = net.synthetic(
            joined((b1, b2.with_attribute_of(b1), a, b1.with_attribute_of(a)))
        ).split(count)
        again = [as_synthetic, as_real, *((puppet, demonstrated_a) if self.compositional else ())]
        seen = encoded(net.encoder, *(noisy(each, options.noise, self.generator) for each in again))
        back_a, back_b = [seen[0]], [seen[1]]
        if self.compositional:
            back_a += [a.with_attribute_of(seen[3]), seen[2].with_attribute_of(a)]
            back_b.append(b2.with_attribute_of(seen[2]))
        cycled_a, cycled_b = net.real(joined(back_a)).split(count), net.synthetic(joined(back_b)).split(count)
        terms: Terms = {
            "reconstruction": (options.reconstruction, apart(redrawn_a, batch.a) + apart(redrawn_b, batch.b1)),
            "disentanglement": (options.disentanglement, apart(demonstrated, batch.b3)),
            "cycle": (options.cycle, apart(cycled_a[0], batch.a) + apart(cycled_b[0], batch.b1)),
        }
        if self.compositional:
            terms["attribute, synthetic"] = (options.attribute_synthetic, apart(cycled_b[1], batch.b3))
            terms["attribute, real"] = (options.attribute_real, apart(cycled_a[1], batch.a))
            terms["rest, real"] = (options.rest_real, apart(cycled_a[2], batch.a))
        return terms, {"real": torch.cat((puppet, as_real)), "synthetic": torch.cat((as_synthetic, demonstrated_a))}
