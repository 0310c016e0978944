"""V-trace against the paper's sum written out, against RLlib's, and against what it becomes on-policy."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spiral.vtrace import VTraceReturns, vtrace


def episodes(length: int, batch: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Log importance ratios and rewards, float64 [T, B], and values [T+1, B].

    The ratios lie on both sides of the clips; every other episode ends with the unroll.
    """
    generator = torch.Generator().manual_seed(seed)
    log_rhos, rewards, values = torch.randn(3, length + 1, batch, generator=generator, dtype=torch.float64)
    values[-1, ::2] = 0.0
    return log_rhos[1:], rewards[1:], values


def as_in_the_paper(
    log_rhos: Tensor, rewards: Tensor, values: Tensor, discount: float, clip_rho: float, clip_c: float
) -> VTraceReturns:
    """Equation 1 and section 4.2 of Espeholt et al. (2018) by loops over sums and products."""
    length, batch = rewards.shape
    vs, advantages = torch.zeros_like(rewards), torch.zeros_like(rewards)
    for b in range(batch):
        ratio = [float(x.exp()) for x in log_rhos[:, b]]
        reward = [float(x) for x in rewards[:, b]]
        value = [float(x) for x in values[:, b]]
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
            following = float(vs[s + 1, b]) if s + 1 < length else value[length]
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
        values=values[:-1],
        bootstrap_values=values[-1],
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
    returns += torch.stack([0.9 ** (6 - s) * values[6] for s in range(6)])  # what is expected after the unroll
    torch.testing.assert_close(ours.vs, returns)
    torch.testing.assert_close(ours.advantages, returns - values[:-1])


def test_on_policy_unrolls_with_the_true_value_at_their_boundary_give_what_the_whole_episode_gives():
    """Of a value that knows what is to come, every unroll is told as much as the whole."""
    log_rhos, rewards, _ = episodes(12, 3)
    log_rhos = torch.zeros_like(log_rhos)
    true = torch.zeros(13, 3, dtype=torch.float64)
    for t in reversed(range(12)):
        true[t] = rewards[t] + 0.9 * true[t + 1]
    values = true + torch.where(torch.arange(13) % 4 == 0, 0.0, 1.0)[:, None]  # wrong within the unrolls
    settings = {"discount": 0.9, "clip_rho": 1.0, "clip_c": 1.0}
    whole = vtrace(log_rhos, rewards, values, **settings)
    parts = [vtrace(log_rhos[t : t + 4], rewards[t : t + 4], values[t : t + 5], **settings) for t in range(0, 12, 4)]
    joined = VTraceReturns(torch.cat([p.vs for p in parts]), torch.cat([p.advantages for p in parts]))
    assert_same(joined, whole)
    torch.testing.assert_close(joined.vs, true[:-1])


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
    torch.testing.assert_close(ours.vs, values[:-1])
    torch.testing.assert_close(ours.advantages, torch.zeros_like(rewards))


def test_no_gradient_flows_through_it():
    log_rhos, rewards, values = (x.requires_grad_() for x in episodes(3, 2))
    ours = vtrace(log_rhos, rewards, values, discount=1.0, clip_rho=1.0, clip_c=1.0)
    assert not ours.vs.requires_grad and not ours.advantages.requires_grad
