"""Rollouts hold whole episodes: nothing lost, nothing doubled, and judged by the learner as they were acted."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from actors.actor import Actor
from actors.evaluation import paint
from actors.rollout import Rollout, canvas_shape, make_environments
from envs.program import Program
from envs.random_programs import random_programs
from learners.weights import MemoryWeights
from spiral import data
from spiral.agent import Agent, TensorEpisodes
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.presets import preset
from spiral.presets.document import merged
from spiral.state import network_arrays
from spiral.trajectory import Trajectory
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config

COUNTING = "spiral-tests/Counting-v0"


class Counting(VectorEnv[Any, Any, Any]):
    """Counts instead of painting: pixel 0 says which episode since the start, pixel 1 which step, pixel 2 which canvas.

    Like `PaintVector`, the step after the last one would begin a new episode by itself: whoever forgets to reset, or
    steps once too often, is one episode or one step off.
    """

    metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs: int, num_threads: int, episode_length: int) -> None:
        self.num_envs = num_envs
        self.settings = SimpleNamespace(
            episode_length=episode_length,
            natural_programs=lambda count, rng: random_programs(SPEC, count, episode_length, rng),
        )
        self.action_spec = SPEC
        canvas = spaces.Box(0, 255, SHAPE, np.uint8)
        mask = spaces.MultiBinary(len(SPEC.heads))
        self.single_observation_space = spaces.Dict({"canvas": canvas, "action_mask": mask})
        self.single_action_space = spaces.MultiDiscrete(SPEC.nvec)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.episode = self.steps = 0
        self.actions: list[NDArray[np.int64]] = []

    def reset(self, **_: Any) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        self.episode, self.steps = self.episode + 1, 0
        return self._shown(np.zeros((self.num_envs, len(SPEC.heads)), np.int8))

    def step(self, actions: NDArray[np.int64]) -> tuple[Any, ...]:
        if self.steps == self.settings.episode_length:
            observation, info = self.reset()
        else:
            self.steps += 1
            self.actions.append(actions.copy())
            observation, info = self._shown(SPEC.mask(actions))
        ended = np.full(self.num_envs, self.steps == self.settings.episode_length)
        return observation, np.zeros(self.num_envs), ended, np.zeros(self.num_envs, bool), info

    def _shown(self, mask: NDArray[np.int8]) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        canvas = np.zeros((self.num_envs, 256), np.uint8)
        canvas[:, 0], canvas[:, 1], canvas[:, 2] = self.episode, self.steps, np.arange(self.num_envs)
        counts = np.full(self.num_envs, self.steps)
        info = {"strokes": counts, "disjoint_strokes": counts // 2}
        return {"canvas": canvas.reshape(-1, *SHAPE), "action_mask": mask}, info


@pytest.fixture
def counting() -> Any:
    gymnasium.register(COUNTING, vector_entry_point=lambda **keywords: Counting(**keywords))
    yield tiny_config().with_changes({"environment": {"id": COUNTING, "settings": {"episode_length": 5}}})
    del gymnasium.registry[COUNTING]


def published(config: RunConfig, version: int = 0, seed: int = 0) -> MemoryWeights:
    """A store with the weights of a fresh agent, made more decided so that what it sees matters."""
    weights = MemoryWeights()
    publish(weights, config, version, seed)
    return weights


def publish(weights: MemoryWeights, config: RunConfig, version: int, seed: int) -> Agent:
    torch.manual_seed(seed)
    agent = Agent(SPEC, SHAPE, config.agent)
    with torch.no_grad():
        for parameter in agent.parameters():
            parameter.mul_(2.0)
    weights.publish("agent", version, network_arrays(agent))
    return agent


def targets(count: int = 12) -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (count, *SHAPE), np.uint8)


def make(config: RunConfig, weights: MemoryWeights | None = None, seed: int = 0, batch: int = 6) -> Rollout:
    return Rollout(config, weights or published(config), targets(), seed, batch)


def acting(config: RunConfig, seed: int = 0, batch: int = 6) -> Actor:
    """What plays for every phase of a run."""
    return Actor(config, published(config), targets(), seed, batch)


def assert_same(first: Trajectory, second: Trajectory) -> None:
    for field in fields(first):
        np.testing.assert_equal(getattr(first, field.name), getattr(second, field.name), err_msg=field.name)


def test_every_rollout_is_one_whole_episode_that_begins_after_a_reset(counting):
    rollout = make(counting)
    environment = rollout.environments.unwrapped
    for episode in (1, 2, 3):
        trajectory = rollout.collect()
        pixels = trajectory.canvases.reshape(6, 6, 256)
        assert (pixels[:, :, 0] == episode).all(), "one episode, the next one"
        assert pixels[:, :, 1].tolist() == [[step] * 6 for step in range(6)], "T+1 canvases, from reset to the last"
        assert (pixels[:, :, 2] == np.arange(6)).all(), "each column is one canvas"
        np.testing.assert_array_equal(trajectory.actions, environment.actions[-5:])
        np.testing.assert_array_equal(trajectory.counts["strokes"][:, 0], np.arange(6))
        np.testing.assert_array_equal(trajectory.counts["disjoint_strokes"][:, 0], np.arange(6) // 2)
    assert len(environment.actions) == 15, "no step in between"


def test_a_demonstration_leaves_no_trace_in_the_next_rollout(counting):
    actor = acting(counting)
    for episode in (1, 2, 3, 4):
        trajectory = actor.play("cloning" if episode % 2 else "learning").trajectory
        assert (trajectory.canvases.reshape(6, 6, 256)[:, :, 0] == episode).all()


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("phase", ["learning", "cloning"])
def test_arrays_are_as_a_trajectory_promises(changes, phase):
    config = tiny_config(changes)
    actor = acting(config)
    trajectory = actor.play(phase).trajectory
    actor.close()
    expected = made_up(tiny_config(changes), length=4, batch=6)
    for field in fields(expected):
        wanted, given = getattr(expected, field.name), getattr(trajectory, field.name)
        if isinstance(wanted, np.ndarray):
            assert (given.shape, given.dtype) == (wanted.shape, wanted.dtype), field.name
    for name, count in expected.counts.items():
        assert (trajectory.counts[name].shape, trajectory.counts[name].dtype) == (count.shape, count.dtype), name
    assert not trajectory.action_masks[0].any() and not trajectory.counts["strokes"][0].any()
    np.testing.assert_array_equal(trajectory.action_masks[1:], SPEC.mask(trajectory.actions))
    np.testing.assert_array_equal(
        np.diff(trajectory.counts["strokes"], axis=0), trajectory.actions[..., SPEC.index("flag")]
    )
    assert (trajectory.canvases[0] == 255).all()


def test_the_last_canvas_is_the_render_of_the_actions():
    config = tiny_config()
    rollout = make(config)
    trajectory = rollout.collect()
    rollout.close()
    for episode in (0, 5):
        program = Program(config.environment.id, config.environment.settings, trajectory.actions[:, episode])
        np.testing.assert_array_equal(program.render(), trajectory.canvases[-1, episode])


SMOOTH = merged(CONDITIONAL, {"data": {"smooth": True}})


@pytest.mark.parametrize(
    "changes", [{}, CONDITIONAL, SMOOTH, {"agent": {"location_planes": True, "location_read": True}}]
)
def test_the_learner_judges_the_actions_as_they_were_acted(changes):
    config = tiny_config(changes)
    weights = MemoryWeights()
    agent = publish(weights, config, version=3, seed=1)
    rollout = make(config, weights)
    trajectory = rollout.collect()
    rollout.close()
    with torch.no_grad():
        judged = agent.unroll(TensorEpisodes.of(trajectory, torch.device("cpu")))
    np.testing.assert_allclose(judged.log_prob, trajectory.log_probs, rtol=1e-4, atol=1e-5)
    assert trajectory.versions.tolist() == [3] * 6


def test_only_newer_weights_are_fetched(monkeypatch):
    config = tiny_config()
    weights = published(config, version=2)
    fetched = []
    fetch = weights.fetch

    def spy(name: str) -> tuple[int, Arrays]:
        fetched.append(name)
        return fetch(name)

    monkeypatch.setattr(weights, "fetch", spy)
    rollout = make(config, weights)
    assert [set(rollout.collect().versions) for _ in range(3)] == [{2}] * 3
    assert fetched == ["agent"]
    newer = publish(weights, config, version=7, seed=5)
    assert set(rollout.collect().versions) == {7}
    rollout.close()
    assert fetched == ["agent", "agent"]
    for name, array in network_arrays(newer).items():
        np.testing.assert_array_equal(network_arrays(rollout.agent)[name], array)


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_the_seed_decides_the_whole_trajectory(changes):
    config = tiny_config(changes)
    actors = [acting(config, seed=seed) for seed in (1, 1, 2)]
    for phase in ("learning", "cloning", "learning"):
        first, again, other = (actor.play(phase).trajectory for actor in actors)
        assert_same(first, again)
        assert (first.actions != other.actions).any()
    for actor in actors:
        actor.close()


def test_the_number_of_threads_decides_nothing():
    config = tiny_config()
    weights = published(config)
    rollouts = [Rollout(config, weights, None, 0, 6, num_threads) for num_threads in (1, 2)]
    assert_same(*(rollout.collect() for rollout in rollouts))
    for rollout in rollouts:
        rollout.close()


def test_another_actor_goes_on_from_the_state():
    config = tiny_config(CONDITIONAL)
    actor = acting(config, seed=1)
    actor.play("learning")
    state = actor.state()
    other = acting(config, seed=2)
    other.load_state(state)
    for phase in ("learning", "cloning", "learning"):
        assert_same(actor.play(phase).trajectory, other.play(phase).trajectory)
    for each in (actor, other):
        each.close()


def test_targets_are_drawn_from_the_data_and_only_for_those_who_copy():
    config = tiny_config(CONDITIONAL)
    rollout = make(config, batch=32)
    drawn = rollout.collect().targets
    rollout.close()
    assert drawn is not None
    which = [next(i for i, target in enumerate(targets()) if np.array_equal(target, one)) for one in drawn]
    assert len(set(which)) > 6, "of 12 targets, drawn 32 times"
    rollout = make(tiny_config())
    assert rollout.collect().targets is None
    rollout.close()


@pytest.mark.parametrize("phase", ["learning", "cloning"])
def test_an_agent_may_see_smoothed_targets_but_is_judged_by_the_real_ones(phase):
    plain, smooth = (acting(tiny_config(changes), seed=1, batch=32) for changes in (CONDITIONAL, SMOOTH))
    seen, unseen = (actor.play(phase).trajectory for actor in (smooth, plain))
    for actor in (plain, smooth):
        actor.close()
    np.testing.assert_array_equal(seen.targets, unseen.targets)
    assert unseen.views is None and seen.views is not None and seen.targets is not None
    assert seen.views.shape == seen.targets.shape
    assert 16 < (seen.views != seen.targets).any(axis=(1, 2, 3)).sum() < 32, "three of four"
    np.testing.assert_array_equal(seen.final_renders.targets, seen.targets)


@pytest.mark.parametrize("phase", ["learning", "cloning"])
def test_a_third_of_the_targets_may_be_varied_but_the_real_ones_judge(phase):
    plain, some, both = (
        acting(tiny_config(merged(CONDITIONAL, {"data": data})), seed=1, batch=64)
        for data in ({}, {"varied": True}, {"varied": True, "smooth": True})
    )
    unseen, seen, seen_smooth = (actor.play(phase).trajectory for actor in (plain, some, both))
    for actor in (plain, some, both):
        actor.close()
    for trajectory in (seen, seen_smooth):
        np.testing.assert_array_equal(trajectory.targets, unseen.targets)
        np.testing.assert_array_equal(trajectory.final_renders.targets, trajectory.targets)
    assert seen.views is not None and seen_smooth.views is not None
    changed = (seen.views != seen.targets).any(axis=(1, 2, 3)).sum()
    assert 11 < changed < 32, "of 64"
    assert (seen_smooth.views != seen_smooth.targets).any(axis=(1, 2, 3)).sum() > changed + 10


def test_held_out_targets_are_seen_as_they_are():
    plain, some = (tiny_config(merged(CONDITIONAL, {"data": {"varied": on}})) for on in (False, True))
    painted = [paint(config, published(config, 0), targets(), 12, seed=2, temperature=1.0) for config in (plain, some)]
    np.testing.assert_array_equal(painted[0].actions, painted[1].actions)
    rollout = make(some)
    assert [unroll.views for unroll in rollout.paint(targets()[:6], temperature=1.0)] == [None]
    rollout.close()


def test_the_target_of_a_demonstration_is_its_own_render():
    actor = acting(tiny_config(CONDITIONAL))
    trajectory = actor.play("cloning").trajectory
    actor.close()
    assert trajectory.targets is not None and (trajectory.targets < 255).any(axis=(1, 2, 3)).all(), "each has ink"
    np.testing.assert_array_equal(trajectory.targets, trajectory.canvases[-1])


@pytest.fixture(scope="module")
def digits() -> NDArray[np.uint8]:
    return data.load("mnist5k", "train", 32)[:64]


def test_parses_are_how_the_shipped_agent_copies_real_pictures(digits):
    config = preset("mnist-small-parses")
    actor = Actor(config, MemoryWeights(), digits, seed=0, batch_size=16)
    trajectory = actor.play("cloning").trajectory
    actor.close()
    assert trajectory.targets is None and trajectory.noise.shape == (16, config.agent.noise)
    renders = trajectory.canvases[-1].astype(float)
    nearest = np.square(renders[:, None] - digits[None]).mean(axis=(2, 3, 4)).min(axis=1)
    empty = np.square(255.0 - digits).mean()
    assert nearest.mean() < 0.35 * empty, "each is a copy of some real digit"


def test_parses_depend_on_the_seed_and_go_on_from_the_state(digits):
    config = preset("mnist-small-parses")
    first, again, other = (Actor(config, MemoryWeights(), digits, seed, 4) for seed in (1, 1, 2))

    def demonstrated(actor: Actor) -> Trajectory:
        return actor.play("cloning").trajectory

    assert_same(demonstrated(first), demonstrated(again))
    assert (demonstrated(first).actions != demonstrated(other).actions).any()
    other.load_state(first.state())
    assert_same(demonstrated(first), demonstrated(other))
    for actor in (first, again, other):
        actor.close()


def test_without_temperature_the_seed_decides_nothing():
    config = tiny_config(CONDITIONAL)
    actions = []
    for seed in (1, 2):
        rollout = make(config, seed=seed)
        actions += [unroll.actions for unroll in rollout.paint(targets()[:6], temperature=0.0)]
        rollout.close()
    np.testing.assert_array_equal(actions[0], actions[1])


def test_environments_are_made_as_the_settings_say():
    environments = make_environments(tiny_config(), count=3)
    assert environments.num_envs == 3 and canvas_shape(environments) == SHAPE
    environments.close()
