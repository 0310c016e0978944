"""What the composition of a run promises, whether it is Ray and Redis or one process."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from actors.broadcast import shown_shape
from actors.expert import check_expert
from actors.recorder import counts_of
from actors.rollout import brush_fingerprint, canvas_shape, make_environments
from cluster.run.brush_fingerprint import compare_brush
from cluster.run.plan import Length, Phase, Report
from envs.actions import ActionSpec
from learners.checkpoint import CheckpointError
from spiral.agent import Agent
from spiral.config import RunConfig
from spiral.contracts import Arrays, LiveFeed, WeightStore
from spiral.devices import resolve_device
from spiral.precision import Precision
from spiral.program_space import ProgramSpace
from spiral.rewards import RewardSum, learned_terms, need_whole_programs, reward_class, setting_of
from spiral.rewards.base import Context
from spiral.section import ConfigError
from spiral.shipped import shipped_agent, shipped_document

EPISODES_SHOWN_PER_S = 4.0  # by all rollouts of a run together
WARM_UP_STEPS = 30  # of each learned reward, on a batch of pictures that the agent has painted before it is paid


class Engine(Protocol):
    """Rollouts, replay, weights and both learners of one run, wired up."""

    @property
    def weights(self) -> WeightStore:
        """Where the newest weights of the agent and of the learned rewards are."""

    @property
    def feed(self) -> LiveFeed:
        """Where the run shows itself."""

    def precisions(self) -> dict[str, list[Precision]]:
        """What the processes of each part compute with: `policy`, `rollout` and, where rewards learn, `rewards`."""

    def step(self, phase: Phase) -> Report | None:
        """The next step of the policy learner, or of the rewards alone while they are warmed up.

        None when none was finished within a second or so.
        """

    def settle(self) -> list[Report]:
        """Finish what has begun, and begin nothing: after this, `state` is of one moment."""

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""

    def load_state(self, parts: dict[str, Arrays]) -> None:
        """Go on from what `state` gave."""

    def close(self) -> None:
        """Give back processes and memory."""


def inspect_environment(config: RunConfig) -> tuple[ActionSpec, tuple[int, int, int]]:
    """The action heads and the shape (H, W, C) of the canvas of the run's environment."""
    environments = make_environments(config, 1)
    try:
        return environments.unwrapped.action_spec, canvas_shape(environments)
    finally:
        environments.close()


def kept_programs(config: RunConfig) -> ProgramSpace | None:
    """Which programs the replay of a run keeps beside renders; None where no reward that learns reads them."""
    if not any(reward_class(term.name).reads_programs for term in learned_terms(config.rewards).values()):
        return None
    environments = make_environments(config, 1)
    try:
        settings = environments.unwrapped.settings
    finally:
        environments.close()
    return ProgramSpace(settings.action_spec, settings.episode_length)


def describe_run(config: RunConfig, folder: Path, length: Length) -> dict[str, Any]:
    """What the live feed says of a run in `folder` that begins now, as `cluster.run.feed.texts.Description` has it."""
    environments = make_environments(config, 1)
    try:
        settings, fingerprint = environments.unwrapped.settings, brush_fingerprint(environments)
        shape = shown_shape(canvas_shape(environments))
    finally:
        environments.close()
    return {
        "folder": str(folder.resolve()),
        "preset": config.preset,
        "begun": time.time(),
        **asdict(length),
        "environment": config.environment.id,
        "settings": settings.to_json(),
        "brush_fingerprint": fingerprint,
        "action_spec": settings.action_spec.to_json(),
        "episode_length": settings.episode_length,
        "shape": shape,
        "conditional": config.agent.conditional,
    }


def check_settings(config: RunConfig) -> None:
    """Refuses settings that no run could begin with, before anything is written or started.

    Raises:
        ConfigError: the device is not there, the layers do not fit the canvas, a reward does not exist or asks for
            what the environment does not have, an episode does not divide into unrolls, a reward reads whole programs
            or a search changes whole programs where unrolls are shorter, or the agent is to imitate one that paints
            elsewhere.
        SettingsError: the environment does not take its settings.
        EnvironmentNotFound: the environment is no class that can be imported.
    """
    if config.cloning.share and config.cloning.demonstrations == "parses":
        _check_teacher(config)
    environments = make_environments(config, 1)
    try:
        spec, shape = environments.unwrapped.action_spec, canvas_shape(environments)
        length = environments.unwrapped.settings.episode_length
        observation, info = environments.reset()
    finally:
        environments.close()
    try:
        resolve_device(config.device)
        Agent(spec, shape, config.agent)
        whole = config.policy.unrolled(length) == length
        check_expert(config, length)
        need_whole_programs(config, length)
        targets = observation["canvas"] if config.agent.conditional else None
        program = np.zeros((1, 0, len(spec.heads)), np.int64) if whole else None
        context = Context(targets, counts_of(info), program, np.zeros(1, np.int64))
        RewardSum(config.rewards, setting_of(config, shape, spec=spec)).check(observation["canvas"], context, length)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _check_teacher(config: RunConfig) -> None:
    wanted = shipped_agent("copy")[0].environment
    if config.environment != wanted:
        raise ConfigError(
            f"cloning.demonstrations=parses are painted in {wanted.id} with {wanted.settings}; "
            f"the run has {config.environment.id} with {config.environment.settings}: leave environment as it is"
        )
    compare_brush(config, shipped_document("copy"), "the shipped agent that it imitates")


def warm_up_steps(ended: float) -> int:
    """How many steps each learned reward takes on an unroll with which this share of its episodes end."""
    return math.ceil(WARM_UP_STEPS * ended)


def rollout_seed(config: RunConfig, index: int, version: int = 0) -> int:
    """The seed of one rollout: another for each worker, and for a worker that began anew at a later version."""
    return int(np.random.SeedSequence((config.seed, index, version)).generate_state(1)[0])


def take_part(parts: dict[str, Arrays], name: str) -> Arrays:
    """One part of a checkpoint.

    Raises:
        CheckpointError: there is no such part.
    """
    if name not in parts:
        raise CheckpointError(f"the checkpoint has no part {name!r}, only {', '.join(sorted(parts))}: no run left it")
    return parts[name]
