"""A run in one process: exact, repeatable, and resumed as if nothing had happened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.run.engine import WARM_UP_STEPS
from cluster.run.folder import RunError, RunFolder
from cluster.run.launch import begin, load_pictures, resume
from cluster.run.local_engine import LocalEngine
from cluster.run.logbook import read_rows
from cluster.run.loop import Summary
from cluster.run.machines import Machines
from cluster.run.plan import Counters, Length, phase_of
from cluster.run.training import describe
from cluster.studio.agents import load_agent
from envs.program import Program
from learners.checkpoint import CheckpointError, load_checkpoint
from spiral.config import RunConfig
from spiral.section import ConfigError

from .conftest import DISCRIMINATOR, FRAMES

LOCAL = Machines(engine="local")
pytestmark = pytest.mark.usefixtures("quick")


class StopAfter:
    """Stands in for Ctrl-C: asks the run to end after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __enter__(self) -> StopAfter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def requested(self) -> bool:
        self.steps -= 1
        return self.steps < 0


def train(config: RunConfig, out: Path, steps: int) -> Summary:
    return begin(config, out, Length(frames=steps * FRAMES), LOCAL)


def learned_rows(out: Path) -> list[dict[str, Any]]:
    """The curve without what the clock decides."""
    rows = read_rows(RunFolder(out))
    return [{k: v for k, v in row.items() if k != "seconds" and not k.startswith("speed/")} for row in rows]


def assert_same_state(first: Path, second: Path) -> None:
    ours, theirs = load_checkpoint(first), load_checkpoint(second)
    assert sorted(ours.parts) == sorted(theirs.parts)
    for part, arrays in ours.parts.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, theirs.parts[part][name], err_msg=f"{part}: {name}")


def test_reward_steps_are_exact_and_everything_is_left_behind(tiny, tmp_path):
    summary = train(tiny, tmp_path / "run", 12)
    assert (summary.counters.policy_steps, summary.counters.reward_steps) == (12, {"discriminator": 24})
    assert summary.counters.frames == 12 * FRAMES
    assert summary.over and summary.share == 1.0
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "config.json", "metrics.jsonl", "tensorboard", "checkpoints", "sheets", "programs", "picture.png", "curve.png",
    }  # fmt: skip
    parts = load_checkpoint(summary.checkpoint).parts
    assert sorted(parts) == ["agent", "policy", "replay", "rewards", "rollout-0"]
    assert int(parts["rewards"]["discriminator/version"]) == 24
    assert len(parts["replay"]["renders"]) == 32
    rows = learned_rows(tmp_path / "run")
    assert {"policy/return", "policy/entropy", "policy/lag", "reward/discriminator/real"} <= set(rows[-2])
    program = Program.load(summary.folder.programs / "0.json")
    assert program.replay().shape == (16, 16, 1)


def test_every_figure_is_explained(tiny_copying, tmp_path):
    changes = {"rewards.discriminator.options.loss": "wgan-gp", "expert.share": 0.5, "expert.simulations": 1}
    train(tiny_copying.with_changes(changes), tmp_path / "run", 12)
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    names = {name for row in read_rows(RunFolder(tmp_path / "run")) for name in row if not name.startswith("score/")}
    names = {re.sub("^reward/discriminator/", "reward/<name>/", name) for name in names}
    assert len(names) > 25 and "reward/<name>/penalty" in names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny_copying, tmp_path):
    first = train(tiny_copying, tmp_path / "first", 9)
    second = train(tiny_copying, tmp_path / "second", 9)
    other = train(tiny_copying.with_changes({"seed": 1}), tmp_path / "other", 9)
    assert learned_rows(tmp_path / "first") == learned_rows(tmp_path / "second")
    assert learned_rows(tmp_path / "first") != learned_rows(tmp_path / "other")
    assert_same_state(first.checkpoint, second.checkpoint)
    assert other.counters.frames == first.counters.frames


@pytest.mark.parametrize("stop_at", [2, 6, 13], ids=["while cloning", "in a row", "after a row"])
def test_a_resumed_run_goes_on_as_if_nothing_had_happened(tiny_copying, tmp_path, monkeypatch, stop_at):
    through = train(tiny_copying, tmp_path / "through", 16)
    with monkeypatch.context() as patch:
        patch.setattr("cluster.run.launch.Interrupts", lambda: StopAfter(stop_at))
        halted = train(tiny_copying, tmp_path / "halted", 16)
    assert not halted.over and halted.counters.frames == stop_at * FRAMES
    resumed = resume(tmp_path / "halted", None, LOCAL)
    assert resumed.over
    assert learned_rows(tmp_path / "through") == learned_rows(tmp_path / "halted")
    assert_same_state(through.checkpoint, resumed.checkpoint)


@pytest.mark.parametrize("stop_at", [2, 16], ids=["in a demonstration", "in an episode"])
def test_a_run_that_stopped_in_the_middle_of_episodes_goes_on_with_them(tiny_copying, tmp_path, monkeypatch, stop_at):
    config = tiny_copying.with_changes({"policy.unroll_length": 1})
    through = train(config, tmp_path / "through", 9)
    assert (through.counters.cloning_steps, through.counters.policy_steps) == (9, 18), "of an unroll each"
    with monkeypatch.context() as patch:
        patch.setattr("cluster.run.launch.Interrupts", lambda: StopAfter(stop_at))
        halted = train(config, tmp_path / "halted", 9)
    assert halted.counters.frames == stop_at * FRAMES // 3
    resumed = resume(tmp_path / "halted", None, LOCAL)
    assert learned_rows(tmp_path / "through") == learned_rows(tmp_path / "halted")
    assert_same_state(through.checkpoint, resumed.checkpoint)
    added = int(load_checkpoint(resumed.checkpoint).parts["replay"]["added"][0])
    assert added == config.policy.batch_size * 18 // 3, "final renders alone"


def test_rewards_are_warmed_up_as_episodes_end_and_learn_nothing_before(tiny):
    config = tiny.with_changes({"policy.unroll_length": 1, "rewards.discriminator.warm_up": 2 * WARM_UP_STEPS})
    engine = LocalEngine(config, load_pictures(config)[0])
    counters, taken = Counters(), []
    while (phase := phase_of(config, 0.0, counters.reward_steps)).kind == "warm-up":
        report = engine.step(phase)
        counters.add(report)
        taken.append(report.reward_steps["discriminator"])
    assert taken == [0, 0, WARM_UP_STEPS, 0, 0, WARM_UP_STEPS]
    report = engine.step(phase)
    assert report.reward_steps == {"discriminator": 2} and report.frames == FRAMES // 3
    assert "policy/return" in report.metrics and "score/discriminator" not in report.metrics, "none has ended"
    engine.close()


def test_rows_after_the_checkpoint_of_a_run_that_was_killed_are_written_again(tiny, tmp_path):
    train(tiny, tmp_path / "run", 12)
    metrics = tmp_path / "run" / "metrics.jsonl"
    rows = metrics.read_text()
    metrics.write_text(rows + json.dumps({"frames": 10**6, "policy/return": 1.0}) + '\n{"frames": 10')
    resume(tmp_path / "run", Length(frames=14 * FRAMES), LOCAL)
    frames = [row["frames"] for row in learned_rows(tmp_path / "run")]
    assert frames == sorted(frames) and frames[-1] == 14 * FRAMES


def test_cloning_comes_first_and_counts(tiny_copying, tmp_path):
    summary = train(tiny_copying, tmp_path / "run", 12)
    assert (summary.counters.cloning_steps, summary.counters.policy_steps) == (4, 8)
    assert summary.counters.reward_steps == {"discriminator": 16}
    assert 0 < summary.latest["held_out/error"] < 1
    assert summary.latest["held_out/error_ratio"] > 0


EXPERT = {"expert.share": 0.5, "expert.simulations": 2}
EXPERT_FRAMES = 4 * FRAMES  # the agent's own, those of the search, and what was found


def test_what_a_search_paints_counts_and_its_steps_are_their_own(tiny_copying, tmp_path):
    config = tiny_copying.with_changes({**EXPERT, "cloning.share": 0})
    summary = train(config, tmp_path / "run", 15)
    counters = summary.counters
    assert (counters.policy_steps, counters.expert_steps, counters.reward_steps) == (3, 3, {"discriminator": 6})
    assert counters.frames == 3 * FRAMES + 3 * EXPERT_FRAMES == 15 * FRAMES
    assert counters.searched_frames == 3 * (EXPERT_FRAMES - FRAMES)
    assert 0 < summary.latest["expert/improved"] <= 1 and 0 < summary.latest["expert/gain"] < 1
    assert f"({counters.searched_frames:,} of them painted by searches), 3 policy steps, 3 expert" in describe(summary)
    added = int(load_checkpoint(summary.checkpoint).parts["replay"]["added"][0])
    assert added == 3 * config.policy.batch_size, "the agent's own pictures alone"
    assert {row["phase"] for row in learned_rows(tmp_path / "run") if "phase" in row} == {"learning"}


@pytest.mark.parametrize("stop_at", [5, 6], ids=["before an expert step", "after it"])
def test_a_run_with_a_search_repeats_and_resumes(tiny_copying, tmp_path, monkeypatch, stop_at):
    config = tiny_copying.with_changes(EXPERT)
    through = train(config, tmp_path / "through", 24)
    assert through.counters.expert_steps >= 2
    with monkeypatch.context() as patch:
        patch.setattr("cluster.run.launch.Interrupts", lambda: StopAfter(stop_at))
        halted = train(config, tmp_path / "halted", 24)
    assert not halted.over
    resumed = resume(tmp_path / "halted", None, LOCAL)
    assert resumed.counters.frames == through.counters.frames
    assert learned_rows(tmp_path / "through") == learned_rows(tmp_path / "halted")
    assert_same_state(through.checkpoint, resumed.checkpoint)


def test_inventions_are_judged_where_the_real_pictures_are_digits(tiny, tmp_path):
    digits = tiny.with_changes({"data": {"name": "mnist5k"}})
    judged = train(digits, tmp_path / "digits", 2).latest
    assert 0 <= judged["held_out/accepted"] <= 1
    assert 0 <= judged["held_out/digits"] <= 10
    assert not any(name.startswith("held_out/") for name in train(tiny, tmp_path / "bars", 2).latest)


def test_without_a_learned_reward_none_is_trained_and_nothing_is_warmed_up(tiny_copying, tmp_path):
    config = tiny_copying.with_changes({"rewards": [{"name": "l2"}]})
    summary = train(config, tmp_path / "run", 4)
    assert summary.counters.reward_steps == {}
    assert (summary.counters.cloning_steps, summary.counters.policy_steps) == (2, 2)
    assert sorted(load_checkpoint(summary.checkpoint).parts) == ["agent", "policy", "rollout-0"]


@pytest.fixture
def two_judges(tiny: RunConfig) -> RunConfig:
    """Two discriminators, each with its own pace and its own warm-up: the second needs three batches."""
    other = {**DISCRIMINATOR, "pace": {"floor": 0, "ceiling": None}, "warm_up": 3 * WARM_UP_STEPS - 5}
    return tiny.with_changes({"rewards": [{**DISCRIMINATOR, "warm_up": WARM_UP_STEPS}, other]})


def test_the_policy_takes_no_step_until_all_learned_rewards_are_warmed_up(two_judges, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("cluster.run.launch.Interrupts", lambda: StopAfter(3))
        warm = train(two_judges, tmp_path / "run", 8)
    counters = warm.counters
    assert (counters.frames, counters.policy_steps, counters.cloning_steps) == (3 * FRAMES, 0, 0)
    assert counters.reward_steps == {"discriminator": 3 * WARM_UP_STEPS, "discriminator-2": 3 * WARM_UP_STEPS}
    parts = load_checkpoint(warm.checkpoint).parts
    assert int(parts["policy"]["version"]) == 0
    fresh = LocalEngine(two_judges, load_pictures(two_judges)[0])
    for name, array in fresh.state()["agent"].items():
        np.testing.assert_array_equal(array, parts["agent"][name], err_msg=name)
    before = fresh.state()["rewards"]
    fresh.close()
    for key in counters.reward_steps:
        assert int(parts["rewards"][f"{key}/version"]) == 3 * WARM_UP_STEPS
        trained = [name for name in before if name.startswith(f"{key}/network/")]
        assert any((parts["rewards"][name] != before[name]).any() for name in trained)
    assert len(parts["replay"]["renders"]) == 3 * two_judges.policy.batch_size, "what it painted meanwhile"
    done = resume(tmp_path / "run", None, LOCAL).counters
    assert (done.frames, done.policy_steps) == (8 * FRAMES, 5)
    # The first takes two steps for each of the policy; the second asks for none, and takes one in the same process.
    warmed_up = 3 * WARM_UP_STEPS
    assert done.reward_steps == {"discriminator": warmed_up + 2 * 5, "discriminator-2": warmed_up + 5}
    ratios = [row.get("reward/discriminator/steps_per_policy_step") for row in learned_rows(tmp_path / "run")]
    assert (warmed_up + 2 * 5) / 5 in ratios, "with those of the warm-up"


def test_a_warm_up_follows_the_cloning_and_precedes_the_schedules(tiny_copying, tmp_path):
    changes = {"rewards.discriminator.warm_up": 2 * WARM_UP_STEPS, "policy.final_learning_rate": 0.0}
    config = tiny_copying.with_changes(changes)
    engine = LocalEngine(config, load_pictures(config)[0])
    counters, length = Counters(), Length(frames=9 * FRAMES)
    kinds, rates = [], []
    while (share := length.share(counters)) < 1.0:
        report = engine.step(phase_of(config, share, counters.reward_steps))
        counters.add(report)
        kinds.append(report.kind)
        assert report.frames == FRAMES
        assert ("reward/discriminator/real" in report.metrics) == (report.kind != "cloning")
        assert ("policy" in report.busy) == (report.kind != "warm-up")
        if report.kind == "learning":
            rates.append(report.metrics["policy/learning_rate"])
    engine.close()
    assert kinds == ["cloning"] * 3 + ["warm-up"] * 2 + ["learning"] * 4
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < rates[0] < config.policy.learning_rate, "the warm-up is part of the length"


@pytest.mark.parametrize("stop_at", [1, 2, 3], ids=["in the middle", "in the middle", "just after"])
def test_a_warm_up_goes_on_where_the_run_was_stopped(two_judges, tmp_path, monkeypatch, stop_at):
    through = train(two_judges, tmp_path / "through", 12)
    with monkeypatch.context() as patch:
        patch.setattr("cluster.run.launch.Interrupts", lambda: StopAfter(stop_at))
        halted = train(two_judges, tmp_path / "halted", 12)
    assert halted.counters.policy_steps == 0 and halted.counters.frames == stop_at * FRAMES
    resumed = resume(tmp_path / "halted", None, LOCAL)
    assert resumed.counters.reward_steps == through.counters.reward_steps
    assert learned_rows(tmp_path / "through") == learned_rows(tmp_path / "halted")
    assert_same_state(through.checkpoint, resumed.checkpoint)


def test_a_folder_that_is_not_empty_is_left_alone(tiny, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(RunError, match="is not empty: go on with --resume"):
        train(tiny, tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "cuda:99"}, "device"),
        ({"rewards": [{"name": "applause"}]}, "applause"),
        ({"environment.settings": {"canvas_size": -3}}, "canvas_size is -3"),
        ({"environment.id": "spiral/Nowhere-v0"}, "Nowhere"),
        ({"environment.settings.grid_size": 12}, "multiple of the feature map"),
        ({"policy.unroll_length": 2}, "unroll_length=2 does not divide an episode of 3 commands: give one of 1, 3,"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_written(tiny, tmp_path, changes, message):
    with pytest.raises(Exception, match=message):
        train(tiny.with_changes(changes), tmp_path / "run", 1)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_over_or_was_never_there_cannot_go_on(tiny, tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        resume(tmp_path / "none", None, LOCAL)
    train(tiny, tmp_path / "run", 2)
    with pytest.raises(RunError, match="is over .*48 frames.*give more"):
        resume(tmp_path / "run", None, LOCAL)


def test_the_precision_of_another_machine_is_no_part_of_a_run(tiny, tmp_path, capsys):
    """Older runs keep `bfloat16` among their settings, and go on where that is slow."""
    train(tiny.with_changes({"precision": "auto"}), tmp_path / "run", 2)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["precision"] == "auto"
    # One precision for all, or one for each part: networks this small are as fast in either.
    assert re.search(r"^Computing(: policy)? in (float32|bfloat16) \(", capsys.readouterr().out, re.MULTILINE)
    resume(tmp_path / "run", Length(frames=3 * FRAMES), LOCAL, {"precision": "bfloat16"})
    assert "Computing in bfloat16 (as precision=bfloat16 says)." in capsys.readouterr().out
    assert load_agent(tmp_path / "run").config.precision == "auto"


def test_a_run_that_ended_before_its_first_checkpoint_begins_anew(tiny, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.begin(tiny, Length(frames=2 * FRAMES))
    folder.metrics.write_text('{"frames": 24}\n')
    assert resume(tmp_path / "run", None, LOCAL).counters.policy_steps == 2
    assert all(row["frames"] in (0, 2 * FRAMES) or row["policy_steps"] == 1 for row in learned_rows(tmp_path / "run"))


def test_a_run_whose_settings_were_changed_by_hand_is_refused(tiny, tmp_path):
    train(tiny, tmp_path / "run", 2)
    file = tmp_path / "run" / "config.json"
    document = json.loads(file.read_text())
    document["config"]["environment"]["settings"]["grid_size"] = 4
    file.write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=r"control \(64\).*but the environment has control \(16\)"):
        resume(tmp_path / "run", Length(frames=100), LOCAL)
    file.write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        resume(tmp_path / "run", Length(frames=100), LOCAL)
    file.write_text(json.dumps({**document, "config": {"polcy": {}}}))
    with pytest.raises(RunError, match="polcy"):
        resume(tmp_path / "run", Length(frames=100), LOCAL)


def test_an_unknown_setting_is_named(tiny):
    with pytest.raises(ConfigError, match=r"policy\.entrpy"):
        tiny.with_changes({"policy.entrpy": 1})
