"""A search makes programs nearer to their targets, with the real brush and the agent's own commands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from actors.evaluation import Paintings, paint
from actors.program_search import Programs, ProgramSearch, improved, nearest
from actors.rollout import Rollout
from cluster.studio.agents import load_agent
from envs import SCENES_ID
from envs.episodes import Episodes
from learners.weights import MemoryWeights
from spiral.agent import Agent
from spiral.config import EnvironmentConfig, RunConfig
from spiral.picture_error import mean_squared_errors
from spiral.state import network_arrays
from tests.tiny import CONDITIONAL, tiny_config

SCENES: dict[str, Any] = {"canvas_size": 16, "grid_size": 4, "episode_length": 3}
CONFIGS = [
    pytest.param({}, id="pen"),
    pytest.param({"environment.settings.brush": "classic/dry_brush"}, id="brush-that-uses-chance"),
    pytest.param({"environment.id": SCENES_ID, "environment.settings": SCENES}, id="scenes"),
    pytest.param({"agent.noise": 3}, id="noise"),
]


def copying(changes: dict[str, Any]) -> tuple[RunConfig, MemoryWeights, NDArray[np.uint8]]:
    """An agent that knows nothing yet, and three pictures."""
    config = tiny_config(CONDITIONAL).with_changes(changes)
    rollout = Rollout(config, MemoryWeights(), None, 0, 3)
    torch.manual_seed(0)
    weights = MemoryWeights()
    weights.publish("agent", 0, network_arrays(Agent(rollout.spec, rollout.canvas_shape, config.agent)))
    targets = np.random.default_rng(3).integers(0, 256, (3, *rollout.canvas_shape), np.uint8)
    rollout.close()
    return config, weights, targets


@pytest.mark.parametrize("changes", CONFIGS)
def test_no_program_gets_worse_some_get_better_and_all_paint_what_they_show(changes):
    config, weights, targets = copying(changes)
    begun = paint(config, weights, targets, 3, seed=0, temperature=1.0)
    found = improved(config, weights, targets, begun, 20, seed=0)
    before, after = (mean_squared_errors(paintings.renders, targets) for paintings in (begun, found))
    assert (after <= before).all() and (after < before).any()
    for index in range(3):
        np.testing.assert_array_equal(found.program(index).replay(), found.renders[index])


def test_the_seed_decides_the_programs():
    config, weights, targets = copying({})
    begun = paint(config, weights, targets, 3, seed=0, temperature=1.0)
    one, again, other = (improved(config, weights, targets, begun, 8, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.actions, again.actions)
    assert (one.actions != other.actions).any()


def test_what_it_began_with_stays_as_it_was():
    config, weights, targets = copying({})
    begun = paint(config, weights, targets, 3, seed=0, temperature=1.0)
    actions, renders = begun.actions.copy(), begun.renders.copy()
    improved(config, weights, targets, begun, 8, seed=0)
    np.testing.assert_array_equal(begun.actions, actions)
    np.testing.assert_array_equal(begun.renders, renders)


def test_more_targets_than_one_batch_holds_keep_their_order(monkeypatch):
    config, weights, targets = copying({})
    begun = paint(config, weights, targets, 3, seed=0, temperature=1.0)
    monkeypatch.setattr("actors.program_search.BATCH", 8)  # two programs at once
    found = improved(config, weights, targets, begun, 8, seed=0)
    before, after = (mean_squared_errors(paintings.renders, targets) for paintings in (begun, found))
    assert (after <= before).all() and (after < before).any()
    np.testing.assert_array_equal(found.program(2).replay(), found.renders[2])


@pytest.mark.parametrize("simulations", [1, 2, 5, 9])
def test_it_paints_no_more_than_it_may(simulations, monkeypatch):
    config, weights, targets = copying({})
    begun = paint(config, weights, targets, 1, seed=0, temperature=1.0)
    search = ProgramSearch(config, weights, 1, seed=0, temperature=2.0)
    spent: list[int] = []
    counted: list[int] = []
    step, redraw = Episodes.step, ProgramSearch._redraw

    def counting_step(episodes: Episodes, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        spent.append(1 if len(actions) == 1 else counted[-1])  # of the tries in a batch those that are asked for
        return step(episodes, actions)

    def counting_redraw(self: ProgramSearch, programs: Programs, place: int, tries: int, *rest: Any) -> Any:
        counted.append(tries)
        return redraw(self, programs, place, tries, *rest)

    monkeypatch.setattr(Episodes, "step", counting_step)
    monkeypatch.setattr(ProgramSearch, "_redraw", counting_redraw)
    errors = mean_squared_errors(begun.renders, targets[:1])
    search.improve(Programs(targets[:1], begun.actions, begun.renders, errors), simulations)
    length = begun.actions.shape[1]
    assert (simulations - 1) * length < sum(spent) <= simulations * length


def test_the_nearest_of_several_paintings_is_kept():
    targets = np.array([10, 200], np.uint8).reshape(2, 1, 1, 1)
    renders = np.array([90, 12, 0, 255, 150, 190], np.uint8).reshape(6, 1, 1, 1)
    actions = np.arange(6).reshape(6, 1, 1)
    kept = nearest(Paintings(renders, actions, targets[0], EnvironmentConfig(), None), targets)
    assert kept.renders.ravel().tolist() == [12, 190]
    assert kept.actions.ravel().tolist() == [1, 5]


def test_the_shipped_agent_copies_digits_much_better():
    agent = load_agent()
    digits = agent.held_out().images[:12]  # of all MNIST, or of the part that a package carries
    before, after = (mean_squared_errors(agent.copy(digits, search=search).renders, digits) for search in (0, 16))
    assert after.mean() < 0.9 * before.mean()
