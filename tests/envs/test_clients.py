"""What other people's code asks of an environment: that of Gymnasium, of Stable-Baselines3, and by keywords."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import vector as vector_wrappers

import envs
from envs.paint import Paint, PaintVector
from envs.scenes import Scenes, ScenesV1, ScenesV1Vector, ScenesVector
from envs.settings import SettingsError, UnknownSetting

IDS = [envs.PAINT_ID, envs.SCENES_V1_ID]
both = pytest.mark.parametrize("env_id", IDS)
LENGTH = 3


def make(env_id: str, **settings: Any) -> Any:
    return gymnasium.make(env_id, episode_length=LENGTH, render_mode="rgb_array", **settings)


def canvas_only(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The canvas as the whole observation, for wrappers and policies that take one picture."""
    space: Any = env.observation_space
    return wrappers.TransformObservation(env, itemgetter("canvas"), space["canvas"])


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "FlattenObservation": wrappers.FlattenObservation,
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
    "TimeLimit": partial(wrappers.TimeLimit, max_episode_steps=2),
    "FrameStackObservation": partial(wrappers.FrameStackObservation, stack_size=2),
    "DelayObservation": partial(wrappers.DelayObservation, delay=1),
    "FilterObservation": partial(wrappers.FilterObservation, filter_keys=["canvas", "step"]),
    "AddRenderObservation": partial(wrappers.AddRenderObservation, render_only=False),
    "StickyAction": partial(wrappers.StickyAction, repeat_action_probability=0.5),
    "NormalizeReward": wrappers.NormalizeReward,
    "canvas, GrayscaleObservation": lambda env: wrappers.GrayscaleObservation(canvas_only(env)),
    "canvas, RescaleObservation": lambda env: wrappers.RescaleObservation(
        canvas_only(env), np.float32(0), np.float32(1)
    ),
    "canvas, FrameStackObservation": lambda env: wrappers.FrameStackObservation(canvas_only(env), 4),
    "PassiveEnvChecker": lambda env: wrappers.PassiveEnvChecker(env.unwrapped),
    "Autoreset": wrappers.Autoreset,
}


@both
@pytest.mark.parametrize("wrapper", list(WRAPPERS))
def test_gymnasiums_wrappers_show_what_their_spaces_promise(env_id, wrapper):
    env = WRAPPERS[wrapper](make(env_id))
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    ended = truncated = False
    while not ended:
        assert observation in env.observation_space
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        ended = terminated or truncated
    assert observation in env.observation_space
    assert truncated == (wrapper == "TimeLimit")
    assert "episode" in info or wrapper != "RecordEpisodeStatistics"
    env.close()


@both
def test_the_frames_of_a_film_are_collected(env_id):
    """As `RecordVideo` collects them, too, which needs a package of 70 MB to write them down."""
    env: Any = wrappers.RenderCollection(make(env_id))
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(LENGTH):
        env.step(env.action_space.sample())
    frames = env.render()
    assert len(frames) == LENGTH + 1
    assert {(frame.dtype, frame.shape[-1]) for frame in frames} == {(np.dtype(np.uint8), 3)}
    env.close()


@both
@pytest.mark.parametrize("mode", ["sync", "async", "vector_entry_point"])
def test_each_way_of_gymnasium_to_make_a_vector_form_gives_the_same_pixels(env_id, mode):
    how = (
        {"context": "spawn"} if mode == "async" else {}
    )  # a fork of the process of all tests would inherit Ray's threads
    vector = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=mode, vector_kwargs=how, episode_length=LENGTH)
    single = gymnasium.make(env_id, episode_length=LENGTH)
    vector.action_space.seed(1)
    vector.reset(seed=0)
    actions = [vector.action_space.sample() for _ in range(LENGTH)]
    steps = [vector.step(action) for action in actions]
    single.reset()
    for action, (observation, _, terminated, *_) in zip(actions, steps, strict=True):
        alone, _, ended, *_ = single.step(action[1])
        for name, value in alone.items():
            np.testing.assert_array_equal(observation[name][1], value)
        assert terminated.tolist() == [ended, ended]
    assert vector.step(actions[0])[0]["step"].tolist() == [[0], [0]]
    vector.close()


@both
def test_gymnasiums_vector_wrappers_take_our_vector_form(env_id):
    vector: Any = gymnasium.make_vec(env_id, num_envs=2, episode_length=LENGTH)
    vector = vector_wrappers.FlattenObservation(vector_wrappers.RecordEpisodeStatistics(vector))
    vector.action_space.seed(0)
    vector.reset(seed=0)
    for _ in range(LENGTH):
        observation, *_, info = vector.step(vector.action_space.sample())
        assert observation in vector.observation_space
    assert info["episode"]["l"].tolist() == [LENGTH] * 2


@pytest.mark.parametrize("form", [SyncVectorEnv, partial(AsyncVectorEnv, context="spawn")], ids=["sync", "async"])
def test_wrapped_environments_are_made_into_a_vector_form(form):
    vector = form([lambda: wrappers.FlattenObservation(make(envs.PAINT_ID, canvas_size=16))] * 2)
    vector.action_space.seed(0)
    assert vector.reset(seed=0)[0].shape == (2, 16 * 16 * 3 + 1 + 8)
    assert vector.step(vector.action_space.sample())[0] in vector.observation_space
    vector.close()


@both
@pytest.mark.parametrize("settings", [{}, {"canvas_size": 40}])
def test_stable_baselines3_finds_no_fault(env_id, settings):
    """Its checker warns, and warnings are errors here; `canvas_size` below 36 it would warn of."""
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    check_for_sb3(make(env_id, **settings).unwrapped)
    check_env(make(env_id, **settings).unwrapped)


IN_PROCESSES = f"""
import envs
from stable_baselines3 import A2C
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv

for env_id in {IDS}:
    vector = make_vec_env(
        env_id,
        2,
        seed=0,
        env_kwargs={{"episode_length": {LENGTH}}},
        vec_env_cls=SubprocVecEnv,
        vec_env_kwargs={{"start_method": "fork"}},
    )
    print(A2C("MultiInputPolicy", vector, n_steps=4, seed=0, device="cpu").learn(8).num_timesteps)
    vector.close()
"""


def test_stable_baselines3_trains_in_processes_of_its_own(tmp_path):
    assert run(IN_PROCESSES, tmp_path).split() == ["8", "8"]


@pytest.mark.parametrize(
    "make",
    [
        partial(gymnasium.make, envs.PAINT_ID),
        partial(gymnasium.make_vec, envs.PAINT_ID, 2),
        partial(gymnasium.make_vec, envs.SCENES_ID, 2, vectorization_mode="sync"),
        *(Paint, PaintVector, Scenes, ScenesVector, ScenesV1, ScenesV1Vector),
    ],
)
def test_an_unknown_keyword_is_a_type_error_in_pythons_words(make):
    with pytest.raises(
        TypeError, match="unexpected keyword argument 'frameskip'; the settings are canvas_size"
    ) as caught:
        make(frameskip=4)
    assert isinstance(caught.value, UnknownSetting) and isinstance(caught.value, ValueError)
    with pytest.raises(SettingsError, match="canvas_size is 0") as refused:
        make(canvas_size=0)
    assert not isinstance(refused.value, TypeError)


def run(code: str, folder: Path, *path: str) -> str:
    """What Python prints in a folder, with our own one behind it on the path."""
    search = "".join(f"sys.path.append({entry!r}); " for entry in (*path, str(Path(envs.__file__).parents[1])))
    command = [sys.executable, "-W", "error", "-c", f"import sys; {search}\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout.strip()


def test_nobody_needs_to_import_ours(tmp_path):
    """The module stands before the id: Gymnasium reads no entry points of packages since its release 1.0."""
    code = (
        "import gymnasium; env = gymnasium.make('envs:spiral/Paint-v0', canvas_size=16); "
        "vector = gymnasium.make_vec('envs:spiral/Paint-v0', 2, canvas_size=16); import envs; "
        "gymnasium.register_envs(envs); print(env.reset()[0]['canvas'].shape, vector.num_envs)"
    )
    assert run(code, tmp_path) == "(16, 16, 3) 2"


def test_a_specification_as_json_makes_the_environment_where_ours_was_not_imported(tmp_path):
    text = gymnasium.make(envs.PAINT_ID, canvas_size=16, brush_sizes=[1, 2]).spec.to_json()  # type: ignore[union-attr]
    code = (
        "import gymnasium; from gymnasium.envs.registration import EnvSpec; "
        f"print(gymnasium.make(EnvSpec.from_json({text!r})).unwrapped.settings.brush_sizes)"
    )
    assert run(code, tmp_path) == "(1, 2)"


def test_another_package_called_envs_does_not_disturb_gymnasium(tmp_path):
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    assert run("import gymnasium; print(gymnasium.make('CartPole-v1').spec.id)", tmp_path) == "CartPole-v1"
