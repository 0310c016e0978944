"""The discriminator learner: renders from the replay against real pictures (thesis, section 6.3.4).

It never waits for the actors: the replay lets it take several steps in the time of one policy step. Conditional on a
target, the real picture is the target itself (thesis 6.3.3), so that real, fake and condition come together from the
replay.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.descent import descend, require_finite
from learners.state import (
    load_network,
    load_optimizer,
    network_arrays,
    optimizer_arrays,
    under_prefix,
    with_prefix,
)
from spiral.agent import as_pictures, writable_tensor
from spiral.config import RunConfig
from spiral.contracts import Arrays, Replay, WeightStore
from spiral.devices import autocast, resolve_device
from spiral.losses import gradient_penalty, logistic_loss, mean_score_penalty, wasserstein_loss
from spiral.precision import choose_precision
from spiral.random_state import generator_array, load_generator
from spiral.reink import reink
from spiral.rewards.adversarial import build_discriminator


class DiscriminatorLearner:
    """Trains the discriminator and publishes it as `discriminator` in `weights`.

    Args:
        state: what `state` gave, to go on from; None begins anew.
        version: of the first weights; a learner in place of one that died goes on above all versions that there were.

    Attributes:
        version: how many steps were taken, and more where some were lost with a learner that died.
    """

    def __init__(
        self,
        config: RunConfig,
        canvas_shape: tuple[int, int, int],
        pictures: NDArray[np.uint8],
        replay: Replay,
        weights: WeightStore,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        torch.manual_seed(config.seed + 1)
        self.config = config
        self.pictures = pictures
        self.replay = replay
        self.weights = weights
        self.device = resolve_device(config.device)
        self.network = build_discriminator(config, canvas_shape).to(self.device)
        self.precision = choose_precision(config.precision, self.device, self.network)
        settings = config.discriminator
        betas = (settings.beta1, settings.beta2)
        self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate, betas, fused=True)
        self.rng = np.random.default_rng((config.seed, 2))
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self.version = version
        if state is None:
            self.publish()
        else:
            self.load_state(state)

    def step(self) -> dict[str, float]:
        """Measurements of one step on a batch of real pictures and one of renders.

        Raises:
            EmptyReplayError: when the replay holds nothing yet.
            DivergedError: when a number is not finite any more.
        """
        real, fake, targets = self._batch()
        if self.config.discriminator.reink:
            real, fake = (1.0 - reink(1.0 - torch.cat((real, fake)), self.generator)).chunk(2)
        mix = torch.from_numpy(self.rng.random((len(real), 1, 1, 1), np.float32)).to(self.device)
        with autocast(self.device, self.precision.name):
            loss, measured = self._loss(real, fake, targets, mix)
        descend(loss, self.network, self.optimizer, torch.inf, f"the discriminator at step {self.version}")
        self.version += 1
        return measured

    def publish(self) -> None:
        """Make the present weights the newest.

        Raises:
            DivergedError: they are not finite.
        """
        arrays = network_arrays(self.network)
        require_finite(f"the discriminator at step {self.version}", arrays)
        self.weights.publish("discriminator", self.version, arrays)

    def state(self) -> Arrays:
        """Everything that a checkpoint needs to go on bit for bit."""
        return (
            with_prefix("network", network_arrays(self.network))
            | with_prefix("optimizer", optimizer_arrays(self.optimizer))
            | {"rng": generator_array(self.rng), "version": np.array(self.version)}
            | {"generator": self.generator.get_state().numpy().copy()}
        )

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave, and publish it; the version never falls."""
        load_network(self.network, under_prefix("network", arrays))
        load_optimizer(self.optimizer, under_prefix("optimizer", arrays))
        load_generator(self.rng, arrays["rng"])
        self.generator.set_state(torch.from_numpy(arrays["generator"].astype(np.uint8)))
        self.version = max(self.version, int(arrays["version"]))
        self.publish()

    def _batch(self) -> tuple[Tensor, Tensor, Tensor | None]:
        sample = self.replay.sample(self.config.discriminator.batch_size, self.rng)
        fake = self._pictures(sample.renders)
        if sample.targets is not None:
            targets = self._pictures(sample.targets)
            return targets, fake, targets
        return self._pictures(self.pictures[self.rng.integers(len(self.pictures), size=len(fake))]), fake, None

    def _pictures(self, pixels: NDArray[np.uint8]) -> Tensor:
        return as_pictures(writable_tensor(pixels).to(self.device))

    def _loss(self, real: Tensor, fake: Tensor, targets: Tensor | None, mix: Tensor) -> tuple[Tensor, dict[str, float]]:
        settings = self.config.discriminator
        both = None if targets is None else targets.repeat(2, 1, 1, 1)
        real_scores, fake_scores = self.network(torch.cat((real, fake)), both).chunk(2)
        measured = {
            "discriminator/real": real_scores,
            "discriminator/fake": fake_scores,
            "discriminator/gap": real_scores - fake_scores,
        }
        if settings.loss == "spectral-norm":
            loss = logistic_loss(real_scores, fake_scores)
        else:
            penalty = gradient_penalty(lambda x: self.network(x, targets), real, fake, mix)
            measured["discriminator/penalty"] = penalty
            loss = wasserstein_loss(real_scores, fake_scores) + settings.gradient_penalty * penalty
            loss = loss + settings.mean_score_penalty * mean_score_penalty(real_scores, fake_scores)
        return loss, {name: float(value.detach().mean()) for name, value in measured.items()}
