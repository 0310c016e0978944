"""Behaviour cloning: an agent imitates programs that others decided on.

Any program is a perfect example of how to paint its own render. So random programs and their renders are free pairs,
and a conditional agent learns −log π(program | render) on them before it meets real pictures. The thesis does without.
Later it may imitate what a search made of its own programs (`actors/expert.py`), where that made them better.
"""

from __future__ import annotations

from torch import Tensor

from spiral.agent import Agent, TensorEpisodes


def cloning_loss(agent: Agent, demonstrations: TensorEpisodes, better: Tensor | None = None) -> Tensor:
    """The mean negative log-likelihood of the demonstrated commands, in nats a command.

    Where `better` [B] says of each program whether a search made it better, those of the others count as nothing: the
    fewer there are to imitate, the smaller is the step.
    """
    log_prob = agent.unroll(demonstrations).log_prob
    return -(log_prob if better is None else log_prob * better).mean()
