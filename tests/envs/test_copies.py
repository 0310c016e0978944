"""An environment can be copied and pickled at any moment, and both go on independently with the same pixels."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, TimeLimit

import envs
from actors.scored import Scored
from envs.episodes import EpisodeError
from envs.own import load_class
from envs.program import Program
from envs.pymypaint import Canvas, Canvases
from envs.random_programs import random_programs
from envs.settings import SettingsError
from envs.vector_form import vector_form
from spiral.config import RewardTerm
from tests.envs.test_conformance import CASES, play, programs

COPIES = [
    pytest.param(copy.deepcopy, id="deepcopy"),
    pytest.param(lambda env: pickle.loads(pickle.dumps(env)), id="pickle"),
]
copied_by = pytest.mark.parametrize("copied", COPIES)
Copied = Callable[[Any], Any]


def assert_same(one: Any, other: Any) -> None:
    """What two steps gave: arrays, flags and info."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, tuple):
        for part, same in zip(one, other, strict=True):
            assert_same(part, same)
    else:
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def dots(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))
    monkeypatch.delitem(sys.modules, "dots", raising=False)
    yield load_class("dots:Dots")
    sys.modules.pop("dots", None)


@copied_by
@pytest.mark.parametrize(("env_id", "settings"), CASES)
@pytest.mark.parametrize("done", ["nothing", "reset", "one", "all"])
def test_a_copy_goes_on_as_the_original_does(env_id, settings, done, copied):
    env: Any = gymnasium.make(env_id, render_mode="rgb_array", **settings).unwrapped
    actions, others = programs(env, 2)
    steps = {"nothing": 0, "reset": 0, "one": 1, "all": len(actions)}[done]
    if done != "nothing":
        play(env, actions[:steps])
    twin = copied(env)
    np.testing.assert_array_equal(twin.render(), env.render())
    assert (twin.render_mode, twin.settings, twin.spec) == (env.render_mode, env.settings, env.spec)
    assert_same(twin._info(), env._info())
    kept = env.render()
    for action in others[steps:]:
        twin.step(action)
    np.testing.assert_array_equal(env.render(), kept)
    twin = copied(env)
    for action in actions[steps:]:
        assert_same(twin.step(action), env.step(action))
    assert twin.program().actions.tolist() == env.program().actions.tolist()
    assert_same(twin.reset(seed=5), env.reset(seed=5))
    assert twin.np_random.random() == env.np_random.random()
    env.close()
    twin.close()


@copied_by
@pytest.mark.parametrize(("env_id", "settings"), CASES)
def test_a_copied_vector_form_goes_on_as_the_original_does(env_id, settings, copied):
    vector = gymnasium.make_vec(env_id, num_envs=3, num_threads=2, **settings)
    actions = programs(vector.unwrapped, 3).swapaxes(0, 1)
    play(vector, actions[:2])
    twin = copied(vector)
    for action in [*actions[2:], actions[0], actions[1]]:  # over the automatic reset
        assert_same(twin.step(action), vector.step(action))
    vector.close()
    assert not twin.closed and copied(vector).closed
    twin.step(actions[2])
    twin.close()


@copied_by
def test_a_brush_that_strews_at_random_does_so_again(copied):
    env: Any = gymnasium.make(envs.PAINT_ID, brush="classic/charcoal", brush_sizes=(12,), episode_length=6).unwrapped
    actions = random_programs(env.action_spec, 1, 6, np.random.default_rng(3))[0]
    actions[:, env.action_spec.index("flag")] = 1
    play(env, actions)
    play(env, actions[:3])
    twin = copied(env)
    for action in actions[3:]:
        assert_same(twin.step(action), env.step(action))


def test_charcoal_does_strew_at_random():
    """Or the test before this one would show nothing: the same stroke twice gives other grains."""
    env: Any = gymnasium.make(envs.PAINT_ID, brush="classic/charcoal", brush_sizes=(12,)).unwrapped
    stroke = dict.fromkeys(["control", "end"], 0) | {"flag": 1, "pressure": 9, "red": 0, "green": 0, "blue": 0}
    grains = []
    for row in (4, 20):
        move, line = dict(stroke, end=32 * row + 4, flag=0), dict(stroke, control=32 * row + 12, end=32 * row + 20)
        env.step(np.array(list(move.values())))
        grains.append(env.step(np.array(list(line.values())))[0]["canvas"])
    assert (grains[0][:24] != grains[1][32:56]).any()


@copied_by
@pytest.mark.parametrize("env_id", [envs.PAINT_ID, envs.SCENES_ID, envs.SCENES_V1_ID])
def test_a_closed_environment_is_copied_as_a_closed_one(env_id, copied):
    env: Any = gymnasium.make(env_id, episode_length=3, render_mode="rgb_array").unwrapped
    play(env, programs(env, 1)[0][:2])
    env.close()
    twin = copied(env)
    assert twin.closed
    np.testing.assert_array_equal(twin.render(), env.render())
    twin.close()


@copied_by
def test_wrapped_environments_are_copied_with_their_wrappers(copied):
    targets = np.full((2, 64, 64, 3), 128, np.uint8)
    env: Any = Scored(gymnasium.make(envs.PAINT_ID), [RewardTerm(name="squared_error", when="step")], targets)
    env = RecordEpisodeStatistics(TimeLimit(env, 4))
    actions = programs(env.unwrapped, 1)[0]
    env.reset(seed=0)
    env.step(actions[0])
    twin = copied(env)
    if copied is copy.deepcopy:
        assert np.shares_memory(twin.get_wrapper_attr("targets"), targets), "a data set is not copied along"
    for action in actions[1:4]:
        one, other = twin.step(action), env.step(action)
        assert one[3] == other[3] and one[1] == other[1] != 0.0
        assert_same(one[0], other[0])
    assert one[3], "the limit was copied with the steps so far"


def test_gymnasiums_vector_form_over_ours_is_copied():
    vector = SyncVectorEnv([lambda: gymnasium.make(envs.PAINT_ID, episode_length=3)] * 2)
    vector.reset(seed=0)
    vector.action_space.seed(0)
    vector.step(vector.action_space.sample())
    twin, actions = copy.deepcopy(vector), vector.action_space.sample()
    assert_same(twin.step(actions)[0], vector.step(actions)[0])


@copied_by
@pytest.mark.parametrize("form", ["single", "vector"])
def test_an_environment_of_ones_own_is_copied(form, copied, dots):
    env: Any = dots() if form == "single" else vector_form(dots)(2)
    env.mark = ["an attribute of a user's"]
    actions = programs(env, 1 if form == "single" else 2).swapaxes(0, 1)
    actions = actions[:, 0] if form == "single" else actions
    play(env, actions[:4])
    twin = copied(env)
    assert type(twin).__name__ == type(env).__name__ and twin.mark == env.mark and twin.mark is not env.mark
    for action in actions[4:]:
        assert_same(twin.step(action), env.step(action))


@copied_by
def test_records_are_copied(copied):
    env: Any = gymnasium.make(envs.SCENES_V1_ID).unwrapped
    assert copied(env.settings) == env.settings
    assert copied(env.action_spec) == env.action_spec
    program = Program(envs.PAINT_ID, {"canvas_size": 32}, np.ones((2, 8), np.int64))
    assert copied(program).to_json() == program.to_json()


def test_whole_scenes_that_were_drawn_at_once_are_copied_and_are_programs():
    vector: Any = gymnasium.make_vec(envs.SCENES_V1_ID, num_envs=2, episode_length=4).unwrapped
    drawn = vector.draw(programs(vector, 2))
    twin = copy.deepcopy(vector)
    for index in range(2):
        assert twin.objects(index) == vector.objects(index)
        np.testing.assert_array_equal(vector.program(index).replay(), drawn[index])
    twin.close()
    vector.close()


@pytest.mark.parametrize(("env_id", "settings"), CASES)
def test_episodes_that_were_taken_go_on_as_their_sources_do(env_id, settings):
    vector: Any = gymnasium.make_vec(env_id, num_envs=4, num_threads=2, **settings).unwrapped
    actions = programs(vector, 4).swapaxes(0, 1)
    shown = play(vector, actions[:2])[-1]
    original = copy.deepcopy(vector)
    sources = [2, 2, 0, 1]
    assert_same(vector.take(sources)[0], {name: part[sources] for name, part in shown.items()})
    for action in actions[2:]:
        taken, alone = vector.step(action[sources]), original.step(action)
        assert_same(taken[0], {name: part[sources] for name, part in alone[0].items()})
        assert_same(taken[4], {name: part[sources] for name, part in alone[4].items()})
    for index, source in enumerate(sources):
        assert vector.program(index).to_json() == original.program(source).to_json()
    vector.close()
    original.close()


@pytest.mark.parametrize(("env_id", "settings"), CASES)
def test_a_planner_goes_back_to_what_it_kept(env_id, settings):
    vector: Any = gymnasium.make_vec(env_id, num_envs=2, **settings).unwrapped
    actions, others = programs(vector, 4).reshape(2, 2, settings["episode_length"], -1).swapaxes(1, 2)
    play(vector, actions[:1])
    kept = copy.deepcopy(vector)
    expected = [vector.step(action) for action in actions[1:]]
    play(vector, others)
    vector.take([0, 1], kept)
    for action, step in zip(actions[1:], expected, strict=True):
        assert_same(vector.step(action), step)
    assert (kept._episodes.steps, vector._episodes.steps) == (1, len(actions))
    vector.close()
    kept.close()


def test_episodes_that_begin_on_a_picture_are_taken_with_it():
    vector: Any = gymnasium.make_vec(envs.PAINT_ID, num_envs=2, episode_length=3).unwrapped
    vector.reset(options={"canvas": np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)})
    vector.take([1, 1])
    np.testing.assert_array_equal(vector._episodes.start[0], vector._episodes.start[1])
    actions = np.repeat(programs(vector, 1), 2, axis=0).swapaxes(0, 1)
    for action in actions:
        left, right = vector.step(action)[0]["canvas"]
        np.testing.assert_array_equal(left, right)


def test_episodes_of_ones_own_are_taken(dots):
    vector = vector_form(dots)(3)
    actions = programs(vector, 3).swapaxes(0, 1)
    play(vector, actions[:4])
    (canvas, counted), twin = (vector.take([1, 2, 1]), copy.deepcopy(vector))
    assert_same(canvas["canvas"][0], canvas["canvas"][2])
    assert counted["stamps"][0] == counted["stamps"][2]
    for action in actions[4:]:
        assert_same(vector.step(action), twin.step(action))


def test_only_episodes_that_are_there_and_alike_are_taken():
    vector: Any = gymnasium.make_vec(envs.PAINT_ID, num_envs=2, episode_length=3).unwrapped
    longer: Any = gymnasium.make_vec(envs.PAINT_ID, num_envs=2, episode_length=4).unwrapped
    for sources in ([0], [0, 2], [-1, 0], [0.0, 1.0]):
        with pytest.raises(EpisodeError, match="sources are"):
            vector.take(sources)
    with pytest.raises(SettingsError, match="make both alike"):
        vector.take([0, 1], longer)


@pytest.mark.parametrize("made", [Canvas, partial(Canvases, 2)], ids=["Canvas", "Canvases"])
def test_canvases_without_an_environment_are_copied(made):
    canvases = made(64, 64, "deevad/brush")

    def paint(on: Any, row: float) -> Any:
        if isinstance(on, Canvas):
            on.stroke_to(50, row)
            return on.to_array()
        points = np.full((2, 2), row)
        on.step([True] * 2, points[:, ::-1] / 2, points, [0.8] * 2, [4.0] * 2, np.zeros((2, 3)))
        return on.read()

    paint(canvases, 20)
    before, twin = paint(canvases, 30), copy.deepcopy(canvases)
    imagined = paint(twin, 45)
    assert (imagined != before).any()
    np.testing.assert_array_equal(paint(canvases, 45), imagined)


@pytest.mark.parametrize("canvas", [Canvas(8, 8), Canvases(2, 8, 8)], ids=["Canvas", "Canvases"])
def test_canvases_whose_luck_cannot_be_had_say_so(canvas):
    with pytest.raises(TypeError, match="libmypaint does not give out its random numbers"):
        copy.deepcopy(canvas)
    with pytest.raises(TypeError, match="libmypaint gives out no brush on its way"):
        pickle.dumps(canvas)
