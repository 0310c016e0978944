"""Behaviour cloning: the warm start of a conditional agent.

Any program is a perfect example of how to paint its own render. So random programs and their renders are free pairs,
and the agent learns −log π(program | render) on them before it meets real pictures. The thesis does without.
"""

from __future__ import annotations

from torch import Tensor

from spiral.agent import Agent, TensorEpisodes


def cloning_loss(agent: Agent, demonstrations: TensorEpisodes) -> Tensor:
    """The mean negative log-likelihood of the demonstrated commands, in nats a command."""
    return -agent.unroll(demonstrations).log_prob.mean()
