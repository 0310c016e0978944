"""A population of three on a real Ray: members copy the fitter, vary their settings, and survive an interruption."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.population.evolution import MARK
from cluster.population.folder import Plan, PopulationFolder
from cluster.population.member import play_round
from cluster.population.resources import MemberResources, Room
from cluster.population.run import begin, resume
from cluster.population.settings import levels_of
from cluster.run.folder import WRITER, RunError
from cluster.run.launch import load_pictures
from cluster.run.logbook import read_lines, read_rows
from cluster.run.plan import Length
from cluster.studio.agents import load_agent
from learners.checkpoint import latest_checkpoint, load_checkpoint
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.section import ConfigError

from .conftest import FRAMES
from .test_population_member import work_in

ROUNDS, MEMBERS = 2, 3


@dataclass
class Grown:
    """A population that has ended, and what was copied on its way.

    Attributes:
        copies: for each copy its number, its source and the state of its folder just afterwards, in order.
    """

    folder: PopulationFolder
    plan: Plan
    text: str
    copies: list[tuple[int, int, PopulationFolder]]

    def rows(self, event: str) -> list[dict[str, Any]]:
        return [row for row in read_lines(self.folder.events) if row["event"] == event]

    def parts(self, member: int) -> dict[str, Arrays]:
        return load_checkpoint(latest_checkpoint(self.folder.member(member).checkpoints)).parts


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """One thread in each member, whatever Ray has: the sums of several are rounded in another order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cluster.population.run.share_machines", lambda *_: MemberResources(1, 1.0, 0.0))
        patch.setattr(MemberResources, "bundles", [{"CPU": 4.0}])  # all that Ray has, so that members take turns
        yield


@pytest.fixture(scope="module")
def plan(tiny: RunConfig) -> Plan:
    copying = tiny.with_changes({"agent.conditional": True, "agent.noise": 0})
    return Plan(copying, Length(frames=2 * ROUNDS * FRAMES), MEMBERS, ROUNDS, "held_out")


@pytest.fixture(scope="module")
def grown(plan: Plan, one_thread: None, ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    """Tune's part takes seconds, so several tests look at one population."""
    out, snapshots = tmp_path_factory.mktemp("population") / "pop", tmp_path_factory.mktemp("snapshots")
    copies: list[tuple[int, int, PopulationFolder]] = []
    copy_member = PopulationFolder.copy_member

    def noting(self: PopulationFolder, plan: Plan, source: int, number: int, levels: dict[str, float]) -> None:
        copy_member(self, plan, source, number, levels)
        snapshot = snapshots / str(len(copies))
        shutil.copytree(self.path / "members", snapshot / "members")
        copies.append((number, source, PopulationFolder(snapshot)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PopulationFolder, "copy_member", noting)
        text = begin(plan, out, room=Room(at_a_time=1))
    yield Grown(PopulationFolder(out), plan, text, copies)


def test_nobody_else_can_go_on_with_a_member_meanwhile(grown):
    snapshot = grown.copies[0][2]
    for member in range(MEMBERS):  # also of those that wait for their turn
        assert json.loads((snapshot.member(member).path / WRITER).read_text())["process"] == os.getpid()
    assert not list(grown.folder.path.rglob(".writer*")), "nothing of it is left"


def test_every_member_trains_every_round_with_its_own_settings_and_seed(grown):
    assert [(row["round"], row["member"]) for row in grown.rows("round")] == [
        (round_, member) for round_ in range(1, ROUNDS + 1) for member in range(MEMBERS)
    ]
    assert all(row["frames"] == 2 * row["round"] * FRAMES for row in grown.rows("round"))
    first = [row["policy.learning_rate"] for row in grown.rows("round")[:MEMBERS]]
    assert first[0] == grown.plan.config.policy.learning_rate and len(set(first)) == MEMBERS
    for member in range(MEMBERS):
        folder = grown.folder.member(member)
        assert folder.read_settings()[0].seed == grown.plan.config.seed + member
        assert {row["member"] for row in read_rows(folder)} == {member}


def test_the_least_fit_copies_the_fittest_and_changes_its_levels(grown):
    exploits = grown.rows("exploit")
    assert [row["round"] for row in exploits] == list(range(1, ROUNDS)), "a fifth of three is one, after each round"
    for row in exploits:
        errors = {r["member"]: r["fitness"] for r in grown.rows("round") if r["round"] == row["round"]}
        assert errors[row["source"]] == min(errors.values()) < max(errors.values()) == errors[row["member"]]
        of_source = next(r for r in grown.rows("round") if (r["round"], r["member"]) == (row["round"], row["source"]))
        for path, level in row["after"].items():
            assert any(level == pytest.approx(factor * of_source[path]) for factor in (1.2, 0.8))
        after = next(r for r in grown.rows("round") if (r["round"], r["member"]) == (row["round"] + 1, row["member"]))
        assert {path: after[path] for path in row["after"]} == row["after"]


def test_a_copy_has_everything_that_its_source_has_learned_but_plays_by_its_own_chance(grown):
    assert len(grown.copies) == ROUNDS - 1
    for number, source, folder in grown.copies:
        copied, original = (
            load_checkpoint(latest_checkpoint(folder.member(member).checkpoints)).parts for member in (number, source)
        )
        for part in ("agent", "policy", "rewards", "replay"):
            assert copied[part].keys() == original[part].keys()
            for name, array in original[part].items():
                np.testing.assert_array_equal(copied[part][name], array)
        assert any((copied["rollout-0"][name] != array).any() for name, array in original["rollout-0"].items())


def test_a_copy_trains_on_from_what_it_copied(grown, plan, quick, address):
    """The last round of the last copy, played once more in this process, ends with the same weights."""
    number, _, folder = grown.copies[-1]
    work = work_in(folder, plan, address, first_round=ROUNDS)
    pictures, held_out = load_pictures(plan.config)
    row = play_round(work, pictures, held_out, number, levels_of(folder.member(number).read_settings()[0]), ROUNDS)
    repeated = load_checkpoint(latest_checkpoint(folder.member(number).checkpoints)).parts
    for part, arrays in grown.parts(number).items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(repeated[part][name], array)
    assert row["fitness"] == grown.rows("round")[-MEMBERS:][number]["fitness"]


def test_the_summary_ranks_the_members_and_the_best_can_be_used(grown):
    errors = {row["member"]: row["fitness"] for row in grown.rows("round") if row["round"] == ROUNDS}
    ranked = sorted(errors, key=lambda member: (errors[member], member))
    lines = grown.folder.summary.read_text().splitlines()
    assert [int(line.split()[0]) for line in lines[1:]] == ranked
    assert f"{errors[ranked[0]]:.3f}" in lines[1] and grown.text.startswith("\n".join(lines))
    number, source, _ = grown.copies[-1]
    assert f"{number} < {source} (round {ROUNDS - 1})" in grown.folder.summary.read_text()
    weights = load_agent(grown.folder.best).weights
    for name, array in grown.parts(ranked[0])["agent"].items():
        np.testing.assert_array_equal(weights.fetch("agent")[1][name], array)


def test_nothing_of_tune_is_left_behind(grown):
    assert sorted(path.name for path in grown.folder.path.iterdir()) == [
        "best",
        "members",
        "population.json",
        "population.jsonl",
        "summary.txt",
    ]


class WhenRowsAre:
    """Stands in for Ctrl-C: asks to end when so many rounds are in the book."""

    def __init__(self, book: Path, rows: int) -> None:
        self.book, self.rows = book, rows

    def __enter__(self) -> WhenRowsAre:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def requested(self) -> bool:
        return len([row for row in read_lines(self.book) if row["event"] == "round"]) >= self.rows


def test_an_interrupted_population_goes_on_as_if_nothing_had_happened(grown, plan, tmp_path, monkeypatch):
    out = tmp_path / "pop"
    with monkeypatch.context() as patch:
        stop = WhenRowsAre(out / "population.jsonl", MEMBERS + 1)
        patch.setattr("cluster.population.evolution.Interrupts", lambda: stop)
        text = begin(plan, out, room=Room(at_a_time=1))
    assert "spiral population --resume" in text
    before = Grown(PopulationFolder(out), plan, text, [])
    assert MEMBERS + 1 <= len(before.rows("round")) < ROUNDS * MEMBERS
    for name in (".tune-killed/tune", ".tune-notes"):
        (out / name).mkdir(parents=True)
    (out / ".tune-killed" / MARK).touch()
    resume(out, room=Room(at_a_time=1))
    assert [path.name for path in out.glob(".tune-*")] == [".tune-notes"], "what a killed command left is gone"
    after = Grown(PopulationFolder(out), plan, text, [])
    assert after.rows("exploit") == grown.rows("exploit")
    for row, other in zip(after.rows("round"), grown.rows("round"), strict=True):
        assert row | {"seconds": 0} == other | {"seconds": 0}
    for member in range(MEMBERS):
        for name, array in grown.parts(member)["agent"].items():
            np.testing.assert_array_equal(after.parts(member)["agent"][name], array)
    with pytest.raises(RunError, match="is over: give more"):
        resume(out)


def test_members_are_compared_by_the_learned_rewards_of_all(plan, ray_session, tmp_path):
    scored = replace(plan, fitness="scores", length=Length(frames=2 * FRAMES))
    text = begin(scored, tmp_path / "pop", room=Room(at_a_time=1))
    book = Grown(PopulationFolder(tmp_path / "pop"), scored, text, [])
    scores = book.rows("scores")
    assert [row["round"] for row in scores] == [1, 2]
    for row, exploit in zip(scores, book.rows("exploit"), strict=False):
        values = {int(member): value for member, value in row["scores"].items()}
        assert (exploit["member"], exploit["source"]) == (
            min(values, key=values.__getitem__),
            max(values, key=values.__getitem__),
        )
    assert all(row["fitness"] is None for row in book.rows("round"))


def test_what_cannot_be_selected_is_refused(plan, tmp_path):
    config = plan.config
    with pytest.raises(ConfigError, match="policy.entropy=0 stays 0"):
        begin(replace(plan, config=config.with_changes({"policy.entropy": 0})), tmp_path / "a")
    invents = config.with_changes({"agent.conditional": False})
    with pytest.raises(ConfigError, match="only digits have a judge.*--fitness scores"):
        begin(replace(plan, config=invents), tmp_path / "a")
    blind = config.with_changes({"rewards": [{"name": "squared_error"}]})
    with pytest.raises(ConfigError, match="needs a reward that learns"):
        begin(replace(plan, config=blind, fitness="scores"), tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("change", [{"members": 1}, {"fitness": "luck"}, {"length": {"minutes": None, "frames": None}}])
def test_a_damaged_plan_is_named(plan, tmp_path, change):
    folder = PopulationFolder(tmp_path)
    folder.begin(plan)
    assert folder.read_plan() == plan
    folder.plan.write_text(json.dumps(json.loads(folder.plan.read_text()) | change))
    with pytest.raises(RunError, match=r"population\.json is damaged"):
        resume(tmp_path)


def test_a_folder_without_a_population_is_named(spiral, tmp_path):
    status, _, message = spiral("population", "--resume", "--out", tmp_path)
    assert status == 2 and "holds no population" in message
    status, _, message = spiral("population", "--resume", "--out", tmp_path, "--members", 4)
    assert status == 2 and "leave out --preset, --members" in message
