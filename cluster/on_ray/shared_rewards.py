"""Learned rewards that several runs share while they work at the same time (SPIRAL++: ten agents, one discriminator).

Their learner is one process beside the runs. Each run asks it for steps at its own pace, as it would ask a learner of
its own, and says where its replay is; the pictures for a step come from the replays of all runs alike. Its weights lie
in a store that all read.

What it has learned is in the checkpoints of all runs, and no run that goes on sets it back to its own. The process
alone takes it from there, the newest of all, when it begins, or when Ray begins it again after its death.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from actors.pool import take_refused
from cluster.on_ray.calls import wait_for
from cluster.on_ray.learners import Done, RewardWorker
from cluster.on_ray.supervisor import Supervised
from cluster.on_ray.weights import RayWeights, weights_called, weights_of_a_run
from cluster.run.engine import inspect_environment
from envs.actions import ActionSpec
from learners.replay import sample_evenly
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, Renders, Replay, WeightStore
from spiral.rewards import learned_terms

WHO = "the shared reward learner"
PICTURES = "pictures"  # real ones, in the store of weights


@dataclass(frozen=True)
class SharedRewards:
    """What a run must know of them.

    Attributes:
        process: Ray's handle of a `SharedRewardWorker`.
        weights: the store in which it publishes.
    """

    process: Any
    weights: RayWeights


@dataclass(frozen=True)
class Sharer:
    """One of the runs, as the process knows it.

    Attributes:
        number: its own among them, also when it begins anew.
        run_id: its name, which is then another.
        make_replay: connects to its replay.
    """

    number: int
    run_id: str
    make_replay: Callable[[], Replay]


class ReplaysOfAll:
    """The replays of all runs that are at work, of which a learner draws alike."""

    def __init__(self) -> None:
        self._replays: dict[int, tuple[str, Replay]] = {}

    def admit(self, sharer: Sharer) -> None:
        """Draw from the replay of this run too, in place of the one that it had before it began anew."""
        if self._replays.get(sharer.number, ("",))[0] != sharer.run_id:
            self._replays[sharer.number] = sharer.run_id, sharer.make_replay()

    def dismiss(self, sharer: Sharer) -> None:
        """Draw from the replay of this run no more."""
        if self._replays.get(sharer.number, ("",))[0] == sharer.run_id:
            del self._replays[sharer.number]

    @property
    def refused(self) -> int:
        """How many malformed values were met, since it was last set to zero."""
        return sum(replay.refused for _, replay in self._replays.values())

    @refused.setter
    def refused(self, count: int) -> None:
        assert count == 0, "what was refused is counted where it is"
        for _, replay in self._replays.values():
            take_refused(replay)

    def sample(self, count: int, rng: np.random.Generator) -> Renders:
        """`count` pictures, for each of which first a run that has painted and then one of its pictures is drawn.

        Raises:
            EmptyReplayError: no run has painted yet.
        """
        painted = [replay.sample for _, replay in self._replays.values() if replay.size]
        if not painted:
            raise EmptyReplayError("no run has painted yet: its renders come before the steps that learn from them")
        return sample_evenly(painted, count, rng)


class SharedRewardWorker(RewardWorker):
    """The process; the arguments are those of `RewardWorker`, but for the store of weights and the pictures in it.

    Ray does not promise to find again what is handed over by reference, so the process is told the name of the `store`.
    `recover` gives the newest state that any run has kept, or None.
    """

    def __init__(
        self,
        config: RunConfig,
        spec: ActionSpec,
        canvas_shape: tuple[int, int, int],
        store: str,
        num_threads: int,
        recover: Callable[[], Arrays | None],
    ) -> None:
        weights = weights_called(store)
        pictures = weights.fetch(PICTURES)[1][PICTURES].astype(np.uint8, copy=False)
        self._replays = replays = ReplaysOfAll()
        above = 1 + max(weights.version(key) for key in learned_terms(config.rewards))  # what was published before
        super().__init__(config, spec, canvas_shape, pictures, lambda: replays, weights, num_threads, recover(), above)

    def steps_for(self, sharer: Sharer, counts: dict[str, int]) -> Done:
        """What `steps` does, for one of the runs."""
        self._replays.admit(sharer)
        return self.steps(counts)

    def dismiss(self, sharer: Sharer) -> None:
        """This run has ended."""
        self._replays.dismiss(sharer)


class SharedLearner(Supervised):
    """The process as one of the runs knows it, which can neither end it nor set it back."""

    def __init__(self, process: Any, sharer: Sharer) -> None:
        super().__init__(WHO, lambda *_: process, None)
        self._sharer = sharer

    def ask(self, method: str, *arguments: Any, steps: int = 0, note: Any = None) -> None:
        """Ask for a method; steps are for this run."""
        if method == "steps":
            method, arguments = "steps_for", (self._sharer, *arguments)
        super().ask(method, *arguments, steps=steps, note=note)

    def load_state(self, arrays: Arrays) -> None:
        """Nothing: what it has learned meanwhile is newer than what a run has kept."""

    def close(self) -> None:
        """Leave the others to themselves."""
        self._call("dismiss", (self._sharer,))


class WeightsOfSharer:
    """The weights of a run: of the agent its own, of the learned rewards those of all."""

    def __init__(self, own: WeightStore, shared: WeightStore, names: frozenset[str]) -> None:
        self._own, self._shared, self._names = own, shared, names

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make `weights` the newest of `name`."""
        self._of(name).publish(name, version, weights)

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none."""
        return self._of(name).version(name)

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights; raises as `WeightStore.fetch` does."""
        return self._of(name).fetch(name)

    def _of(self, name: str) -> WeightStore:
        return self._shared if name in self._names else self._own


@contextmanager
def shared_rewards(
    config: RunConfig,
    pictures: NDArray[np.uint8],
    cpus: float,
    gpus: float,
    recover: Callable[[], Arrays | None],
) -> Iterator[SharedRewards]:
    """The learned rewards of these settings for all runs that are told of them, until the block ends.

    Raises:
        EngineError: their process finds no room.
    """
    spec, shape = inspect_environment(config)
    store = f"rewards-{uuid.uuid4().hex}"
    with weights_of_a_run(store) as weights:
        weights.publish(PICTURES, 0, {PICTURES: pictures})
        # A call that meets a process which has just died is made again, and the run that made it is admitted again.
        start = ray.remote(SharedRewardWorker).options(
            num_cpus=cpus, num_gpus=gpus, max_restarts=-1, max_task_retries=-1
        )
        process: Any = start.remote(config, spec, shape, store, 1, recover)
        try:
            wait_for(process, WHO)
            yield SharedRewards(process, weights)
        finally:
            ray.kill(process)
