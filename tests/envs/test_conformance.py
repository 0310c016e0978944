"""What every environment of this project keeps to. A new environment joins with a line in CASES."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

import envs
from envs.actions import ActionError
from envs.random_programs import random_programs

CASES = [
    pytest.param(envs.PAINT_ID, {"episode_length": 5}, id="paint"),
    pytest.param(
        envs.PAINT_ID,
        {"episode_length": 4, "canvas_size": 20, "render_size": 60, "color": False, "brush": "classic/pen"},
        id="paint-grey-shown-smaller",
    ),
    pytest.param(envs.PAINT_ID, {"episode_length": 6, "strokes": "splines"}, id="paint-splines"),
    pytest.param(
        envs.PAINT_ID,
        {"episode_length": 6, "strokes": "splines", "canvas_size": 20, "render_size": 60, "brush": "deevad/brush"},
        id="paint-splines-shown-smaller",
    ),
    pytest.param(envs.SCENES_ID, {"episode_length": 5}, id="scenes"),
    pytest.param(envs.SCENES_ID, {"episode_length": 3, "canvas_size": 24, "render_size": 48}, id="scenes-smaller"),
    pytest.param(envs.SCENES_V1_ID, {"episode_length": 4}, id="scenes-v1"),
]
pytestmark = pytest.mark.parametrize(("env_id", "settings"), CASES)

Episode = list[dict[str, np.ndarray]]


def make(env_id: str, settings: dict[str, Any]) -> Any:
    return gymnasium.make(env_id, **settings).unwrapped


def make_vec(env_id: str, settings: dict[str, Any], count: int, **more: Any) -> Any:
    return gymnasium.make_vec(env_id, num_envs=count, **settings, **more)


def programs(env: Any, count: int, seed: int = 0) -> np.ndarray:
    """Random programs of a whole episode, the same for the same seed."""
    return random_programs(env.action_spec, count, env.settings.episode_length, np.random.default_rng(seed))


def play(env: Any, actions: np.ndarray) -> Episode:
    """The observations of one episode, the first one included."""
    return [env.reset(seed=1)[0]] + [env.step(action)[0] for action in actions]


def assert_equal(one: Episode, other: Episode) -> None:
    assert len(one) == len(other)
    for mine, theirs in zip(one, other, strict=True):
        assert mine.keys() == theirs.keys()
        for key, value in mine.items():
            np.testing.assert_array_equal(value, theirs[key], err_msg=key)


def test_gymnasiums_own_checks_pass_without_a_warning(env_id, settings):
    check_env(gymnasium.make(env_id, render_mode="rgb_array", **settings).unwrapped)


def test_an_episode_has_the_declared_shapes_and_types_and_ends_after_its_last_action(env_id, settings):
    env = make(env_id, settings)
    actions = programs(env, 1)[0]
    observation, _ = env.reset(seed=0)
    assert observation["step"] == 0
    assert not observation["action_mask"].any(), "before the first action, no sub-action has counted"
    for done, action in enumerate(actions, start=1):
        observation, reward, terminated, truncated, _ = env.step(action)
        for key, space in env.observation_space.items():
            assert observation[key].shape == space.shape
            assert observation[key].dtype == space.dtype
            assert observation[key] in space
        assert observation["step"] == done
        np.testing.assert_array_equal(observation["action_mask"], env.action_spec.mask(action))
        assert (reward, terminated, truncated) == (0.0, done == len(actions), False)
    with pytest.raises(ResetNeeded, match=r"call reset"):
        env.step(actions[0])


def test_the_action_space_is_the_heads_of_the_action_specification(env_id, settings):
    env = make(env_id, settings)
    np.testing.assert_array_equal(env.action_space.nvec, env.action_spec.nvec)


def test_the_same_actions_give_the_same_episode_whatever_came_before(env_id, settings):
    env = make(env_id, settings)
    first, second = programs(env, 2)
    fresh = play(env, first)
    play(env, second)
    assert_equal(play(env, first), fresh)


def test_the_same_actions_give_the_same_pixels_in_another_process(env_id, settings):
    env = make(env_id, settings)
    actions = programs(env, 1)[0]
    code = (
        "import hashlib, gymnasium, envs\n"
        f"env = gymnasium.make({env_id!r}, **{settings!r})\n"
        "env.reset()\n"
        f"for action in {actions.tolist()!r}: canvas = env.step(action)[0]['canvas']\n"
        "print(hashlib.sha256(canvas.tobytes()).hexdigest())\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert hashlib.sha256(play(env, actions)[-1]["canvas"].tobytes()).hexdigest() in printed


def test_observations_belong_to_their_receiver(env_id, settings):
    env = make(env_id, settings)
    actions = programs(env, 1)[0]
    expected = play(env, actions)
    kept = []
    observation, _ = env.reset(seed=1)
    for action in [*actions, None]:
        kept.append({key: value.copy() for key, value in observation.items()})
        for value in observation.values():
            value[...] = 1  # what the receiver writes does not come back
        if action is not None:
            observation, *_ = env.step(action)
    assert_equal(kept, expected)


def test_no_part_of_the_observation_is_constant(env_id, settings):
    env = make(env_id, settings)
    episode = play(env, programs(env, 1)[0])
    for key in env.observation_space:
        assert any((observation[key] != episode[0][key]).any() for observation in episode[1:]), key


@pytest.mark.parametrize("threads", [1, 2])
def test_the_vector_form_is_that_many_single_environments(env_id, settings, threads):
    count = 3
    single, vector = make(env_id, settings), make_vec(env_id, settings, count, num_threads=threads)
    actions = programs(single, count)
    together = play(vector, actions.swapaxes(0, 1))
    for index in range(count):
        alone = play(single, actions[index])
        assert_equal([{key: value[index] for key, value in step.items()} for step in together], alone)


def test_the_vector_form_counts_what_the_single_environments_count(env_id, settings):
    single, vector = make(env_id, settings), make_vec(env_id, settings, 3)
    actions = programs(single, 3)
    listed = DictInfoToList(vector)
    vector.reset()
    for step in range(actions.shape[1]):
        *_, infos = listed.step(actions[:, step])
    for index in range(3):
        single.reset()
        for action in actions[index]:
            *_, info = single.step(action)
        assert infos[index] == info


def test_the_vector_form_has_the_spaces_and_the_automatic_reset_that_it_declares(env_id, settings):
    single, vector = make(env_id, settings), make_vec(env_id, settings, 3)
    assert vector.single_action_space == single.action_space
    assert vector.single_observation_space == single.observation_space
    assert vector.observation_space == batch_space(single.observation_space, 3)
    assert vector.action_space == batch_space(single.action_space, 3)
    assert vector.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    vector.action_space.seed(0)
    first, _ = vector.reset(seed=[4, 5, 6])
    for _ in range(single.settings.episode_length):
        observation, rewards, terminated, truncated, _ = vector.step(vector.action_space.sample())
        assert observation in vector.observation_space
        assert rewards.shape == terminated.shape == truncated.shape == (3,)
    assert terminated.all()
    assert not truncated.any()
    observation, _, terminated, _, info = vector.step(vector.action_space.sample())
    assert_equal([observation], [first])
    assert not terminated.any()
    assert not any(info[name].any() for name in info if not name.startswith("_"))
    vector.close()
    vector.close()


def test_gymnasiums_vector_wrappers_see_whole_episodes(env_id, settings):
    length = make(env_id, settings).settings.episode_length
    vector: Any = RecordEpisodeStatistics(make_vec(env_id, settings, 2))
    vector.action_space.seed(0)
    vector.reset(seed=0)
    for _ in range(length):
        *_, info = vector.step(vector.action_space.sample())
    assert info["episode"]["l"].tolist() == [length] * 2


def test_an_action_that_is_not_in_the_space_is_refused_and_changes_nothing(env_id, settings):
    env = make(env_id, settings)
    actions = programs(env, 1)[0]
    expected = play(env, actions)
    beyond = actions[0].copy()
    beyond[0] = env.action_spec.heads[0].choices
    env.reset()
    with pytest.raises(ActionError, match=f"{env.action_spec.heads[0].name}.* is {beyond[0]}; it must be from 0"):
        env.step(beyond)
    for wrong in (actions[0][:-1], actions[0] + 0.5, actions[0] - 10**6, actions[0] > 0, "paint"):
        with pytest.raises(ActionError):
            env.step(wrong)
    assert_equal([env.step(action)[0] for action in actions], expected[1:])


def test_rendering_shows_the_picture_in_three_channels(env_id, settings):
    env = make(env_id, {**settings, "render_mode": "rgb_array"})
    vector = make_vec(env_id, settings, 2, render_mode="rgb_array")
    env.reset()
    vector.reset()
    actions = programs(env, 1)[0]
    env.step(actions[0])
    vector.step(np.stack([actions[0]] * 2))
    picture = env.render()
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    for frame in vector.render():
        np.testing.assert_array_equal(frame, picture)
    assert make(env_id, settings).render() is None


def test_every_episode_is_a_program_that_replays_to_the_same_pixels(env_id, settings):
    env, vector = make(env_id, settings), make_vec(env_id, settings, 2)
    actions = programs(env, 2)
    episodes = [play(env, actions[index]) for index in range(2)]
    play(vector, actions.swapaxes(0, 1))
    np.testing.assert_array_equal(env.program().replay(), episodes[1][-1]["canvas"])
    for index in range(2):
        frames = list(vector.program(index).frames())
        np.testing.assert_array_equal(frames, [step["canvas"] for step in episodes[index]])
