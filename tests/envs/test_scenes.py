"""Scenes are built as their actions say, and every object can be told from every other by its pixels."""

from __future__ import annotations

import itertools
import threading
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

import envs
from envs.actions import ActionError
from envs.opengl import StageError
from envs.program import Program, ProgramError
from envs.random_programs import random_programs
from envs.random_scenes import random_scenes
from envs.renderer import Renderer
from envs.scene_objects import ADD, CHANGE, COLOR_LEVELS, PLATFORM, RADII, SHAPES, SKIP, described, object_of
from envs.scene_settings import SceneSettings
from envs.scenes import ScenesVector
from envs.settings import SettingsError
from envs.stage import more_threads_pay

SPEC = SceneSettings().action_spec
MIDDLE = 8 * 16 + 8
RED = {"red": 3, "green": 0, "blue": 0}


def action(kind: int = ADD, **values: int) -> NDArray[np.int64]:
    named = {"shape": 0, "place": MIDDLE, "size": 1, **RED, "kind": kind, **values}
    return np.array([named[head.name] for head in SPEC.heads])


def make(**settings: Any) -> Any:
    return gymnasium.make(envs.SCENES_ID, **settings).unwrapped


def scene(*actions: NDArray[np.int64], **settings: Any) -> NDArray[np.uint8]:
    """The picture after the actions."""
    env = make(**settings)
    picture: NDArray[np.uint8] = env.reset()[0]["canvas"]
    for each in actions:
        picture = env.step(each)[0]["canvas"]
    env.close()
    return picture


def test_an_object_is_added_changed_and_left_alone():
    env = make()
    env.reset()
    _, *_, info = env.step(action(CHANGE))
    assert (env.objects(), info) == ([], {"objects": 0, "changes": 0}), "there is nothing to change yet"
    env.step(action(ADD, place=17, shape=1))
    env.step(action(ADD, place=MIDDLE, shape=2))
    before = env._episodes.drawn()[0]
    *_, info = env.step(action(SKIP, place=0))
    np.testing.assert_array_equal(env._episodes.drawn()[0], before)
    assert info == {"objects": 2, "changes": 0}
    *_, info = env.step(action(CHANGE, place=40, shape=3))
    assert info == {"objects": 2, "changes": 1}
    assert [(thing.shape, thing.row, thing.column) for thing in env.objects()] == [("sphere", 1, 1), ("capsule", 2, 8)]
    np.testing.assert_array_equal(env._episodes.drawn()[0], scene(action(place=17, shape=1), action(place=40, shape=3)))


def test_the_list_of_objects_reads_as_text():
    things = [object_of({"shape": 0, "place": 3 * 16 + 12, "size": 1, "red": 3, "green": 1, "blue": 0}, 16)]
    assert described(things) == "box of 0.17 m at row 3, column 12, color #ff5500\n"
    assert (things[0].x, things[0].y) == pytest.approx((0.5625, 0.5625))


def test_rows_go_away_from_the_camera_and_columns_to_the_right():
    """The middle of what an object covers moves as its row and column do."""

    def middle(place: int) -> NDArray[np.floating[Any]]:
        changed = (scene(action(place=place)) != scene()).any(axis=2)
        return np.asarray(np.argwhere(changed).mean(axis=0))

    corner, right, down = middle(0), middle(15), middle(15 * 16)
    assert right[1] > corner[1] + 30 and abs(right[0] - corner[0]) < 2
    assert down[0] > corner[0] + 30 and abs(down[1] - corner[1]) < 8


def test_the_segmentation_shows_which_object_covers_a_pixel():
    env = make()
    env.reset()
    env.step(action(place=2 * 16 + 2))
    env.step(action(place=12 * 16 + 12, shape=1, size=2))
    segments = env.segmentation()
    assert np.unique(segments).tolist() == [-1, 0, 1, 2]
    assert (segments == 2).sum() > (segments == 1).sum() > 10, "the larger one, nearer, covers more"
    picture = env._episodes.drawn()[0]
    assert (picture[segments == -1] == 0).all()
    assert (picture[segments > 0][:, 1:] == 0).all() and (picture[segments > 0][:, 0] > 80).all(), "both are red"
    np.testing.assert_array_equal(picture[segments <= 0], scene()[segments <= 0])


@pytest.mark.parametrize("place", [0, 15, MIDDLE, 15 * 16, 255], ids=["far left", "far right", "mid", "left", "right"])
def test_every_shape_and_size_can_be_told_apart_at_every_end_of_the_platform(place):
    pictures = {
        (shape, size): scene(action(place=place, shape=shape, size=size))
        for shape, size in itertools.product(range(len(SHAPES)), range(len(RADII)))
    }
    for one, other in itertools.combinations(pictures, 2):
        different = (np.abs(pictures[one].astype(int) - pictures[other]).max(axis=2) > 40).sum()
        assert different >= 5, (one, other, different)


def test_every_place_shows_another_picture_and_no_object_leaves_it():
    vector: Any = gymnasium.make_vec(envs.SCENES_ID, num_envs=256)
    vector.reset()
    largest = np.stack([action(place=place, size=2, shape=3) for place in range(256)])
    pictures = vector.step(largest)[0]["canvas"]
    assert len({picture.tobytes() for picture in pictures}) == 256
    for index in (0, 15, 240, 255):
        inside = vector.segmentation(index) == 1
        assert not inside[0].any() and not inside[-1].any(), "nothing is cut off above or below"
    vector.close()


def test_every_colour_can_be_told_apart():
    levels = range(len(COLOR_LEVELS))
    seen = {}
    for red, green, blue in itertools.product(levels, levels, levels):
        picture = scene(action(size=2, red=red, green=green, blue=blue))
        seen[red, green, blue] = picture[(picture != scene()).any(axis=2)].mean(axis=0)
    for one, other in itertools.combinations(seen, 2):
        assert np.abs(seen[one] - seen[other]).max() > 20, (one, other)


def test_a_large_picture_shows_the_same_scene():
    program = Program(envs.SCENES_ID, {}, random_scenes(SPEC, 1, 20, np.random.default_rng(0))[0])
    large = program.render(512).reshape(64, 8, 64, 8, 3).mean(axis=(1, 3))
    assert np.abs(large - program.replay()).mean() < 3
    with pytest.raises(ProgramError, match="no SVG: only paintings"):
        program.to_svg()
    with pytest.raises(ProgramError, match="from 1 to 4096"):
        program.render(5000)


def test_smooth_edges_are_means_of_a_larger_picture():
    """The closed form: each pixel is the mean of 16 of the picture that the environment with hard edges draws."""
    (actions,) = random_scenes(SPEC, 1, 5, np.random.default_rng(0), objects=(5, 5))
    hard, smooth = (Program(name, {"episode_length": 5}, actions) for name in (envs.SCENES_ID, envs.SCENES_V1_ID))
    for size in (64, 21):
        large = hard.render(4 * size).reshape(size, 4, size, 4, 3).astype(float).mean(axis=(1, 3))
        np.testing.assert_array_equal(smooth.render(size), np.floor(large + 0.5))
    assert (smooth.replay() != hard.replay()).any()
    assert [smooth.at_size(size).settings["supersampling"] for size in (1024, 1025, 4096)] == [4, 3, 1]


def test_only_edges_are_smoothed():
    env, other = make(), make(supersampling=4)
    for each in (env, other):
        each.reset()
        each.step(action(place=2 * 16 + 2))
        each.step(action(place=12 * 16 + 12, shape=1, size=2))
    segments = env.segmentation()
    np.testing.assert_array_equal(other.segmentation(), segments)
    hard, smooth = (each._episodes.drawn()[0].astype(int) for each in (env, other))
    rows, columns = np.indices(segments.shape)
    around = [segments[(rows + down) % 64, (columns + right) % 64] for down in (-1, 0, 1) for right in (-1, 0, 1)]
    inside = np.all([segment == segments for segment in around], axis=0)
    assert np.abs(hard - smooth)[inside].max() < 40 and np.abs(hard - smooth).max() > 60
    for each in (env, other):
        each.close()


def test_the_versions_differ_by_their_edges_alone():
    made: dict[str, Any] = {name: gymnasium.make(name).unwrapped for name in (envs.SCENES_ID, envs.SCENES_V1_ID)}
    old, new = (env.settings.to_json() for env in made.values())
    assert (old.pop("supersampling"), new.pop("supersampling")) == (1, 4) and old == new
    for name, env in made.items():
        env.reset()
        assert env.program().env_id == name
        env.close()
    np.testing.assert_array_equal(
        Program(envs.SCENES_V1_ID, {"supersampling": 1}, action()[None]).replay(), scene(action())
    )


def test_a_program_keeps_to_its_version_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Program(envs.SCENES_ID, {"episode_length": 1}, action()[None]).replay()
        with pytest.raises(DeprecationWarning, match="upgrading to version `v1`"):
            gymnasium.make(envs.SCENES_ID)


def test_an_environment_may_be_used_and_forgotten_in_other_threads():
    expected = scene(action())
    seen = []
    env = make()

    def use() -> None:
        nonlocal env
        env.reset()
        seen.append(env.step(action())[0]["canvas"])
        env = None

    for _ in range(2):
        env = env or make()
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    for picture in seen:
        np.testing.assert_array_equal(picture, expected)


def test_a_closed_environment_says_so():
    env = make()
    env.reset()
    env.close()
    env.close()
    with pytest.raises(StageError, match="the environment is closed"):
        env.step(action())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"grid_size": 1}, "grid_size is 1; give a whole number from 2 to 64"),
        ({"canvas_size": 5000}, "drawn at 4096 pixels at most, not at 5000"),
        ({"supersampling": 0}, "supersampling is 0; give a whole number from 1 to 16"),
        ({"supersampling": 4, "canvas_size": 1025}, "at 4100: with 1025 pixels give supersampling=3 or less, not 4"),
        ({"brush": "classic/pen"}, "unexpected keyword argument 'brush'; the settings are canvas_size, episode_length"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        make(**wrong)


@pytest.mark.parametrize("threads", [0, 257, 1.5])
def test_a_number_of_threads_that_makes_no_sense_is_refused(threads):
    with pytest.raises(SettingsError, match="num_threads is"):
        gymnasium.make_vec(envs.SCENES_ID, num_envs=2, num_threads=threads)


def test_natural_programs_have_one_object_to_the_most_that_the_settings_allow():
    settings = SceneSettings(episode_length=6, most_objects=2)
    kinds = settings.natural_programs(200, np.random.default_rng(0))[..., SPEC.index("kind")]
    assert kinds.shape == (200, 6) and set((kinds == ADD).sum(axis=1)) == {1, 2}
    assert SceneSettings(episode_length=3).natural_programs(200, np.random.default_rng(0)).shape[1] == 3
    with pytest.raises(SettingsError, match="most_objects"):
        SceneSettings(most_objects=0)


def test_random_scenes_have_the_objects_that_were_asked_for():
    actions = random_scenes(SPEC, 300, 20, np.random.default_rng(0), objects=(1, 5))
    kinds, places = actions[..., SPEC.index("kind")], actions[..., SPEC.index("place")]
    counts = (kinds == ADD).sum(axis=1)
    assert np.unique(counts).tolist() == [1, 2, 3, 4, 5]
    for program, count, where in zip(kinds, counts, places, strict=True):
        assert (program[:count] == ADD).all() and (program[count:] == SKIP).all()
        assert (np.diff(where[:count]) > 0).all(), "one row after the other"
    cells = np.stack(np.divmod(places, 16), axis=-1)
    near = [np.abs(c[:n, None] - c[None, :n]).max(axis=2) for c, n in zip(cells, counts, strict=True)]
    close = [((n < 2) & ~np.eye(len(n), dtype=bool)).any() for n in near]
    assert np.mean(close) < 0.01, "objects stand apart"
    assert PLATFORM == 1.0 and not actions[kinds == SKIP][:, : SPEC.index("kind")].any()
    with pytest.raises(ValueError, match="objects from 1 to 21 do not fit into 20 actions"):
        random_scenes(SPEC, 1, 20, np.random.default_rng(0), objects=(1, 21))


def test_whole_programs_are_drawn_at_once():
    programs = random_scenes(SPEC, 3, 6, np.random.default_rng(1), objects=(0, 4))
    programs[1, 3, SPEC.index("kind")] = CHANGE
    vector: Any = gymnasium.make_vec(envs.SCENES_ID, num_envs=3, episode_length=6).unwrapped
    drawn = vector.draw(programs)
    for index in range(3):
        np.testing.assert_array_equal(drawn[index], scene(*programs[index]))
    np.testing.assert_array_equal(vector.draw(programs[::-1])[::-1], drawn)
    with pytest.raises(ActionError, match=r"shape \(2, 6, 7\); give \[3, steps, heads\]"):
        vector.draw(programs[:2])
    vector.close()


def test_a_platform_that_nothing_changed_is_not_drawn_again(monkeypatch):
    drawn: list[int] = []
    draw = Renderer.draw

    def noting(renderer: Renderer, index: int, out: NDArray[np.uint8]) -> None:
        drawn.append(index)
        draw(renderer, index, out)

    monkeypatch.setattr(Renderer, "draw", noting)
    vector = ScenesVector(3)
    actions = random_programs(SPEC, 3, 1, np.random.default_rng(0))[:, 0]
    actions[:, SPEC.index("kind")] = (ADD, SKIP, ADD)
    vector.reset()
    drawn.clear()
    before = vector.step(actions)[0]["canvas"]
    assert drawn == [0, 2]
    vector.reset()
    np.testing.assert_array_equal(vector.step(actions)[0]["canvas"], before)
    vector.close()


def test_several_threads_draw_where_the_processor_does_and_one_where_a_gpu_does(monkeypatch):
    assert more_threads_pay()  # by Mesa's software driver, which every machine of the tests has
    pictures = []
    for pays in (True, False):
        monkeypatch.setattr("envs.builder.more_threads_pay", lambda pays=pays: pays)
        vector = ScenesVector(4, num_threads=2)
        assert len(vector._episodes._stages) == (2 if pays else 1)
        vector.reset()
        pictures.append(vector.step(random_programs(SPEC, 4, 1, np.random.default_rng(0))[:, 0])[0])
        vector.close()
    np.testing.assert_array_equal(pictures[0]["canvas"], pictures[1]["canvas"])
