"""What a policy pays for leaving the average of the policies before it.

Agent and discriminator play a zero-sum game. Two learners that each follow the newest other one go round in circles:
the agent paints sevens until the discriminator refuses them, then threes. A cost for every nat by which the policy
leaves a reference makes the game converge to a mixture instead, if the reference follows slowly (the reward
transformation of R-NaD: Perolat et al., "Mastering the game of Stratego with model-free multiagent reinforcement
learning", 2022). Unlike the entropy term it asks for no noise: a stroke that has been certain for long stays so.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from spiral.agent import Agent, TensorEpisodes
from spiral.contracts import Arrays
from spiral.devices import autocast
from spiral.state import load_network, network_arrays

START = 20  # steps until which the average is over nearly all policies so far


class Anchor:
    """The running average of an agent's weights.

    Args:
        agent: the agent as it begins.
        decay: the share of the average that stays at each step.
    """

    def __init__(self, agent: Agent, decay: float) -> None:
        self.agent = copy.deepcopy(agent).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def distance(self, episodes: TensorEpisodes, behaviour_log_prob: Tensor, precision: str) -> Tensor:
        """log μ(a_t|s_t) − log π̄(a_t|s_t), [T, B]: in the mean of the actions of μ, KL(μ ‖ π̄)."""
        with autocast(behaviour_log_prob.device, precision):
            average = self.agent.unroll(episodes)
        return behaviour_log_prob - average.log_prob

    @torch.no_grad()
    def follow(self, agent: Agent, version: int) -> None:
        """Take the weights of the agent, which made `version` steps, into the average."""
        decay = min(self.decay, (1 + version) / (START + version))
        for average, newest in zip(self.agent.parameters(), agent.parameters(), strict=True):
            average.lerp_(newest, 1.0 - decay)

    def state(self) -> Arrays:
        """The average, for a checkpoint."""
        return network_arrays(self.agent)

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        load_network(self.agent, arrays)
