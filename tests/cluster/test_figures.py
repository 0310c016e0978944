"""Rows of figures of a run of any length fit into a bounded number."""

from __future__ import annotations

from typing import Any

from cluster.run.downsampling import thinned


def test_few_rows_stay_as_they_are():
    rows = [{"frames": number} for number in range(10)]
    assert thinned(rows, 10) == rows


def test_of_many_rows_the_newest_and_the_measurements_stay():
    rows: list[dict[str, Any]] = []
    for number in range(5000):
        rows = thinned([*rows, {"frames": number} | ({"held_out/error": 0.1} if number % 500 == 0 else {})], 100)
        assert len(rows) <= 100
    frames = [row["frames"] for row in rows]
    assert frames == sorted(frames)
    assert frames[-25:] == list(range(4975, 5000))
    assert [row["frames"] for row in rows if "held_out/error" in row] == list(range(0, 5000, 500))


def test_measurements_alone_are_never_left_out():
    rows = [{"frames": number, "held_out/error": 0.1} for number in range(200)]
    assert thinned(rows, 100) == rows
