"""A trajectory says how long and how wide it is, and gives single episodes of itself."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.tiny import CONDITIONAL, made_up, tiny_config

BATCH_FIRST = ("noise", "targets", "views")


def test_its_size_is_that_of_its_actions():
    trajectory = made_up(tiny_config(), length=5, batch=3)
    assert (trajectory.length, trajectory.batch_size, trajectory.frames) == (5, 3, 15)


def test_the_final_renders_are_the_last_canvases_with_their_targets():
    trajectory = made_up(tiny_config(CONDITIONAL))
    np.testing.assert_array_equal(trajectory.final_renders.renders, trajectory.canvases[-1])
    assert trajectory.final_renders.targets is trajectory.targets
    assert made_up(tiny_config()).final_renders.targets is None


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_every_array_of_a_selection_is_of_the_selected_episodes(changes):
    trajectory = made_up(tiny_config(changes), version=7)
    trajectory = replace(trajectory, views=trajectory.targets)
    episodes = np.array([5, 0, 5])
    selected = trajectory.select(episodes)
    assert (selected.version, selected.batch_size, selected.length) == (7, 3, trajectory.length)
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
