"""A trajectory says how long and how wide it is, gives single episodes of itself, and is joined from shares."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spiral.trajectory import Trajectory, joined
from tests.tiny import CONDITIONAL, made_up, tiny_config

BATCH_FIRST = ("noise", "targets", "views", "versions", "previous", "first", "better")


def test_its_size_is_that_of_its_actions():
    trajectory = made_up(tiny_config(), length=5, batch=3)
    assert (trajectory.length, trajectory.batch_size, trajectory.frames) == (5, 3, 15)


def test_the_final_renders_are_the_last_canvases_with_their_targets_and_programs():
    trajectory = made_up(tiny_config(CONDITIONAL))
    np.testing.assert_array_equal(trajectory.final_renders.renders, trajectory.canvases[-1])
    np.testing.assert_array_equal(trajectory.final_renders.targets, trajectory.targets)
    np.testing.assert_array_equal(trajectory.final_renders.actions, trajectory.actions.swapaxes(0, 1))
    assert made_up(tiny_config()).final_renders.targets is None


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_every_array_of_a_selection_is_of_the_selected_episodes(changes):
    trajectory = made_up(tiny_config(changes))
    trajectory = replace(trajectory, views=trajectory.targets, versions=np.arange(7, 15), better=np.arange(8) < 3)
    episodes = np.array([5, 0, 5])
    selected = trajectory.select(episodes)
    assert (selected.batch_size, selected.length) == (3, trajectory.length)
    assert selected.versions.tolist() == [12, 7, 12]
    for field in fields(trajectory):
        whole, part = getattr(trajectory, field.name), getattr(selected, field.name)
        if isinstance(whole, np.ndarray):
            axis = 0 if field.name in BATCH_FIRST else 1
            np.testing.assert_array_equal(part, np.stack([np.take(whole, e, axis) for e in episodes], axis))
        elif isinstance(whole, dict):
            for name, count in whole.items():
                np.testing.assert_array_equal(part[name], count[:, episodes])
        else:
            assert part == whole


def test_episodes_are_followed_through_their_unrolls():
    whole = made_up(tiny_config(), batch=3)
    part = replace(whole, first=np.array([0, 4, 8]), episode_length=12)
    assert part.ended.tolist() == [False, False, True] and whole.ended.all()
    assert part.programs is None
    np.testing.assert_array_equal(whole.programs, whole.actions.swapaxes(0, 1))
    places = {step: [index.tolist() for index in part.reached(step)] for step in (0, 1, 4, 5, 8, 11, 12)}
    assert places == {
        0: [[], []],  # on the canvas after a reset
        1: [[1], [0]],
        4: [[4], [0]],
        5: [[1], [1]],
        8: [[4], [1]],
        11: [[3], [2]],
        12: [[4], [2]],
    }
    assert part.select(np.array([2, 1])).first.tolist() == [8, 4] and part.select(np.array([2])).episode_length == 12


def share(seed: int, batch: int, changes: dict[str, Any], version: int = 0) -> Trajectory:
    """What one actor played."""
    played = made_up(tiny_config(changes), seed=seed, batch=batch, version=version)
    if played.targets is None:
        return played
    return replace(played, views=255 - played.targets, better=np.arange(seed, seed + batch) % 3 == 0)


def arrays_of(trajectory: Trajectory) -> dict[str, tuple[NDArray[Any] | None, int]]:
    """Every array, or None where there is none, and the axis of its episodes."""
    found: dict[str, tuple[NDArray[Any] | None, int]] = {}
    for field in fields(trajectory):
        value = getattr(trajectory, field.name)
        if isinstance(value, dict):
            found |= {f"{field.name}/{name}": (count, 1) for name, count in value.items()}
        elif not isinstance(value, int):
            found[field.name] = value, 0 if field.name in BATCH_FIRST else 1
    return found


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_shares_are_joined_array_by_array_in_their_order(changes):
    parts = [share(seed, batch, changes, version=seed) for seed, batch in ((3, 2), (4, 5), (5, 1))]
    whole = joined(parts, 8)
    assert (whole.batch_size, whole.length) == (8, 4)
    assert whole.versions.tolist() == [3, 3, 4, 4, 4, 4, 4, 5]
    assert {name for name in arrays_of(whole) if "/" in name} == {"counts/strokes", "counts/disjoint_strokes"}
    for name, (array, axis) in arrays_of(whole).items():
        given = [arrays_of(part)[name][0] for part in parts]
        if array is None:
            assert name in ("targets", "views", "better") and given == [None] * 3
        else:
            np.testing.assert_array_equal(array, np.concatenate(given, axis))  # type: ignore[arg-type]
            assert array.dtype == given[0].dtype  # type: ignore[union-attr]
    assert (whole.targets is None) == (whole.views is None) == (not changes)


@pytest.mark.parametrize("batch_size", [1, 4, 7])
def test_of_more_episodes_than_a_batch_has_the_oldest_are_left_out(batch_size):
    whole = joined([share(seed, 4, CONDITIONAL, version=seed) for seed in (1, 2)], 8)
    newest = joined([share(seed, 4, CONDITIONAL, version=seed) for seed in (1, 2)], batch_size)
    assert newest.batch_size == batch_size
    assert newest.versions.tolist() == [1, 1, 1, 1, 2, 2, 2, 2][-batch_size:]
    for name, (array, axis) in arrays_of(newest).items():
        expected = arrays_of(whole)[name][0]
        assert array is not None and expected is not None
        np.testing.assert_array_equal(array, np.take(expected, range(8 - batch_size, 8), axis))


def test_one_share_that_is_a_batch_is_taken_as_it_is():
    played = share(0, 8, CONDITIONAL)
    assert joined([played], 8) is played
    assert joined([played], 3).final_renders.renders.tolist() == played.final_renders.renders[5:].tolist()


def test_whatever_an_environment_counts_is_joined():
    parts = [replace(share(seed, 2, {}), counts={"objects": np.full((5, 2), seed)}) for seed in (1, 2)]
    assert joined(parts, 4).counts["objects"].tolist() == [[1, 1, 2, 2]] * 5


def test_fewer_episodes_than_a_batch_has_are_refused():
    with pytest.raises(ValueError, match="5 episodes were played, but a batch has 8"):
        joined([share(0, 2, {}), share(1, 3, {})], 8)
