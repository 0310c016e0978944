"""The shipped agents are there, fit their settings, and cannot be trained by accident."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cluster.run.engine import inspect_environment
from spiral.agent import Agent
from spiral.shipped import shipped_agent


@pytest.mark.parametrize("goal", ["copy", "characters", "invent", "invent-characters", "scenes", "paint"])
def test_the_weights_fit_the_settings(goal):
    config, weights = shipped_agent(goal)
    agent = Agent(*inspect_environment(config), config.agent)
    version, arrays = weights.fetch("agent")
    agent.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    assert version == weights.version("agent") == 0
    assert config.agent.conditional == (not goal.startswith("invent"))


def test_it_is_finished():
    _, weights = shipped_agent("copy")
    assert weights.version("discriminator") == -1
    with pytest.raises(KeyError):
        weights.fetch("discriminator")
    with pytest.raises(TypeError, match="finished"):
        weights.publish("agent", 1, {})
