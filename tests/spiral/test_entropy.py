"""The entropy of a command and its gradient, against a sum over all commands of a tiny space."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.actions import ActionSpec, Head
from spiral.agent import Agent, TensorEpisodes
from spiral.entropy import command_entropy
from tests.tiny import SHAPE, made_up, tiny_config

# Two places, a kind, and three sizes that a move does not use.
PEN = ActionSpec(
    (Head("go", 2), Head("flag", 2), Head("size", 3)),
    ("flag", "go", "size"),
    "flag",
    (("flag", "go"), ("flag", "go", "size")),
)
# A head that is decided before the kind, and three kinds, two of which are alike.
LATE = ActionSpec(
    (Head("go", 3), Head("what", 3), Head("size", 2)),
    ("go", "what", "size"),
    "what",
    (("what", "go"), ("what", "go"), ("go", "what", "size")),
)
CPU = torch.device("cpu")


def commands(spec: ActionSpec) -> NDArray[np.int64]:
    """All combinations of sub-actions, whether they count or not, [commands, heads]."""
    return np.array(list(product(*(range(head.choices) for head in spec.heads))), np.int64)


def judged(agent: Agent, spec: ActionSpec) -> tuple[Tensor, Tensor]:
    """log π and the estimate of the entropy of every command, after the same canvas."""
    actions = commands(spec)
    batch = made_up(tiny_config(), length=1, batch=1, spec=spec).select(np.zeros(len(actions), int))
    judgement = agent.unroll(TensorEpisodes.of(replace(batch, actions=actions[None]), CPU))
    return judgement.log_prob[0], command_entropy(spec, judgement.commands, lambda sums: sums)


def probabilities(agent: Agent, spec: ActionSpec, log_prob: Tensor) -> Tensor:
    """π of every row; those that differ only in what does not count share that of their command."""
    actions = commands(spec)
    rows = [tuple(row) for row in np.where(spec.mask(actions), actions, -1)]
    shares = torch.tensor([1.0 / rows.count(row) for row in rows])
    return log_prob.exp() * shares


@pytest.mark.parametrize("spec", [PEN, LATE], ids=["pen", "late"])
@pytest.mark.parametrize("seed", [0, 1])
def test_entropy_and_its_gradient_are_those_of_all_commands(spec, seed):
    torch.manual_seed(seed)
    agent = Agent(spec, SHAPE, tiny_config().agent)
    with torch.no_grad():
        for parameter in agent.parameters():
            parameter.mul_(3.0)
    parameters = [p for name, p in agent.named_parameters() if "value" not in name]

    log_prob, estimate = judged(agent, spec)
    share = probabilities(agent, spec, log_prob)
    torch.testing.assert_close(share.sum(), torch.tensor(1.0))
    entropy = -(share * log_prob).sum()
    wanted = torch.autograd.grad(entropy, parameters, retain_graph=True, allow_unused=True)
    found = torch.autograd.grad((share.detach() * estimate).sum(), parameters, allow_unused=True)

    torch.testing.assert_close((share * estimate).sum(), entropy)
    for ours, exact in zip(found, wanted, strict=True):
        if exact is not None:
            torch.testing.assert_close(ours, exact, rtol=1e-3, atol=1e-5)


def test_an_agent_without_opinion_is_pushed_to_the_kind_that_has_more_to_choose():
    torch.manual_seed(0)
    agent = Agent(PEN, SHAPE, tiny_config().agent)
    for parameter in agent.parameters():
        torch.nn.init.zeros_(parameter)  # every choice is as likely as any other
    log_prob, estimate = judged(agent, PEN)
    share = probabilities(agent, PEN, log_prob).detach()
    (share * estimate).sum().backward()
    gradient = dict(agent.named_parameters())["decoder.heads.0.linear.bias"].grad
    assert gradient is not None
    move, paint = gradient.tolist()
    # dH/dlogit = π(paint) π(move) (H_paint − H_move), and log 3 is what there is to choose from besides.
    assert paint == pytest.approx(0.25 * np.log(3), rel=1e-4)
    assert move == pytest.approx(-paint, rel=1e-4)
