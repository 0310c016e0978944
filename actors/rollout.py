"""A rollout: N environments that step together, one agent that is asked once for all of them.

It is the actor of IMPALA (Espeholt et al., 2018), which acts with the newest weights that it can get and records with
what probability it did, so that the learner can correct for the lag. It knows nothing of Ray: a process of its own or
the same one as the learner's may call it.
"""

from __future__ import annotations

import platform
from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

import envs
from actors.broadcast import Broadcast
from actors.recorder import Recorder
from actors.stroke_search import StrokeSearch
from envs.actions import ActionSpec
from envs.own import is_own, load_class
from envs.vector_form import vector_form
from spiral.agent import Agent, Decision, Observation, writable_tensor
from spiral.begun import begun
from spiral.config import RunConfig
from spiral.contracts import Arrays, WeightsError, WeightStore
from spiral.devices import autocast, resolve_device
from spiral.layers import State
from spiral.newest import load_newest
from spiral.precision import precision_of_agent
from spiral.random_state import generator_array, load_generator
from spiral.shipped import shipped_agent
from spiral.smooth import smoothed
from spiral.state import load_network
from spiral.trajectory import Trajectory
from spiral.varied import varied


class OtherBrushError(ValueError):
    """The machines of a run find different brushes by one name."""


def make_environments(config: RunConfig, count: int, num_threads: int = 1) -> VectorEnv[Any, Any, Any]:
    """`count` environments of the run as one vector environment."""
    keywords = {"num_threads": num_threads, **config.environment.settings}
    if is_own(config.environment.id):
        return vector_form(load_class(config.environment.id))(count, **keywords)
    return gymnasium.make_vec(envs.entry(config.environment.id), num_envs=count, **keywords)


def canvas_shape(environments: VectorEnv[Any, Any, Any]) -> tuple[int, int, int]:
    """Height, width and channels of the canvas that one of the environments shows."""
    observation = environments.single_observation_space
    assert isinstance(observation, spaces.Dict), "an environment of ours observes a dict with a canvas"
    height, width, channels = observation["canvas"].shape  # type: ignore[misc]
    return height, width, channels


def brush_fingerprint(environments: VectorEnv[Any, Any, Any]) -> str | None:
    """Of the brush that the environments paint with; None where there is no brush, or they tell of none."""
    fingerprint: str | None = getattr(environments.unwrapped, "brush_fingerprint", None)
    return fingerprint


class Rollout:
    """Plays batches of whole episodes.

    Args:
        config: the run's settings.
        weights: where the newest weights of `agent` are.
        targets: the pictures to copy, uint8 [N, H, W, C]; an unconditional agent only sees others copy them, if at all.
        seed: of noise, targets and decisions; each of several rollouts takes another.
        batch_size: episodes in a trajectory, B.
        num_threads: on how many threads the canvases are painted.
        broadcast: shows some of the episodes while they are painted; None shows nothing.
    """

    def __init__(
        self,
        config: RunConfig,
        weights: WeightStore,
        targets: NDArray[np.uint8] | None,
        seed: int,
        batch_size: int,
        num_threads: int = 1,
        broadcast: Broadcast | None = None,
    ) -> None:
        self.config = config
        self.weights = weights
        self.targets = targets if config.agent.conditional else None
        self.batch_size = batch_size
        self.environments = make_environments(config, batch_size, num_threads)
        self.spec: ActionSpec = self.environments.unwrapped.action_spec
        self.brush_fingerprint = brush_fingerprint(self.environments)
        self.canvas_shape = canvas_shape(self.environments)
        self.length: int = self.environments.unwrapped.settings.episode_length
        self.device = resolve_device(config.device)
        self.agent = Agent(self.spec, self.canvas_shape, config.agent).to(self.device).eval()
        self.precision = precision_of_agent(config.precision, self.device, self.agent)
        self.broadcast = broadcast
        self.version = -1
        self.rng = np.random.default_rng((seed, 3))
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.search: StrokeSearch | None = None
        searched = config.cloning.share > 0 and config.cloning.demonstrations == "search"
        if searched or config.data.begun:
            self.empty: NDArray[np.uint8] = self.environments.reset()[0]["canvas"][0]
        if searched:
            self.search = StrokeSearch(self.environments.unwrapped.settings, batch_size, num_threads)
        self.teacher: Rollout | None = None
        if config.cloning.share and config.cloning.demonstrations == "parses":
            self.teacher = Rollout(*shipped_agent("copy"), targets, seed, batch_size, num_threads)

    def require_brush(self, fingerprint: str | None) -> None:
        """Refuses to paint with another brush than the rest of the run; None is any.

        Raises:
            OtherBrushError: naming this machine.
        """
        if fingerprint not in (None, self.brush_fingerprint):
            raise OtherBrushError(
                f"{platform.node()} finds another brush called {self.environments.unwrapped.settings.brush!r} than the "
                f"machine that leads the run (fingerprint {self.brush_fingerprint} there, {fingerprint} here): install "
                "the same brushes on all machines, or name the folder that has the right one in MYPAINT_BRUSHES there"
            )

    def collect(self) -> Trajectory:
        """One batch of episodes, played with the newest weights, for targets drawn at random."""
        targets = None if self.targets is None else self._drawn(self.targets)
        starts, levels = self._begun(targets)
        return self.paint(targets, 1.0, self._views(targets), starts, levels)

    def demonstrate(self) -> Trajectory:
        """One batch to be cloned: random programs with their own renders as targets, or what a teacher painted."""
        if self.teacher is not None:
            return replace(
                self.teacher.collect(),
                noise=self.draw_noise(),
                targets=None,
                views=None,
                versions=np.full(self.batch_size, -1),
            )
        if self.search is not None and self.targets is not None:
            targets = self._drawn(self.targets)
            starts, levels = self._begun(targets)
            begin_on = np.broadcast_to(self.empty, targets.shape) if starts is None else starts
            return self.play(self.search.programs(targets, begin_on, self.rng), targets, starts, levels)
        return self.play(self.environments.unwrapped.settings.natural_programs(self.batch_size, self.rng))

    def play(
        self,
        programs: NDArray[np.int64],
        targets: NDArray[np.uint8] | None = None,
        starts: NDArray[np.uint8] | None = None,
        levels: NDArray[np.int64] | None = None,
    ) -> Trajectory:
        """One batch of the given programs [B, T, heads], each with its own final render as its target if none is given.

        The log-probabilities are zeros: nobody chose. `starts` and `levels` are as of `paint`.
        """
        recorder = self._begin(starts)
        for step in range(self.length):
            recorder.record(programs[:, step], np.zeros(self.batch_size), self.environments.step(programs[:, step]))
        targets = recorder.canvases[-1] if targets is None else targets
        self._show(recorder, targets, version=-1)  # not earlier, since what is painted may be the target
        return recorder.trajectory(self.draw_noise(levels), targets, self._views(targets), version=-1)

    @torch.inference_mode()
    def paint(
        self,
        targets: NDArray[np.uint8] | None,
        temperature: float,
        views: NDArray[np.uint8] | None = None,
        starts: NDArray[np.uint8] | None = None,
        levels: NDArray[np.int64] | None = None,
    ) -> Trajectory:
        """One batch of episodes for the given targets [B, H, W, C], which the trajectory keeps.

        Args:
            targets: what to copy, or None.
            temperature: of the agent's choices.
            views: what the agent sees in their place, if given.
            starts: the canvases [B, H, W, C] to begin on; None begins with empty ones.
            levels: of the painting to which the episodes belong [B], for an agent that is told; None is 0.
        """
        self.fetch_agent()
        noise = self.draw_noise(levels)
        recorder = self._begin(starts)
        state = self.agent.lstm.initial_state(self.batch_size)
        actions = np.zeros((self.batch_size, len(self.spec.heads)), np.int64)
        seen_target = targets if views is None else views
        target = None if seen_target is None else self.tensor(seen_target)
        noise_tensor = self.tensor(noise)
        for step in range(self.length):
            seen = Observation(
                self.tensor(recorder.canvases[step]),
                target,
                self.tensor(actions),
                self.tensor(recorder.action_masks[step]),
                noise_tensor,
            )
            decision = self.decide(seen, state, temperature)
            state = decision.state
            actions = decision.actions.cpu().numpy()
            recorder.record(actions, decision.log_prob.cpu().numpy(), self.environments.step(actions))
            self._show(recorder, targets, self.version)
        return recorder.trajectory(noise, targets, views, self.version)

    @torch.inference_mode()
    def decide(self, seen: Observation, state: State, temperature: float) -> Decision:
        """The agent's next command on each canvas."""
        with autocast(self.device, self.precision.name):
            return self.agent.act(seen, state, self.generator, temperature)

    def state(self) -> Arrays:
        """The random states, for a checkpoint."""
        own = {"rng": generator_array(self.rng), "generator": self.generator.get_state().numpy().copy()}
        if self.teacher is None:
            return own
        return own | {f"teacher/{name}": array for name, array in self.teacher.state().items()}

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        load_generator(self.rng, arrays["rng"])
        self.generator.set_state(torch.from_numpy(arrays["generator"].astype(np.uint8)))
        if self.teacher is not None:
            self.teacher.load_state({name: arrays[f"teacher/{name}"] for name in ("rng", "generator")})

    def close(self) -> None:
        """Give back the canvases."""
        self.environments.close()
        if self.teacher is not None:
            self.teacher.close()

    def _begin(self, starts: NDArray[np.uint8] | None) -> Recorder:
        recorder = Recorder(self.length, self.batch_size, self.canvas_shape, self.spec)
        recorder.start(*self.environments.reset(options=None if starts is None else {"canvas": starts}))
        if self.broadcast is not None:
            self.broadcast.begin(self.batch_size)
        return recorder

    def _show(self, recorder: Recorder, targets: NDArray[np.uint8] | None, version: int) -> None:
        if self.broadcast is not None:
            self.broadcast.follow(recorder, targets, version)

    def _views(self, targets: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        views = targets
        for change, wanted in ((smoothed, self.config.data.smooth), (varied, self.config.data.varied)):
            if views is not None and wanted and self.config.agent.conditional:
                views = change(views, self.rng)
        return None if views is targets else views

    def _drawn(self, targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return targets[self.rng.integers(len(targets), size=self.batch_size)]

    def _begun(self, targets: NDArray[np.uint8] | None) -> tuple[NDArray[np.uint8] | None, NDArray[np.int64] | None]:
        """The canvases to begin on and their levels, where the run asks for such."""
        if targets is None or not self.config.data.begun:
            return None, None
        return begun(targets, self.empty, self.rng)

    def draw_noise(self, levels: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """What the agent is told of an episode besides pictures, float32 [B, noise, and its level]."""
        noise = self.rng.standard_normal((self.batch_size, self.config.agent.noise), np.float32)
        if not self.config.agent.level:
            return noise
        told = np.zeros(self.batch_size) if levels is None else levels
        return np.concatenate((noise, told[:, None]), axis=1, dtype=np.float32)

    def tensor(self, array: NDArray[np.generic]) -> Tensor:
        """The array as a tensor where the agent is."""
        return writable_tensor(array).to(self.device)

    def fetch_agent(self) -> None:
        """Act with the newest weights from now on.

        Raises:
            WeightsError: there are none.
        """
        self.version = load_newest(partial(load_network, self.agent), self.version, self.weights, "agent")
        if self.version < 0:
            raise WeightsError("there are no weights of 'agent' to act with: publish some first")
