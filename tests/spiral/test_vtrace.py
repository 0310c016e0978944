"""V-trace against the paper's sum written out, against RLlib's, and against what it becomes on-policy."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spiral.vtrace import VTraceReturns, vtrace


def episodes(length: int, batch: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Log importance ratios, rewards and values, float64 [T, B]; the ratios lie on both sides of the clips."""
    generator = torch.Generator().manual_seed(seed)
    log_rhos, rewards, values = torch.randn(3, length, batch, generator=generator, dtype=torch.float64)
    return log_rhos, rewards, values


def as_in_the_paper(
    log_rhos: Tensor, rewards: Tensor, values: Tensor, discount: float, clip_rho: float, clip_c: float
) -> VTraceReturns:
    """Equation 1 and section 4.2 of Espeholt et al. (2018) by loops over sums and products; V is 0 after the end."""
    length, batch = rewards.shape
    vs, advantages = torch.zeros_like(values), torch.zeros_like(values)
    for b in range(batch):
        ratio = [float(x.exp()) for x in log_rhos[:, b]]
        reward = [float(x) for x in rewards[:, b]]
        value = [float(x) for x in values[:, b]] + [0.0]
        for s in range(length):
            total = value[s]
            for t in range(s, length):
                product = 1.0
                for i in range(s, t):
                    product *= min(clip_c, ratio[i])
                delta = min(clip_rho, ratio[t]) * (reward[t] + discount * value[t + 1] - value[t])
                total += discount ** (t - s) * product * delta
            vs[s, b] = total
        for s in range(length):
            following = float(vs[s + 1, b]) if s + 1 < length else 0.0
            advantages[s, b] = min(clip_rho, ratio[s]) * (reward[s] + discount * following - value[s])
    return VTraceReturns(vs, advantages)


def assert_same(one: VTraceReturns, other: VTraceReturns) -> None:
    torch.testing.assert_close(one.vs, other.vs, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(one.advantages, other.advantages, rtol=1e-9, atol=1e-9)


@given(
    length=st.integers(1, 6),
    batch=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    discount=st.sampled_from([1.0, 0.97, 0.5]),
    clip_rho=st.sampled_from([0.3, 1.0, 4.0]),
    clip_c=st.sampled_from([0.3, 1.0, 4.0]),
)
def test_it_is_the_sum_of_the_paper(length, batch, seed, discount, clip_rho, clip_c):
    given_episodes = episodes(length, batch, seed)
    ours = vtrace(*given_episodes, discount=discount, clip_rho=clip_rho, clip_c=clip_c)
    assert_same(ours, as_in_the_paper(*given_episodes, discount, clip_rho, clip_c))


@pytest.mark.filterwarnings("ignore")  # RLlib's own, on import
@pytest.mark.parametrize(("discount", "clip_rho"), [(1.0, 1.0), (0.9, 2.5), (0.99, 0.5)])
def test_rllib_gives_the_same(discount, clip_rho):
    rllib = pytest.importorskip(
        "ray.rllib.algorithms.impala.torch.vtrace_torch_v2", reason="RLlib is the second opinion"
    )
    log_rhos, rewards, values = episodes(7, 5)
    vs, advantages = rllib.vtrace_torch(
        target_action_log_probs=log_rhos - 3.0,
        behaviour_action_log_probs=torch.full_like(log_rhos, -3.0),
        discounts=torch.full_like(rewards, discount),
        rewards=rewards,
        values=values,
        bootstrap_values=torch.zeros_like(values[0]),
        clip_rho_threshold=clip_rho,
        clip_pg_rho_threshold=clip_rho,
    )
    ours = vtrace(log_rhos, rewards, values, discount=discount, clip_rho=clip_rho, clip_c=1.0)
    assert_same(ours, VTraceReturns(vs, advantages))


@pytest.mark.parametrize("clip", [1.0, 3.0])
def test_on_policy_it_is_the_return_of_the_whole_rest(clip):
    _, rewards, values = episodes(6, 4)
    ours = vtrace(torch.zeros_like(rewards), rewards, values, discount=0.9, clip_rho=clip, clip_c=clip)
    returns = torch.stack([sum(0.9 ** (t - s) * rewards[t] for t in range(s, 6)) for s in range(6)])  # type: ignore[misc]
    torch.testing.assert_close(ours.vs, returns)
    torch.testing.assert_close(ours.advantages, returns - values)


def test_many_episodes_together_are_the_episodes_one_by_one():
    log_rhos, rewards, values = episodes(5, 6)
    together = vtrace(log_rhos, rewards, values, discount=0.95, clip_rho=1.0, clip_c=1.0)
    for b in range(6):
        one = slice(b, b + 1)
        alone = vtrace(log_rhos[:, one], rewards[:, one], values[:, one], discount=0.95, clip_rho=1.0, clip_c=1.0)
        assert_same(VTraceReturns(together.vs[:, one], together.advantages[:, one]), alone)


def test_actions_that_the_policy_gave_up_teach_nothing():
    """At ρ = 0 the value stays what it was, and the advantage is zero."""
    _, rewards, values = episodes(4, 2)
    ours = vtrace(torch.full_like(rewards, -torch.inf), rewards, values, discount=1.0, clip_rho=1.0, clip_c=1.0)
    torch.testing.assert_close(ours.vs, values)
    torch.testing.assert_close(ours.advantages, torch.zeros_like(values))


def test_no_gradient_flows_through_it():
    log_rhos, rewards, values = (x.requires_grad_() for x in episodes(3, 2))
    ours = vtrace(log_rhos, rewards, values, discount=1.0, clip_rho=1.0, clip_c=1.0)
    assert not ours.vs.requires_grad and not ours.advantages.requires_grad
