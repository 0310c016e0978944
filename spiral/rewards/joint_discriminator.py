"""The score of a discriminator of pictures and their programs, which the thesis leaves to future work (section 6.5).

As in BiGAN (Donahue et al., 2017) and ALI (Dumoulin et al., 2017) the discriminator sees pairs. The policy is the
encoder: a target x was shown to it, and it chose the program a, which makes the pair (x, a). The renderer R is the
decoder: of the same program it makes the pair (R(a), a). D learns to tell the first from the second, and the agent is
paid D(R(a), a). Where nobody can tell them apart, a render is like the target that its program was made for.

Beside the target itself, D could compare pixel by pixel. Beside the program it has to know what a command means.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.agent import writable_tensor
from spiral.discriminator import NetworkOptions
from spiral.joint_discriminator import JointDiscriminator
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.rewards.adversarial import AdversarialOptions, AdversarialReward
from spiral.rewards.base import Context, Lesson, Setting, need_pictures, need_programs, need_shape
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError

NAME = "joint_discriminator"


class JointDiscriminatorOptions(AdversarialOptions, NetworkOptions):
    """How a joint discriminator learns, and the widths of its layers."""


class JointDiscriminatorReward(AdversarialReward):
    """D(render, program), for agents that copy; softplus(D + b) when the options have a b.

    At a canvas in the middle of an episode D sees the commands so far. So what a canvas is worth does not depend on
    what the agent will do, and the differences that are paid at every step leave the best policy the same (Ng et al.,
    1999); but D has learned from whole programs alone.
    """

    Options = JointDiscriminatorOptions
    options: JointDiscriminatorOptions
    reads_programs = True

    def __init__(self, setting: Setting, options: JointDiscriminatorOptions) -> None:
        super().__init__(setting, options)
        if not setting.conditional:
            raise ConfigError(
                f"the reward {NAME!r} learns from the targets that programs were chosen for, but there are none: set "
                "agent.conditional=true, or leave it out"
            )
        if setting.spec is None:
            raise ConfigError(
                f"the reward {NAME!r} reads programs, but of this environment nobody knows which actions there are: "
                "leave it out"
            )
        self.spec = setting.spec
        spectral = ADVERSARIAL_LOSSES[options.loss].spectral
        network = JointDiscriminator(setting.canvas_shape, self.spec, spectral, options)
        self.adopt(network, *self._programs(np.zeros((options.batch_size, 1, len(self.spec.heads)), np.int64)))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        need_shape(NAME, renders, (len(renders), *self.setting.canvas_shape))
        need_pictures(NAME, renders)
        actions = need_programs(NAME, context.actions, len(renders), self.spec)
        # Moves leave a canvas as it is; the commands beside it are others.
        first, places = distinct(renders)
        where = torch.tensor(places, device=self.setting.device)
        return self.judged(self.pictures(renders[first]), *self._programs(actions, context.steps), where).cpu()

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step on as many targets as renders; the mean scores of both, their gap, and the penalty."""
        actions = need_programs(NAME, lesson.actions, len(lesson.renders), self.spec)
        return self.tell_apart(self.pictures(lesson.real), self.pictures(lesson.renders), *self._programs(actions))

    def _programs(self, actions: NDArray[np.int64], steps: NDArray[np.int64] | None = None) -> tuple[Tensor, Tensor]:
        """Programs [B, T, heads] and how many of their commands are done, all unless given, on the device."""
        done = np.full(len(actions), actions.shape[1]) if steps is None else steps
        read = [np.ascontiguousarray(array, np.int64) for array in (actions, done)]
        programs, done_here = (writable_tensor(array).to(self.setting.device) for array in read)
        return programs, done_here
