"""An agent and the search stand before the same scenes, and are judged alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.scene_making import draw_scenes
from benchmarks import search
from cluster.run.folder import RunError
from envs import SCENES_ID, SCENES_V1_ID
from spiral.config import RunConfig
from spiral.data import scenes
from spiral.data.scenes import SceneSet

from .untrained import untrained

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def make_builder(tiny_copying: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """An agent for scenes of a data set, of which there are four."""
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path / "data"))

    def make(name: str, env_id: str) -> Path:
        (tmp_path / "data" / name).mkdir(parents=True)
        scenes.write(tmp_path / "data" / name, "test", SceneSet(*draw_scenes((0,), 4, (1, 2), env_id)))
        settings = {"episode_length": 3, "most_objects": 2}
        changes = {"environment.id": env_id, "environment.settings": settings, "data.name": name}
        return untrained(tiny_copying.with_changes(changes), tmp_path / "builder")

    return make


@pytest.fixture
def builder(make_builder: Callable[..., Path]) -> Path:
    return make_builder("scenes-2", SCENES_ID)


def test_the_search_draws_as_the_agents_environment_does(make_builder):
    """It begins with a bare platform, whose edges are as smooth as the scenes'."""
    result = search.run(make_builder("scenes-five", SCENES_V1_ID), count=3, evaluations=1)
    assert result.curve[0][1] == pytest.approx(1.0, rel=1e-4)


def test_both_are_judged_on_the_same_scenes(builder, capsys):
    result = search.run(builder, count=3, evaluations=200)
    assert (result.scenes, [mark for mark, _ in result.curve]) == (3, [0, 100, 200])
    assert result.agent.bare_error == result.search.bare_error > 0
    first, last = result.curve[0][1], result.curve[-1][1]
    assert first == pytest.approx(1.0, rel=1e-4), "the search begins with a bare platform"
    assert last < 1.0 and last == pytest.approx(result.search.relative_error, rel=1e-4)
    search.print_table(result)
    assert f"{last:.3f} after 200 evaluations" in capsys.readouterr().out


def test_the_same_seed_finds_the_same(builder):
    once, again = (search.run(builder, count=2, evaluations=20, seed=3) for _ in range(2))
    assert once.curve == again.curve and once.agent.error == again.agent.error


def test_an_agent_that_copies_no_scenes_is_refused(tiny_copying, tmp_path):
    with pytest.raises(RunError, match="does not copy scenes"):
        search.run(untrained(tiny_copying, tmp_path / "copier"))
