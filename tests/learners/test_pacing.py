"""The policy waits for each learned reward's floor, a learned reward for its ceiling, and for nothing in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.pacing import Pacing, least_steps
from spiral.config import Pace, RewardTerm


def one(floor: int, ceiling: int | None) -> Pacing:
    return Pacing({"d": Pace(floor=floor, ceiling=ceiling)})


def train(pacing: Pacing, key: str, steps: int) -> None:
    """Ask a reward for steps, which it takes."""
    pacing.ask(key, steps)
    pacing.take(key, steps)


def test_the_policy_waits_until_the_floor_is_reached_for_its_next_step():
    pacing = one(floor=3, ceiling=5)
    assert pacing.owed("d") == 3 and not pacing.policy_may_step()
    train(pacing, "d", 2)
    assert pacing.owed("d") == 1 and not pacing.policy_may_step()
    train(pacing, "d", 1)
    assert pacing.owed("d") == 0 and pacing.policy_may_step()
    pacing.count_policy_step()
    assert pacing.owed("d") == 3 and not pacing.policy_may_step(), "for the next one it owes as many again"


def test_steps_beyond_the_floor_count_for_later_ones():
    pacing = one(floor=3, ceiling=5)
    train(pacing, "d", 5)
    pacing.count_policy_step()
    assert pacing.owed("d") == 1


def test_no_more_than_the_ceiling_is_asked_for():
    pacing = one(floor=1, ceiling=4)
    assert pacing.allowed("d") == 4
    pacing.ask("d", 3)
    assert pacing.allowed("d") == 1, "what was asked for counts before it is answered"
    pacing.ask("d", 1)
    assert pacing.allowed("d") == 0
    pacing.count_policy_step()
    assert pacing.allowed("d") == 4


def test_asked_for_more_than_was_allowed_nothing_is_allowed_until_the_policy_has_caught_up():
    pacing = one(floor=0, ceiling=2)
    pacing.ask("d", 5)
    allowed = []
    for _ in range(4):
        allowed.append(pacing.allowed("d"))
        pacing.count_policy_step()
    assert allowed == [0, 0, 1, 3], "it never is less than nothing"


def test_only_an_answer_pays_what_is_owed():
    pacing = one(floor=2, ceiling=2)
    pacing.ask("d", 2)
    assert pacing.owed("d") == 2 and not pacing.policy_may_step()
    pacing.take("d", 2)
    assert pacing.policy_may_step()


def test_without_a_ceiling_any_number_is_allowed():
    pacing = one(floor=2, ceiling=None)
    train(pacing, "d", 1000)
    assert pacing.allowed("d") is None and pacing.owed("d") == 0


def test_without_a_floor_the_policy_never_waits():
    pacing = one(floor=0, ceiling=1)
    for _ in range(5):
        assert pacing.owed("d") == 0 and pacing.policy_may_step()
        pacing.count_policy_step()


def test_each_of_several_rewards_has_a_pace_of_its_own():
    pacing = Pacing({"d": Pace(floor=2, ceiling=2), "e": Pace(floor=1, ceiling=None), "f": Pace(floor=0, ceiling=3)})
    train(pacing, "d", 2)
    assert [pacing.owed(key) for key in "def"] == [0, 1, 0]
    assert not pacing.policy_may_step(), "the policy waits for the slowest"
    train(pacing, "e", 7)
    assert pacing.policy_may_step()
    assert [pacing.allowed(key) for key in "def"] == [0, None, 3]
    pacing.count_policy_step()
    assert [pacing.owed(key) for key in "def"] == [2, 0, 0]
    assert [pacing.allowed(key) for key in "def"] == [2, None, 6]


def test_a_run_without_a_learned_reward_waits_for_nobody():
    pacing = Pacing({})
    pacing.count_policy_step()
    assert pacing.policy_may_step()


@given(
    st.integers(0, 6),
    st.none() | st.integers(0, 6),
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=60),
)
def test_whatever_the_order_floor_and_ceiling_hold_at_every_policy_step(floor, above, moves):
    """The policy steps whenever it may and wants to; the reward is asked for what it may take at most."""
    pace = Pace(floor=floor, ceiling=None if above is None else max(1, floor + above))
    pacing, policy, reward = Pacing({"d": pace}), 0, 0
    for policy_wants, steps in moves:
        allowed = pacing.allowed("d")
        asked = steps if allowed is None else min(steps, allowed)
        train(pacing, "d", asked)
        reward += asked
        if policy_wants and pacing.policy_may_step():
            pacing.count_policy_step()
            policy += 1
        assert reward >= floor * policy
        assert pace.ceiling is None or reward <= pace.ceiling * (policy + 1)
        assert pacing.policy_may_step() or pacing.allowed("d") != 0, "never do both wait for each other"


@pytest.mark.parametrize(("floor", "steps"), [(0, 1), (1, 1), (5, 5)])
def test_in_one_process_a_reward_takes_its_floor_and_one_step_at_least(floor, steps):
    term = RewardTerm(name="discriminator", pace=Pace(floor=floor, ceiling=None))
    other = RewardTerm(name="discriminator", pace=Pace(floor=2, ceiling=9))
    assert least_steps({"discriminator": term, "discriminator-2": other}) == {
        "discriminator": steps,
        "discriminator-2": 2,
    }
