"""Two learners in two processes, each on half of a batch, take the step that one learner takes on all of it."""

from __future__ import annotations

import multiprocessing
import socket
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from learners.policy_learner import PolicyLearner
from learners.team import Seat, Team, Unpublished, check_shares, meeting_place
from learners.weights import MemoryWeights
from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.section import ConfigError
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config

CHANGES: dict[str, dict[str, Any]] = {
    "plain": {"policy": {"max_gradient_norm": 1e6}},
    "clipped and normalised": {"policy": {"max_gradient_norm": 1e-3, "normalize_advantages": True}},
    "several passes": {"policy": {"clip_ratio": 0.2, "passes": 2, "normalize_advantages": True}},
    "anchored": {"policy": {"anchor": 0.5}},
    "conditional": CONDITIONAL,
    "blank pictures": {"rewards": [{"name": "stroke_start"}]},
}
STEPS = 3


def learn(config: RunConfig, weights: Any) -> tuple[Arrays, list[dict[str, float]]]:
    """What a learner is and measured after some steps of both kinds."""
    learner = PolicyLearner(config, SPEC, SHAPE, weights)
    measured = [learner.clone_step(made_up(config, seed=100))]
    measured += [learner.step(made_up(config, seed), 0.0) for seed in range(STEPS)]
    return learner.state(), measured


def member(seat: Seat, documents: list[dict[str, Any]]) -> list[tuple[Arrays, list[dict[str, float]], int]]:
    """What one learner of a team came to with each of the settings, and the newest version that it published."""
    torch.set_num_threads(1)
    seat.take()
    try:
        results = []
        for document in documents:
            store = MemoryWeights()
            weights = store if seat.rank == 0 else Unpublished(store)
            results.append((*learn(parse_config(document), weights), store.version("agent")))
        return results
    finally:
        dist.destroy_process_group()


@pytest.fixture(scope="module")
def together() -> dict[str, list[tuple[Arrays, list[dict[str, float]], int]]]:
    """The results of both learners by settings; processes take seconds to start, so they are asked once."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    place = meeting_place("127.0.0.1", port, server.detach())
    documents = [tiny_config(changes).model_dump(mode="json") for changes in CHANGES.values()]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        calls = [processes.submit(member, Seat(rank, 2, place.host, port), documents) for rank in range(2)]
        first, second = (call.result() for call in calls)
    return {name: [one, two] for name, one, two in zip(CHANGES, first, second, strict=True)}


@pytest.mark.parametrize("name", CHANGES)
def test_their_weights_are_those_of_one_learner(together, name):
    alone, _ = learn(tiny_config(CHANGES[name]), MemoryWeights())
    (first, *_), (second, *_) = together[name]
    begun = PolicyLearner(tiny_config(CHANGES[name]), SPEC, SHAPE, MemoryWeights()).state()
    moved = 0.0
    for array, value in alone.items():
        np.testing.assert_array_equal(first[array], second[array], err_msg=array)
        if array.startswith("network"):
            expected = value.astype(np.float64)
            np.testing.assert_allclose(first[array].astype(np.float64), expected, rtol=1e-3, atol=2e-5, err_msg=array)
            moved = max(moved, float(np.abs(expected - begun[array].astype(np.float64)).max()))
    assert moved > 1e-3, "all of them went somewhere"


@pytest.mark.parametrize("name", CHANGES)
def test_what_they_measure_is_on_the_mean_what_one_measures(together, name):
    _, alone = learn(tiny_config(CHANGES[name]), MemoryWeights())
    (_, first, _), (_, second, _) = together[name]
    for one, two, both in zip(first, second, alone, strict=True):
        assert one.get("policy/gradient_norm") == two.get("policy/gradient_norm"), "of the same gradient"
        for measure in set(both) - {"policy/explained_variance"}:
            assert (one[measure] + two[measure]) / 2 == pytest.approx(both[measure], rel=2e-3, abs=1e-4), measure


def test_the_first_one_publishes_for_all(together):
    versions = [[published for *_, published in results] for results in together.values()]
    assert versions == [[STEPS + 1, -1]] * len(CHANGES)


def test_alone_a_learner_shares_nothing():
    team = Team(torch.nn.Linear(1, 1))
    trajectory = made_up(tiny_config())
    assert team.share(trajectory) is trajectory
    values = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    torch.testing.assert_close(team.normalized(values), (values - 3.0) / values.std())


@pytest.mark.parametrize(
    ("changes", "learners", "allowed"),
    [
        ({"policy.batch_size": 64}, 4, True),
        ({"policy.batch_size": 64}, 3, False),
        ({"policy.batch_size": 6, "policy.minibatches": 2}, 3, True),
        ({"policy.batch_size": 6, "policy.minibatches": 3}, 3, False),
        ({"policy.batch_size": 6, "cloning.minibatches": 4}, 1, True),
        ({"policy.batch_size": 6, "cloning.minibatches": 4}, 2, False),
    ],
)
def test_shares_are_equal_or_refused(changes, learners, allowed):
    config = RunConfig().with_changes(changes)
    if allowed:
        check_shares(config, learners)
    else:
        with pytest.raises(ConfigError, match="policy.batch_size=.*--policy-learners"):
            check_shares(config, learners)
