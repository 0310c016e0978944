"""Rollout workers on Ray: each a process that plays its share of a batch of episodes, replaced when it dies.

RLlib's fault-tolerant actor manager keeps the books: which workers are well, and what they were asked for. A worker
sends final renders to the replay itself and leaves the trajectory in Ray's object store, from where the policy learner
takes it, so that the process that directs the run never holds one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from ray.exceptions import RayTaskError

from actors.actor import Actor
from actors.broadcast import Broadcast
from actors.play import PlayKind
from spiral.config import RunConfig
from spiral.contracts import Arrays, Replay, SampledRenders, WeightsError, WeightStore
from spiral.memory import keep_memory
from spiral.precision import Precision

REVIVAL_INTERVAL_S = 1.0
REVIVAL_PATIENCE_S = 120.0
AWAIT_WEIGHTS_S = 0.2  # before a worker without weights asks again


class PoolError(RuntimeError):
    """No rollout worker could be started or brought back."""


@dataclass(frozen=True)
class Played:
    """A share of a batch of unrolls in the object store.

    Attributes:
        kind: what is to be done with it: `cloning`, `warm-up`, `learning` or `expert`.
        trajectory: a reference to it.
        frames: how many actions it holds.
        ended: the share of its episodes that end with it.
        seconds: how long it took.
        refused: how many malformed values were met in the replay meanwhile.
        searched: how many commands a search painted for it.
        metrics: what was measured of the search.
    """

    kind: PlayKind
    trajectory: Any
    frames: int
    ended: float
    seconds: float
    refused: int = 0
    searched: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


class RolloutWorker:
    """An actor in a process of its own, which plays after `begin`.

    Args:
        config: the run's settings.
        episodes: how many it plays at a time: its share of a batch.
        make_replay: connects to the replay; None where no reward learns.
        make_broadcast: connects to the live feed.
        seed_of: gives the seed from the version of the weights that the worker begins with.
        num_threads: for the networks, and for the canvases.
        brush_fingerprint: of the brush that the run paints with; None is any.
    """

    def __init__(
        self,
        config: RunConfig,
        episodes: int,
        make_replay: Callable[[], Replay] | None,
        make_broadcast: Callable[[], Broadcast],
        seed_of: Callable[[int], int],
        num_threads: int,
        brush_fingerprint: str | None = None,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        self.config = config
        self.episodes = episodes
        self.replay = make_replay() if make_replay is not None else None
        self.broadcast = make_broadcast()
        self.seed_of = seed_of
        self.num_threads = num_threads
        self.brush_fingerprint = brush_fingerprint
        self.actor: Actor | None = None

    def begin(self, targets: NDArray[np.uint8], weights: WeightStore) -> None:
        """Make the environments and the agent, unless they are there.

        Args:
            targets: the pictures that the agent may copy.
            weights: where its newest weights are.

        Raises:
            OtherBrushError: this machine has other brushes.
        """
        if self.actor is not None:
            return
        # A worker that was replaced must not play its first episodes again.
        seed = self.seed_of(max(0, weights.version("agent")))
        actor = Actor(self.config, weights, targets, seed, self.episodes, self.num_threads, self.broadcast)
        actor.rollout.require_brush(self.brush_fingerprint)
        self.actor = actor

    def apply(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `func` gives for this worker; the actor manager calls everything through this."""
        return func(self, *args, **kwargs)

    def ping(self) -> str:
        """An answer, as a sign of life."""
        return "pong"

    def precision(self) -> Precision | None:
        """What the agent computes with on this machine, once the worker has begun."""
        return None if self.actor is None else self.actor.rollout.precision

    def play(self, kind: str) -> Played | None:
        """One share of a batch for a phase of this kind, its final renders added to the replay if they are the agent's.

        None when there is nothing to play with: the worker was replaced and has not begun, or finds no weights.
        """
        if self.actor is None:
            return None
        start = time.perf_counter()
        try:
            play = self.actor.play(kind)
        except WeightsError:
            time.sleep(AWAIT_WEIGHTS_S)
            return None
        trajectory = play.trajectory
        if play.acted and self.replay is not None:
            self.replay.add(trajectory.final_renders)
        reference = ray.put(trajectory)
        frames, ended = trajectory.frames, float(trajectory.ended.mean())
        seconds = time.perf_counter() - start
        refused = take_refused(self.replay)
        return Played(play.kind, reference, frames, ended, seconds, refused, play.searched, play.metrics)

    def state(self) -> Arrays:
        """The random states, once it has begun."""
        return {} if self.actor is None else self.actor.state()

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what `state` gave."""
        if self.actor is not None:
            self.actor.load_state(arrays)


class RolloutPool:
    """The rollout workers of a run, each with one request at a time.

    Args:
        workers: Ray handles of `RolloutWorker`.
        targets: a reference to the pictures that they begin with.
        weights: where the newest weights are. Neither is an argument of their constructor, because Ray may lose what
            that refers to when it restarts an actor on another machine (ray-project/ray#53727).

    Attributes:
        refused: how many malformed values the workers have met in the replay.
    """

    def __init__(self, workers: Sequence[Any], targets: Any, weights: WeightStore) -> None:
        # Importing RLlib takes seconds, which the workers, who import this file too, can do without.
        from ray.rllib.utils.actor_manager import FaultTolerantActorManager

        # It logs the whole traceback of every error; we raise those of our own, and Ray mends the others.
        logging.getLogger("ray.rllib.utils.actor_manager").setLevel(logging.CRITICAL)
        self._manager: Any = FaultTolerantActorManager(list(workers), max_remote_requests_in_flight_per_actor=1)
        self._beginning = {"targets": targets, "weights": weights}
        self.refused = 0
        self._begin(self._manager.actor_ids())
        self._next_revival = 0.0
        self._last_sign_of_life = time.monotonic()

    @property
    def restarts(self) -> int:
        """How many workers were brought back after they had died."""
        return int(self._manager.total_num_restarts())

    @property
    def busy(self) -> int:
        """How many requests are not answered yet."""
        return int(self._manager.num_outstanding_async_reqs())

    def request(self, kind: str) -> bool:
        """Whether an idle worker was there to be asked for its share of a batch."""
        waiting = {actor for _, actor in self._manager._in_flight_req_to_actor_id.values()}
        idle = [actor for actor in self._manager.healthy_actor_ids() if actor not in waiting]
        if not idle:
            return False
        return bool(
            self._manager.foreach_actor_async("play", tag=kind, kwargs={"kind": kind}, remote_actor_ids=idle[:1])
        )

    def pending(self) -> list[Any]:
        """References that become ready when a worker answers, for `ray.wait`."""
        # The manager itself can wait for all of its requests only, not for the first.
        return list(self._manager._in_flight_req_to_actor_id)

    def take(self) -> list[Played]:
        """The shares that are ready; workers that died are left out until they are back.

        Raises:
            PoolError: no worker is left.
        """
        played, idle = [], []
        for answer in self._manager.fetch_ready_async_reqs(timeout_seconds=0.0):
            if not answer.ok:
                _raise_if_ours(answer.get())
            elif answer.get() is None:
                idle.append(answer.actor_id)
            else:
                played.append(answer.get())
        self.refused += sum(batch.refused for batch in played)
        self._begin(idle)
        self._revive()
        return played

    def precisions(self) -> list[Precision]:
        """What the workers that are well compute with, each on its machine."""
        answers = self._manager.foreach_actor("precision").ignore_errors()
        return [answer.get() for answer in answers if answer.get() is not None]

    def states(self) -> list[Arrays]:
        """The random states of all workers that are well and have begun."""
        answers = self._manager.foreach_actor("state").ignore_errors()
        return [answer.get() for answer in answers if answer.get()]

    def load_states(self, states: Sequence[Arrays]) -> None:
        """Give the workers the random states that `states` gave; where there are fewer, the rest keep their own."""
        pairs = list(zip(self._manager.healthy_actor_ids(), states, strict=False))
        if pairs:
            self._manager.foreach_actor(
                ["load_state"] * len(pairs),
                kwargs=[{"arrays": state} for _, state in pairs],
                remote_actor_ids=[actor for actor, _ in pairs],
            )

    def close(self) -> None:
        """End the workers."""
        self._manager.clear()

    def _begin(self, workers: list[int]) -> None:
        if not workers:
            return
        for answer in self._manager.foreach_actor("begin", kwargs=self._beginning, remote_actor_ids=workers):
            if not answer.ok:
                _raise_if_ours(answer.get())

    def _revive(self) -> None:
        now = time.monotonic()
        if self._manager.num_healthy_actors():
            self._last_sign_of_life = now
        if self._manager.num_healthy_actors() == self._manager.num_actors() or now < self._next_revival:
            return
        self._next_revival = now + REVIVAL_INTERVAL_S
        self._begin(self._manager.probe_unhealthy_actors(timeout_seconds=0.1, mark_healthy=True))
        if now > self._last_sign_of_life + REVIVAL_PATIENCE_S:
            raise PoolError(
                f"all {self._manager.num_actors()} rollout workers died and none came back within "
                f"{REVIVAL_PATIENCE_S:.0f} s; is there enough memory? Go on with --resume from the last checkpoint"
            )


def take_refused(replay: SampledRenders | None) -> int:
    """How many malformed values this process has met in the replay since this was last asked."""
    if replay is None:
        return 0
    refused, replay.refused = replay.refused, 0
    return refused


def _raise_if_ours(error: Exception) -> None:
    """Raises what went wrong inside a worker; the death of one is Ray's to mend."""
    if isinstance(error, RayTaskError):
        raise error.cause if isinstance(error.cause, Exception) else error
