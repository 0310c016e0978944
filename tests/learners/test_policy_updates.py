"""Every update of a batch is the policy gradient that V-trace and the clip say, in however many passes and parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from learners.policy_learner import Batch, PolicyLearner
from spiral.agent import TensorEpisodes
from spiral.config import RunConfig
from spiral.trajectory import Trajectory
from spiral.vtrace import vtrace
from tests.learners.policy_learners import PASSES, make
from tests.tiny import CONDITIONAL, made_up, tiny_config


@pytest.mark.parametrize(("changes", "updates"), [({}, 1), (PASSES, 6), ({"policy": {"minibatches": 4}}, 4)])
def test_every_pass_takes_every_minibatch(changes, updates):
    config = tiny_config(changes)
    learner = make(config)
    learner.step(made_up(config), 0.0)
    assert {int(array) for name, array in learner.state().items() if name.endswith("/step")} == {updates}
    assert learner.version == 1, "one trajectory is one step, however many updates"


def updates_of(learner: PolicyLearner, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """What each update from now on is given, as it comes."""
    seen: list[Batch] = []
    update = learner._update

    def spy(batch: Batch, entropy_cost: float) -> tuple[dict[str, float], Tensor]:
        seen.append(batch)
        return update(batch, entropy_cost)

    monkeypatch.setattr(learner, "_update", spy)
    return seen


def episodes_of(batch: Batch, trajectory: Trajectory) -> list[int]:
    """Which of a trajectory's 8 episodes a batch has."""
    return [next(i for i in range(8) if np.array_equal(trajectory.noise[i], noise)) for noise in batch.trajectory.noise]


def test_minibatches_share_the_episodes_out(monkeypatch):
    config = tiny_config({"policy": {"minibatches": 4}})
    learner = make(config)
    trajectory = made_up(config)
    seen = updates_of(learner, monkeypatch)
    learner.step(trajectory, 0.0)
    expected, _ = learner.reward.of(trajectory)
    episodes = [episode for batch in seen for episode in episodes_of(batch, trajectory)]
    assert sorted(episodes) == list(range(8))
    torch.testing.assert_close(torch.cat([batch.rewards for batch in seen], dim=1), expected[:, episodes])


@pytest.mark.parametrize("policy", [{"minibatches": 4}, {"passes": 2}, {"passes": 3, "minibatches": 2}])
def test_every_update_after_the_first_knows_the_policy_that_the_batch_found(policy, monkeypatch):
    """It is judged once for each episode: the first update judges its own part, and only the others' before it."""
    config = tiny_config({"policy": {"clip_ratio": 0.2, "learning_rate": 0.05, **policy}})
    learner = make(config)
    trajectory = made_up(config, version=-3)
    expected = make(config)._proximal_log_prob(trajectory)
    seen = updates_of(learner, monkeypatch)
    judged_before: list[int] = []
    judge = learner._proximal_log_prob

    def judge_spy(some: Trajectory) -> Tensor:
        judged_before.append(some.batch_size)
        return judge(some)

    monkeypatch.setattr(learner, "_proximal_log_prob", judge_spy)
    learner.step(trajectory, 0.0)
    assert seen[0].proximal_log_prob is None
    assert sum(judged_before) == 8 - seen[0].trajectory.batch_size
    for batch in seen[1:]:
        torch.testing.assert_close(batch.proximal_log_prob, expected[:, episodes_of(batch, trajectory)])


@pytest.mark.parametrize("policy", [{}, {"passes": 2, "clip_ratio": 0.2}])
def test_a_batch_that_is_one_minibatch_is_taken_as_it_came(policy, monkeypatch):
    """A copy of 64 episodes of the published size is 16 MB in every step, for nothing."""
    learner = make(tiny_config({"policy": policy}))
    trajectory = made_up(learner.config, version=-3)
    seen = updates_of(learner, monkeypatch)
    learner.step(trajectory, 0.0)
    assert len(seen) == learner.config.policy.passes
    assert all(batch.trajectory is trajectory for batch in seen)


CLIPPED: dict[str, Any] = {"policy": {"clip_ratio": 0.1}}
# Beside what the actor's part of a gradient is, nothing is to be seen, and nothing is cut off.
ACTOR: dict[str, Any] = {"policy": {"value": 0.0, "entropy": 0.0, "max_gradient_norm": 1e9}}


def off_policy(config: RunConfig, learner: PolicyLearner) -> tuple[Any, Tensor]:
    """Episodes of actors some versions behind, whose policy is far from the learner's, and log π/μ of these, [T, B].

    The ratios are from 0.2 to 5: far outside of any clip, on both sides.
    """
    played = made_up(config, version=-3)
    log_rhos = torch.from_numpy(np.random.default_rng(1).uniform(np.log(0.2), np.log(5), (4, 8)))
    with torch.no_grad():
        ours = learner.agent.unroll(TensorEpisodes.of(played, torch.device("cpu"))).log_prob
    return replace(played, log_probs=(ours - log_rhos).float().numpy()), log_rhos.float()


def first_gradient(learner: PolicyLearner, trajectory: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """The gradient of the first update of a learning step; no step is taken down it."""
    found: list[dict[str, Tensor]] = []

    def spy(loss: Tensor) -> float:
        weights = dict(learner.agent.named_parameters())
        slopes = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        found.append({name: slope for name, slope in zip(weights, slopes, strict=True) if slope is not None})
        return 0.0

    monkeypatch.setattr(learner, "_descend", spy)
    learner.step(trajectory, 0.0)
    return found[0]


@pytest.mark.parametrize("changes", [{}, CLIPPED], ids=["without a clip", "with a clip"])
def test_the_first_update_on_old_episodes_is_the_v_trace_policy_gradient_with_a_clip_or_without(changes, monkeypatch):
    """−E[∇ log π · min(ρ̄, π/μ) (r + γ v' − V)], to the number: the clip is around the policy as the batch finds it.

    Around the actors' policy it would stop the gradient of most of these actions, and the weight π/μ would count twice.
    """
    config = tiny_config(CONDITIONAL, ACTOR, changes, {"rewards": [{"name": "squared_error", "when": "step"}]})
    learner = make(config)
    trajectory, log_rhos = off_policy(config, learner)
    judged = learner.agent.unroll(TensorEpisodes.of(trajectory, torch.device("cpu")))
    rewards, _ = learner.reward.of(trajectory)
    values = torch.cat((judged.value.detach(), torch.zeros(1, 8)))
    returns = vtrace(log_rhos, rewards, values, discount=1.0, clip_rho=1.0, clip_c=1.0)
    weights = dict(learner.agent.named_parameters())
    loss = -(judged.log_prob * returns.advantages).mean()
    slopes = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    expected = {name: slope for name, slope in zip(weights, slopes, strict=True) if slope is not None}
    found = first_gradient(learner, trajectory, monkeypatch)
    largest = max(float(slope.abs().max()) for slope in expected.values())
    for name, slope in expected.items():
        torch.testing.assert_close(found.get(name, torch.zeros_like(slope)), slope, rtol=1e-3, atol=1e-5 * largest)


def test_later_updates_are_held_near_the_policy_as_the_batch_found_it():
    """Of actions that became likelier by more than the clip allows, a good one pulls no further."""
    config = tiny_config({"policy": {**CLIPPED["policy"], "learning_rate": 0.02, "entropy": 0.0, "value": 0.0}})
    learner = make(config)
    trajectory, _ = off_policy(config, learner)
    before = learner._proximal_log_prob(trajectory)
    batch = Batch(trajectory, torch.ones(4, 8), before)
    for _ in range(40):
        learner._update(batch, 0.0)
    moved = (learner._proximal_log_prob(trajectory) - before).exp()
    free = make(tiny_config({"policy": {"learning_rate": 0.02, "entropy": 0.0, "value": 0.0}}))
    for _ in range(40):
        free._update(batch, 0.0)
    unclipped = (free._proximal_log_prob(trajectory) - before).exp()
    assert moved.log().abs().mean() < 0.5 * unclipped.log().abs().mean()


def test_the_policy_that_a_batch_finds_is_asked_for_unless_it_is_the_one_that_acted(monkeypatch):
    config = tiny_config()
    learner = make(config)
    own = made_up(config, version=0)
    assert torch.equal(learner._proximal_log_prob(own), torch.from_numpy(own.log_probs))
    judged = learner.agent.unroll(TensorEpisodes.of(own, torch.device("cpu"))).log_prob.detach()
    for versions in (np.full(8, -1), np.array([0] * 7 + [-1])):
        torch.testing.assert_close(learner._proximal_log_prob(replace(own, versions=versions)), judged)
