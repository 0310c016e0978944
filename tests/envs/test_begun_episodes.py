"""Episodes that begin on a given picture."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs import PAINT_ID, SCENES_ID
from envs.program import ProgramError
from envs.settings import SettingsError

SETTINGS: dict[str, Any] = {"canvas_size": 32, "brush": "deevad/brush", "brush_sizes": (2, 4), "episode_length": 4}


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("render_size", [None, 64])
def test_one_canvas_and_many_begin_alike(render_size):
    start = picture(3, 32, 32, 3)
    many: Any = gymnasium.make_vec(PAINT_ID, num_envs=3, render_size=render_size, **SETTINGS)
    seen, _ = many.reset(options={"canvas": start})
    np.testing.assert_array_equal(seen["canvas"], start)
    actions = np.random.default_rng(2).integers(0, many.single_action_space.nvec, (4, 3, 8))
    many_frames = [many.step(step)[0]["canvas"] for step in actions]
    for number in range(3):
        one: Any = gymnasium.make(PAINT_ID, render_size=render_size, **SETTINGS)
        seen, _ = one.reset(options={"canvas": start[number]})
        np.testing.assert_array_equal(seen["canvas"], start[number])
        for step, frames in zip(actions, many_frames, strict=True):
            np.testing.assert_array_equal(one.step(step[number])[0]["canvas"], frames[number])


def test_the_next_episode_begins_empty():
    env: Any = gymnasium.make_vec(PAINT_ID, num_envs=2, **SETTINGS)
    env.reset(options={"canvas": picture(2, 32, 32, 3)})
    for _ in range(4):
        env.step(np.zeros((2, 8), np.int64))
    after, *_ = env.step(np.zeros((2, 8), np.int64))
    assert (after["canvas"] == 255).all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_began_on_the_same_picture(copied):
    env: Any = gymnasium.make(PAINT_ID, **SETTINGS).unwrapped
    env.reset(options={"canvas": picture(32, 32, 3)})
    stroke = np.array([40, 500, 1, 9, 1, 3, 9, 19])
    env.step(stroke)
    other = copied(env)
    move = np.array([0, 900, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(other.step(move)[0]["canvas"], env.step(move)[0]["canvas"])


def test_it_has_no_program():
    env: Any = gymnasium.make(PAINT_ID, **SETTINGS).unwrapped
    env.reset(options={"canvas": picture(32, 32, 3)})
    with pytest.raises(ProgramError, match="began on a picture"):
        env.program()
    env.reset()
    assert len(env.program().actions) == 0


def test_only_a_picture_of_the_canvas_is_taken():
    env: Any = gymnasium.make(PAINT_ID, **SETTINGS)
    for wrong in (picture(32, 32, 1), picture(16, 16, 3), picture(32, 32, 3).astype(float)):
        with pytest.raises(SettingsError, match=r"the canvas to begin on is .* give uint8 \[1, 32, 32, 3\]"):
            env.reset(options={"canvas": wrong})


def test_scenes_begin_empty_alone():
    pytest.importorskip("mujoco")
    env: Any = gymnasium.make(SCENES_ID, canvas_size=16)
    start, _ = env.reset()
    with pytest.raises(SettingsError, match="empty canvases alone"):
        env.reset(options={"canvas": start["canvas"]})
    env.close()
