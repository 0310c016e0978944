"""The task of the examples tells an agent all that it needs, and measures it by digits that it did not see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from examples.copying import SMALL, TASKS, Copies, digits, summary
from examples.eyes import Eyes, Painter, tensors

HEADS = [head.name for head in SMALL.settings.action_spec.heads]


def test_an_episode_shows_the_target_and_the_last_action_and_pays_for_ink_in_the_right_place():
    target = np.full((1, 32, 32, 1), 255, np.uint8)
    target[:, 15:18, 4:28] = 0
    env = SMALL.environment(target)
    observation, _ = env.reset(seed=0)
    assert not observation["action"].any()
    move, line = np.zeros((2, len(HEADS)), np.int64)
    move[HEADS.index("end")] = 16 * 32 + 4
    line[[HEADS.index(name) for name in ("control", "end", "flag", "pressure", "size")]] = 528, 539, 1, 9, 3
    assert env.step(move)[1] == 0.0
    observation, reward, *_ = env.step(line)
    np.testing.assert_array_equal(observation["action"], line)
    assert float(reward) > 0.0 and env.observation_space.contains(observation)
    env.close()  # type: ignore[no-untyped-call]


def move_only(observation: dict[str, np.ndarray]) -> np.ndarray:
    return np.zeros((len(observation["step"]), len(HEADS)), np.int64)


def test_who_never_paints_has_the_error_of_an_empty_canvas(tmp_path):
    copies = SMALL.copy_held_out(move_only, count=3)
    np.testing.assert_array_equal(copies.targets, digits("test", SMALL)[:3])
    assert (copies.renders == 255).all() and copies.error_ratio == 1.0
    assert summary("Nobody", 2_000, 4.0, copies) == (
        "Nobody: 2,000 frames in 4.0 s, 500 frames/s; error on 3 held-out digits 1.000 of an empty canvas's"
    )
    copies.save(tmp_path / "sheets" / "copies.png")
    with Image.open(tmp_path / "sheets" / "copies.png") as sheet:
        assert sheet.width > 3 * 32


def test_a_perfect_copy_has_no_error():
    assert Copies(digits("test", SMALL)[:2], digits("test", SMALL)[:2]).error_ratio == 0.0


@pytest.mark.parametrize("changed", ["pictures", "action", "action_mask", "step"])
def test_the_eyes_see_all_that_is_observed(changed):
    torch.manual_seed(0)
    eyes = Eyes()
    seen = {
        "pictures": torch.rand(2, 2, 32, 32),
        "action": torch.ones(2, len(HEADS)),
        "action_mask": torch.ones(2, len(HEADS)),
        "step": torch.ones(2),
    }
    before = eyes(**seen)
    assert before.shape == (2, SMALL.config.agent.hidden + 1)
    assert not torch.equal(before, eyes(**seen | {changed: torch.zeros_like(seen[changed])}))


@pytest.mark.parametrize("network", TASKS)
def test_a_painter_judges_its_own_actions_as_it_drew_them(network):
    task = TASKS[network]
    env = task.environment(digits("test", task)[:1])
    observation, _ = env.reset(seed=0)
    env.close()  # type: ignore[no-untyped-call]
    assert observation["target"].shape == (task.settings.canvas_size, task.settings.canvas_size, 1)
    torch.manual_seed(0)
    painter = Painter(task)
    seen = {name: tensor[None] for name, tensor in tensors(observation).items()}
    actions, log_prob, entropy, value = painter(seen)
    again = painter(seen, actions)
    assert env.action_space.contains(actions[0].numpy())
    assert all(torch.equal(*pair) for pair in zip((actions, log_prob, entropy, value), again, strict=True))
    logs = torch.tensor(painter.choices, dtype=torch.float32).log().sum()
    assert -1.5 * logs < float(log_prob.detach()) < 0 < float(entropy.detach()) <= logs


def test_the_rewards_weigh_the_same_share_of_a_canvas_alike():
    weights = {network: task.config.rewards[0].weight for network, task in TASKS.items()}
    assert weights["small"] == pytest.approx(0.03) and weights["published"] == pytest.approx(0.03 / 4)
