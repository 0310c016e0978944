"""What a run writes down: means over ten steps, and nothing twice after it was resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from cluster.run.feed.memory import MemoryFeed
from cluster.run.folder import RunFolder
from cluster.run.logbook import STEPS_PER_ROW, Logbook, read_rows
from cluster.run.plan import Counters, Kind, Length, Report
from spiral.config import RunConfig

from .feeds import description, read_until


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.begin(RunConfig(), Length(frames=1))
    return folder


def write(logbook: Logbook, counters: Counters, values: list[float]) -> None:
    for value in values:
        report = Report("learning", 5, {"judge": 2}, {"policy/return": value}, {"rollout": 0.5, "rewards": 0.25})
        counters.seconds += 1.0
        counters.add(report)
        logbook.add(report, counters)


def test_a_row_is_the_mean_of_its_steps_and_the_speed_of_each_part(folder):
    logbook = Logbook(folder, 0)
    write(logbook, Counters(), [float(value) for value in range(2 * STEPS_PER_ROW)])
    logbook.close()
    first, second = read_rows(folder)
    assert (first["policy/return"], second["policy/return"]) == (4.5, 14.5)
    assert (first["frames"], second["frames"]) == (50, 100)
    assert first["speed/rollout_frames_per_s"] == 10.0
    assert first["speed/rewards_steps_per_s"] == 8.0
    assert first["speed/frames_per_s"] == 5.0
    assert (second["reward/judge/steps"], second["reward/judge/steps_per_policy_step"]) == (40, 2.0)


def test_the_speed_of_a_part_is_that_of_the_steps_in_which_it_was_at_work(folder):
    """The policy rests while the rewards are warmed up, and takes the last steps of the row."""
    logbook, counters = Logbook(folder, 0), Counters()
    for step in range(STEPS_PER_ROW):
        warming = step < 6
        busy = {"rollout": 0.5, "policy": 0.0 if warming else 2.0, "rewards": 0.25}
        logbook.add(Report("warm-up" if warming else "learning", 8, {"judge": 1}, {}, busy), counters)
    logbook.close()
    (row,) = read_rows(folder)
    assert (row["speed/policy_frames_per_s"], row["speed/rollout_frames_per_s"]) == (4.0, 16.0)
    assert row["speed/rewards_steps_per_s"] == 4.0 and row["phase"] == "learning"


def test_a_row_of_any_phase_is_shown_on_the_live_feed_as_it_is_written(folder):
    feed, counters = MemoryFeed(), Counters()
    feed.describe(description())
    logbook = Logbook(folder, 0, feed=feed)
    kinds: tuple[Kind, ...] = ("cloning", "warm-up", "learning")
    for kind in kinds:
        steps = {"discriminator": 3, "discriminator-2": 1, "my_rewards:Applause": 2}
        report = Report(kind, 8, steps, {"reward/my_rewards:Applause/real": 0.5})
        counters.add(report)
        logbook.add(report, counters)
        logbook.finish_row(kind, counters)
    logbook.close()
    shown = read_until(feed.reader(), lambda seen: len(seen.rows) == len(kinds)).rows
    assert shown == [{"member": 0.0, **row} for row in read_rows(folder)]
    assert [row["phase"] for row in shown] == list(kinds) and feed.dropped == 0
    assert shown[-1]["reward/my_rewards:Applause/steps"] == 6


def test_a_mean_goes_on_where_a_checkpoint_left_it(folder):
    logbook, counters = Logbook(folder, 0), Counters()
    write(logbook, counters, [1.0] * 7)
    state = logbook.state()
    logbook.close()
    logbook = Logbook(folder, counters.frames, state)
    write(logbook, counters, [2.0] * 3)
    logbook.close()
    assert read_rows(folder)[0]["policy/return"] == pytest.approx(1.3)


def test_an_unfinished_row_is_written_at_the_end_only(folder):
    logbook, counters = Logbook(folder, 0), Counters()
    write(logbook, counters, [1.0, 3.0])
    assert read_rows(folder) == []
    logbook.finish_row("learning", counters)
    logbook.finish_row("learning", counters)
    logbook.close()
    assert [row["policy/return"] for row in read_rows(folder)] == [2.0]


def test_rows_after_the_checkpoint_and_broken_ones_are_cut_off(folder):
    folder.metrics.write_text('{"frames": 10}\n{"frames": 20}\n{"frames": 30}\n{"fra')
    Logbook(folder, 20).close()
    assert read_rows(folder) == [{"frames": 10}, {"frames": 20}]


def test_tensorboard_shows_the_same(folder):
    logbook = Logbook(folder, 0)
    write(logbook, Counters(), [1.0] * STEPS_PER_ROW)
    logbook.close()
    events = EventAccumulator(str(folder.tensorboard)).Reload()
    scalar = events.Scalars("policy/return")[0]
    assert (scalar.step, scalar.value) == (50, 1.0)
