"""A member of a population: one whole run, actors and both learners, that trains a round at a time on Ray Tune.

It is one process, or has as many as a run on Ray (thesis A.3): rollout workers, both learners and a replay of its own.

Tune pauses members after each round and gives their processes to others, so that a small machine trains many in turns.
A member must not mind: its run ends with a checkpoint in its own folder, and goes on from there, in whatever process.
What Tune keeps of it is the number of the round.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray import tune

from actors.broadcast import Broadcast
from cluster.on_ray.engine import RayEngine
from cluster.on_ray.parts import Membership
from cluster.on_ray.shared_rewards import SharedRewards
from cluster.on_redis.connection import RedisAddress
from cluster.population.folder import Plan, PopulationFolder
from cluster.population.live_feed import member_feed
from cluster.population.resources import MemberResources
from cluster.population.settings import Levels, member_config
from cluster.population.shared_rewards import share_rewards
from cluster.run.cores import processors
from cluster.run.display import PlainDisplay
from cluster.run.engine import EPISODES_SHOWN_PER_S
from cluster.run.folder import RunFolder
from cluster.run.local_engine import LocalEngine
from cluster.run.loop import Run
from cluster.run.machines import Machines
from learners.checkpoint import has_checkpoint, latest_checkpoint, load_checkpoint
from spiral.config import RunConfig
from spiral.descent import DivergedError

NOTE = "round.txt"


@dataclass(frozen=True)
class Work:
    """What all members need to know.

    Attributes:
        folder: of the population, which all machines reach.
        plan: of the population.
        resources: what each of them may use.
        first_round: the one that begins now, from 1.
        redis: where they show themselves.
        description: of the population, for those who watch.
        brush_fingerprint: of the brush that all paint with; None is any.
        shared_rewards: those that members on Ray have together.
    """

    folder: PopulationFolder
    plan: Plan
    resources: MemberResources
    first_round: int
    redis: RedisAddress
    description: dict[str, Any]
    brush_fingerprint: str | None = None
    shared_rewards: SharedRewards | None = None


class Member(tune.Trainable):
    """A member as Tune knows it; its name there is its number."""

    def setup(  # type: ignore[override]  # the last three come from `tune.with_parameters`
        self, config: dict[str, Any], work: Work, pictures: NDArray[np.uint8], held_out: NDArray[np.uint8]
    ) -> None:
        """Called by Tune once in each process, which then serves any member."""
        self.work, self.pictures, self.held_out = work, pictures, held_out
        torch.set_num_threads(min(work.resources.cores, processors()))

    def step(self) -> dict[str, Any]:
        """One round: its row for the population's event log."""
        levels = {path: float(self.config[path]) for path in ("policy.learning_rate", "policy.entropy")}
        number, round_ = int(self.trial_name), self.work.first_round + self.iteration
        return play_round(self.work, self.pictures, self.held_out, number, levels, round_)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Tune's own note; the member's checkpoint lies in its folder already."""
        (Path(checkpoint_dir) / NOTE).write_text(f"{self.iteration}\n", encoding="utf-8")

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing: the next step reads the member's folder, where evolution may have put another's state."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Whether this process can serve another member: always, since it keeps none between rounds."""
        return True


def play_round(
    work: Work, pictures: NDArray[np.uint8], held_out: NDArray[np.uint8], number: int, levels: Levels, round_: int
) -> dict[str, Any]:
    """Train a member to the end of a round: its row for the population's event log.

    `fitness` is the held-out figure, NaN where the population compares scores, and the worst where the run diverged.
    `complete` is false when the round was ended early.
    """
    plan, folder = work.plan, work.folder.member(number)
    config = member_config(plan.config, number, levels)
    row: dict[str, Any] = {"event": "round", "round": round_, "member": number, "complete": True, **levels}
    engine = _make_engine(work, config, pictures, folder, number)
    try:
        if isinstance(engine, LocalEngine):  # on Ray the rollout workers ask for it
            engine.rollout.require_brush(work.brush_fingerprint)
        folder.begin(config, plan.length)
        run = Run(config, folder, plan.length, engine, held_out, PlainDisplay(), member=number)
        if has_checkpoint(folder.checkpoints):
            run.restore(load_checkpoint(latest_checkpoint(folder.checkpoints)))
        if plan.shared_rewards and isinstance(engine, LocalEngine):
            share_rewards(engine, work.folder, plan.members, number)
        summary = run.go(work.folder.stop.exists, until=round_ / plan.rounds)
    except DivergedError as error:
        return row | {"fitness": plan.worst, "failure": str(error)}
    finally:
        engine.close()
    figures = {name: value for name, value in summary.latest.items() if name.startswith("held_out/")}
    row |= {"complete": summary.over, "frames": summary.counters.frames, "seconds": summary.counters.seconds}
    return row | figures | {"fitness": summary.latest.get(plan.figure, float("nan"))}


def _make_engine(
    work: Work, config: RunConfig, pictures: NDArray[np.uint8], folder: RunFolder, number: int
) -> LocalEngine | RayEngine:
    """The parts of a member, in this process or in processes of their own beside it."""
    episodes_per_s = EPISODES_SHOWN_PER_S / work.resources.at_a_time
    if not work.resources.workers:
        broadcast = Broadcast(member_feed(work.redis, work.description), 0, episodes_per_s, number)
        return LocalEngine(config, pictures, broadcast)
    cores = min(work.resources.cores, processors())
    on_ray = RayEngine(
        config,
        pictures,
        Machines(redis_url=work.redis.url, workers=work.resources.workers, gpus_per_learner=work.resources.gpus),
        recover=folder.last_part,
        membership=Membership(number, work.redis, episodes_per_s, cores, work.brush_fingerprint, work.shared_rewards),
    )
    on_ray.feed.describe(work.description)
    return on_ray
