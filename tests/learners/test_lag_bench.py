"""Lag costs no policy steps, and workers that share a batch do not make it lag."""

from __future__ import annotations

import math

import pytest

from benchmarks.lag import Rule, mean_lag, steps_to_solve


def test_actors_that_are_many_versions_behind_cost_few_steps() -> None:
    """Where the clip is around the actors' policy, 16 versions cost four times as many."""
    without = steps_to_solve(0, seed=0)
    assert without < 30
    assert steps_to_solve(16, seed=0) <= 1.5 * without


@pytest.mark.parametrize("workers", [1, 4, 16, 64])
def test_workers_that_play_their_share_of_a_batch_lag_by_a_step_however_many_they_are(workers: int) -> None:
    share = math.ceil(64 / workers)
    assert mean_lag(workers, Rule(share / 64, math.ceil(64 / share)), seed=0) <= 2.0
    if workers > 1:
        assert mean_lag(workers, Rule(1.0, 1), seed=0) > 0.8 * workers, "whole batches lag by as many as there are"
