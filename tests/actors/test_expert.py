"""Expert iteration: what an agent paints is made better by a search, and only what got better is to be imitated."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from actors.actor import Actor
from actors.expert import check_expert
from actors.play import Play
from actors.program_search import ProgramSearch
from actors.rollout import Rollout
from envs.program import Program
from learners.cloning import cloning_loss
from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.agent import Agent, TensorEpisodes
from spiral.config import RunConfig
from spiral.picture_error import mean_squared_errors
from spiral.section import ConfigError
from spiral.state import network_arrays
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config

SIMULATIONS = 3
EXPERT: dict[str, Any] = {**CONDITIONAL, "expert": {"share": 1.0, "simulations": SIMULATIONS}}


def published(config: RunConfig) -> MemoryWeights:
    """An agent that knows nothing yet."""
    torch.manual_seed(0)
    weights = MemoryWeights()
    weights.publish("agent", 0, network_arrays(Agent(SPEC, SHAPE, config.agent)))
    return weights


def targets() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (12, *SHAPE), np.uint8)


def make(config: RunConfig, seed: int = 0) -> Actor:
    return Actor(config, published(config), targets(), seed, batch_size=8)


def played(config: RunConfig, seed: int = 0) -> Play:
    actor = make(config, seed)
    play = actor.play("learning")
    actor.close()
    return play


def assert_same(first: Play, second: Play) -> None:
    assert (first.kind, first.searched, first.metrics) == (second.kind, second.searched, second.metrics)
    for field in fields(first.trajectory):
        given, wanted = (getattr(play.trajectory, field.name) for play in (first, second))
        np.testing.assert_equal(given, wanted, err_msg=field.name)


def test_no_program_is_worse_than_what_the_agent_painted_and_those_that_are_better_are_marked():
    config = tiny_config(EXPERT)
    play = played(config)
    found = play.trajectory
    rollout = Rollout(config, published(config), targets(), 0, 8)
    drawn = rollout.draw(targets())
    (painted,) = rollout.paint(drawn, 1.0)
    rollout.close()
    np.testing.assert_array_equal(found.targets, drawn)
    before, after = (mean_squared_errors(each.canvases[-1], drawn) for each in (painted, found))
    assert found.better is not None and found.better.any() and not found.better.all()
    np.testing.assert_array_equal(found.better, after < before)
    assert (after <= before).all()
    np.testing.assert_array_equal(found.actions[:, ~found.better], painted.actions[:, ~found.better])
    assert play.metrics["expert/improved"] == found.better.mean()
    assert play.metrics["expert/gain"] == pytest.approx(1 - after.sum() / before.sum())


def test_its_programs_paint_what_they_show_and_nobody_chose_them():
    config = tiny_config(EXPERT)
    found = played(config).trajectory
    for episode in (0, 7):
        program = Program(config.environment.id, config.environment.settings, found.actions[:, episode])
        np.testing.assert_array_equal(program.render(), found.canvases[-1, episode])
    assert (found.versions == -1).all() and not found.log_probs.any()


def test_what_was_painted_to_find_them_is_counted():
    play = played(tiny_config(EXPERT))
    assert play.searched == play.trajectory.frames * (1 + SIMULATIONS), "the agent's own programs, and the search"


def test_a_share_of_the_learning_is_the_experts_and_nothing_of_the_rest():
    actor = make(tiny_config(EXPERT, {"expert": {"share": 0.25, "simulations": 1}}))
    assert {actor.play("warm-up").kind for _ in range(4)} == {"warm-up"}
    assert {actor.play("cloning").kind for _ in range(4)} == {"cloning"}
    kinds = [actor.play("learning").kind for _ in range(8)]
    actor.close()
    assert kinds == ["learning", "learning", "learning", "expert"] * 2


def test_the_seed_decides_what_is_found():
    config = tiny_config(EXPERT)
    first, again, other = (played(config, seed) for seed in (1, 1, 2))
    assert_same(first, again)
    assert (first.trajectory.actions != other.trajectory.actions).any()


@pytest.mark.parametrize("before", [1, 2, 3])
def test_another_actor_goes_on_from_the_state(before):
    config = tiny_config(EXPERT, {"expert": {"share": 0.5}})
    actor, other = make(config, seed=1), make(config, seed=2)
    for _ in range(before):
        actor.play("learning")
    other.load_state(actor.state())
    for _ in range(3):
        assert_same(actor.play("learning"), other.play("learning"))
    for each in (actor, other):
        each.close()


def test_the_newest_weights_propose_the_changes(monkeypatch):
    config = tiny_config(EXPERT)
    weights = published(config)
    actor = Actor(config, weights, targets(), 0, batch_size=8)
    searched = []
    improve = ProgramSearch.improve

    def spy(search: ProgramSearch, *arguments: Any) -> None:
        improve(search, *arguments)
        searched.append(search._rollout.version)

    monkeypatch.setattr(ProgramSearch, "improve", spy)
    for version in (0, 4, 4, 9):
        weights.publish("agent", version, weights.fetch("agent")[1])
        actor.play("learning")
    actor.close()
    assert searched == [0, 4, 4, 9]


def test_what_is_imitated_becomes_likelier():
    config = tiny_config(EXPERT, {"policy": {"learning_rate": 3e-3}})
    learner = PolicyLearner(config, SPEC, SHAPE, MemoryWeights())
    found = played(config).trajectory
    losses = [learner.expert_step(found, 0.0)["expert/loss"] for _ in range(40)]
    assert losses[-1] < 0.6 * losses[0]
    assert learner.version == learner.weights.version("agent") == 40


def test_only_what_got_better_is_imitated():
    config = tiny_config(EXPERT)
    agent = PolicyLearner(config, SPEC, SHAPE, MemoryWeights()).agent
    found = played(config).trajectory
    assert found.better is not None
    chosen, cpu = np.flatnonzero(found.better), torch.device("cpu")
    gradients = []
    for trajectory, better in ((found, torch.from_numpy(found.better)), (found.select(chosen), None)):
        agent.zero_grad()
        cloning_loss(agent, TensorEpisodes.of(trajectory, cpu), better).backward()
        gradients.append({name: p.grad for name, p in agent.named_parameters() if p.grad is not None})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name] * len(chosen) / 8, rtol=1e-3, atol=1e-6)


def test_it_learns_at_the_rate_of_the_policy_in_as_many_updates():
    policy = {"learning_rate": 1e-3, "final_learning_rate": 0.0, "clip_ratio": 0.2, "passes": 2, "minibatches": 4}
    config = tiny_config(EXPERT, {"policy": policy, "cloning": {"learning_rate": 1.0}})
    learner = PolicyLearner(config, SPEC, SHAPE, MemoryWeights())
    learner.expert_step(played(config).trajectory, 0.5)
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(5e-4)
    assert {int(array) for name, array in learner.state().items() if name.endswith("/step")} == {8}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agent": {"conditional": False}}, r"expert\.share=1\.0: a search makes copies.*set agent\.conditional=true"),
        ({"data": {"begun": True}}, r"with data\.begun=true: a search begins on an empty canvas"),
        ({"expert": {"simulations": 0}}, r"expert\.simulations: .*greater than or equal to 1 \(given: 0\)"),
        ({"expert": {"share": 1.5}}, r"expert\.share: .*less than or equal to 1 \(given: 1\.5\)"),
    ],
    ids=["no target", "begun", "no budget", "more than all"],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        tiny_config(EXPERT, changes)


def test_a_search_asks_for_whole_episodes():
    config = tiny_config(EXPERT, {"policy": {"unroll_length": 2}})
    message = r"policy\.unroll_length=2: a search changes whole programs, and an episode has 4 commands; set .*=null"
    with pytest.raises(ConfigError, match=message):
        make(config)
    with pytest.raises(ConfigError, match=message):
        check_expert(config, 4)
    check_expert(config.with_changes({"expert.share": 0}), 4)
    check_expert(config.with_changes({"policy.unroll_length": 4}), 4)
