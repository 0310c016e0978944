"""A rollout: N environments that step together, one agent that is asked once for all of them.

It is the actor of IMPALA (Espeholt et al., 2018), which acts with the newest weights that it can get and records with
what probability it did, so that the learner can correct for the lag. Where an unroll is shorter than an episode, the
next one goes on where it ended. It knows nothing of Ray: a process of its own or the same one as the learner's may call
it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
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
from actors.ongoing import Ongoing, reset, state_array
from actors.recorder import Recorder
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
from spiral.smooth import smoothed
from spiral.state import load_network, under_prefix, with_prefix
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
    """Plays batches of episodes.

    Args:
        config: the run's settings.
        weights: where the newest weights of `agent` are.
        targets: the pictures to copy, uint8 [N, H, W, C]; an unconditional agent only sees others copy them, if at all.
        seed: of noise, targets and decisions; each of several rollouts takes another.
        batch_size: episodes in a trajectory, B.
        num_threads: on how many threads the canvases are painted.
        broadcast: shows some of the episodes while they are painted; None shows nothing.

    Raises:
        ConfigError: an episode does not divide into the unrolls that the settings ask for.
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
        self.unroll_length = config.policy.unrolled(self.length)
        self._ongoing: Ongoing | None = None
        self.device = resolve_device(config.device)
        self.agent = Agent(self.spec, self.canvas_shape, config.agent).to(self.device).eval()
        self.precision = precision_of_agent(config.precision, self.device, self.agent)
        self.broadcast = broadcast
        self.version = -1
        self.rng = np.random.default_rng((seed, 3))
        self.generator = torch.Generator(self.device).manual_seed(seed)
        if config.data.begun:
            self._empty: NDArray[np.uint8] = self.environments.reset()[0]["canvas"][0]

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
        """The next unroll of a batch of episodes, played with the newest weights.

        Where the last ones are over new ones begin, for targets drawn at random.
        """
        self.fetch_agent()
        if self._ongoing is None or self._ongoing.programs is not None:
            targets = None if self.targets is None else self.draw(self.targets)
            starts, levels = self.begun(targets)
            views = self._views(targets)
            self._begin(self.draw_noise(levels), targets, views, starts)
        return self.unroll()

    def paint(self, targets: NDArray[np.uint8] | None, temperature: float) -> Iterator[Trajectory]:
        """One batch of whole episodes for the given targets [B, H, W, C] or None, unroll after unroll.

        The temperature is that of the agent's choices.
        """
        self.fetch_agent()
        self._begin(self.draw_noise(), targets)
        while self._ongoing is not None:
            yield self.unroll(temperature)

    @property
    def paints_programs(self) -> bool:
        """Whether the episodes that have begun and are not over are of given programs."""
        return self._ongoing is not None and self._ongoing.programs is not None

    def begin_programs(
        self,
        programs: NDArray[np.int64],
        targets: NDArray[np.uint8] | None = None,
        starts: NDArray[np.uint8] | None = None,
        levels: NDArray[np.int64] | None = None,
    ) -> None:
        """Begin a batch of the given programs [B, T, heads], each with its own final render as target if none is given.

        They are painted on the canvases `starts`, or on empty ones, and belong to these levels of a painting.
        """
        if targets is None and self.unroll_length < self.length:
            targets = self._renders(programs, starts)
        noise = self.draw_noise(levels)
        self._begin(noise, targets, self._views(targets), starts, programs)

    @torch.inference_mode()
    def unroll(self, temperature: float = 1.0) -> Trajectory:
        """The next unroll of the episodes that have begun; of programs the log-probabilities are zero: nobody chose."""
        episodes = self._ongoing
        assert episodes is not None, "they have begun"
        version = self.version if episodes.programs is None else -1
        shape, spec = self.canvas_shape, self.spec
        recorder = Recorder(self.unroll_length, self.batch_size, shape, spec, episodes.time, self.length)
        recorder.start(*episodes.said)
        previous, state = episodes.previous, state_array(episodes.state)
        views = episodes.targets if episodes.views is None else episodes.views
        target, noise = None if views is None else self.tensor(views), self.tensor(episodes.noise)
        for step in range(self.unroll_length):
            canvas, mask = self.tensor(recorder.canvases[step]), self.tensor(recorder.action_masks[step])
            seen = Observation(canvas, target, self.tensor(episodes.previous), mask, noise)
            actions, log_probs = self._choose(episodes, seen, temperature)
            answer = self.environments.step(actions)
            recorder.record(actions, log_probs, answer)
            episodes.add(actions, answer)
            if episodes.programs is None:
                self._show(recorder, episodes.targets, version)
        if episodes.programs is not None:
            if episodes.targets is None:
                episodes.targets = recorder.canvases[-1]
                episodes.views = self._views(episodes.targets)
            self._show(recorder, episodes.targets, version)  # not earlier, since what is painted may be the target
        if episodes.time == self.length:
            self._ongoing = None
        return recorder.trajectory(version, previous, state, episodes.noise, episodes.targets, episodes.views)

    @torch.inference_mode()
    def decide(self, seen: Observation, state: State, temperature: float) -> Decision:
        """The agent's next command on each canvas."""
        with autocast(self.device, self.precision.name):
            return self.agent.act(seen, state, self.generator, temperature)

    def state(self) -> Arrays:
        """The random states, and the episodes that are not over, for a checkpoint."""
        own = {"rng": generator_array(self.rng), "generator": self.generator.get_state().numpy().copy()}
        if self._ongoing is not None:
            own |= with_prefix("ongoing", self._ongoing.arrays())
        return own

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave; the episodes of a rollout with more of them or fewer are not gone on with."""
        load_generator(self.rng, arrays["rng"])
        self.generator.set_state(torch.from_numpy(arrays["generator"].astype(np.uint8)))
        ongoing = under_prefix("ongoing", arrays)
        fits = bool(ongoing) and len(ongoing["noise"]) == self.batch_size
        self._ongoing = Ongoing.restored(ongoing, self.environments, self.device) if fits else None

    def close(self) -> None:
        """Give back the canvases."""
        self.environments.close()

    def _begin(
        self,
        noise: NDArray[np.float32],
        targets: NDArray[np.uint8] | None,
        views: NDArray[np.uint8] | None = None,
        starts: NDArray[np.uint8] | None = None,
        programs: NDArray[np.int64] | None = None,
    ) -> None:
        """A new batch of episodes, in place of one that is not over."""
        said, state = reset(self.environments, starts), self.agent.lstm.initial_state(self.batch_size)
        self._ongoing = Ongoing(said, state, noise, targets, views, starts, programs)
        if self.broadcast is not None:
            self.broadcast.begin(self.batch_size)

    def _renders(self, programs: NDArray[np.int64], starts: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """What the programs paint in the end."""
        observation, _ = reset(self.environments, starts)
        for step in range(self.length):
            observation, *_ = self.environments.step(programs[:, step])
        renders: NDArray[np.uint8] = observation["canvas"]
        return renders

    def _choose(
        self, episodes: Ongoing, seen: Observation, temperature: float
    ) -> tuple[NDArray[np.int64], NDArray[np.floating[Any]]]:
        """The next commands, and with which log-probabilities the agent chose them."""
        if episodes.programs is None:
            decision = self.decide(seen, episodes.state, temperature)
            episodes.state = decision.state
            return decision.actions.cpu().numpy(), decision.log_prob.cpu().numpy()
        if self.unroll_length < self.length:  # there is a next unroll that begins with what the agent remembers
            with autocast(self.device, self.precision.name):
                _, _, episodes.state = self.agent.look(seen, episodes.state)
        return episodes.programs[:, episodes.time], np.zeros(self.batch_size)

    def _show(self, recorder: Recorder, targets: NDArray[np.uint8] | None, version: int) -> None:
        if self.broadcast is not None:
            self.broadcast.follow(recorder, targets, version)

    def _views(self, targets: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        views = targets
        for change, wanted in ((smoothed, self.config.data.smooth), (varied, self.config.data.varied)):
            if views is not None and wanted and self.config.agent.conditional:
                views = change(views, self.rng)
        return None if views is targets else views

    def draw(self, targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Of these targets one for each episode, at random."""
        return targets[self.rng.integers(len(targets), size=self.batch_size)]

    def begun(self, targets: NDArray[np.uint8] | None) -> tuple[NDArray[np.uint8] | None, NDArray[np.int64] | None]:
        """The canvases to begin on and their levels, where the run asks for such."""
        if targets is None or not self.config.data.begun:
            return None, None
        return begun(targets, self._empty, self.rng)

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
