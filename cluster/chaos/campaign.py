"""`spiral chaos`: a small run whose processes are killed one after the other, and what it promised nevertheless.

Each trajectory is read here, before the learner has it. What a learner lost is the work that it reported after the
checkpoint that its heir took over, which must be the newest one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectLostError

from actors.pool import Played
from cluster.chaos.evidence import CHECKPOINT_INTERVAL_S, Evidence, promises
from cluster.chaos.ray_nodes import ChaosCluster, kill
from cluster.on_ray.engine import RayEngine
from cluster.run.display import make_display
from cluster.run.folder import RunFolder
from cluster.run.loop import Run
from cluster.run.machines import Machines
from cluster.run.plan import Length, Phase, Report
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.data import load
from spiral.presets import preset
from spiral.state import version_of

VICTIMS = ("rollout worker", "policy learner", "reward learner", "holder of weights", "Redis", "node")
ROUND = (*VICTIMS, *VICTIMS[:-1], "rollout worker")  # a node costs most, a worker least
CLASSES = {
    "rollout worker": "RolloutWorker",
    "policy learner": "PolicyWorker",
    "reward learner": "RewardWorker",
    "holder of weights": "WeightHolder",
}
STEPS_BETWEEN_KILLS = 8  # of the policy learner, on average
WORKERS = 2
SMALL = {
    "device": "cpu",
    "precision": "float32",
    "environment.settings": {
        "canvas_size": 16,
        "grid_size": 8,
        "brush": "classic/pen",
        "brush_sizes": [1, 2],
        "color": False,
        "episode_length": 3,
    },
    "agent.channels": [8],
    "agent.hidden": 16,
    "policy.batch_size": 8,
    "policy.minibatches": 1,
    "replay.pictures": 32,
    "rewards.discriminator.options.width": 4,
    "rewards.discriminator.options.batch_size": 8,
    "rewards.discriminator.pace": {"floor": 1, "ceiling": 2},
    "rewards.discriminator.warm_up": 4,
}


class ChaosEngine(RayEngine):
    """An engine that kills its own processes on a schedule and keeps the evidence.

    Args:
        config: the run's settings.
        pictures: the real ones, uint8 [N, H, W, C].
        cluster: where it runs.
        folder: where the checkpoints are.
        schedule: after how many steps which kind is killed, in order.
        rng: chooses among several of a kind.
    """

    def __init__(
        self,
        config: RunConfig,
        pictures: NDArray[np.uint8],
        cluster: ChaosCluster,
        folder: RunFolder,
        schedule: Iterator[tuple[int, str]],
        rng: np.random.Generator,
    ) -> None:
        self.evidence = Evidence()
        self._cluster, self._folder, self._schedule, self._rng = cluster, folder, schedule, rng
        self._to_go, self._next = next(schedule)
        self._length = int(config.environment.settings["episode_length"])
        self._kept: dict[str, int] = {}  # the version of each learner in the newest checkpoint
        self._work_s = {"policy": 0.0, "rewards": 0.0}  # since then
        super().__init__(config, pictures, Machines(workers=WORKERS), self._recover)

    def step(self, phase: Phase) -> Report | None:
        """The next step, after which someone may be killed."""
        report = super().step(phase)
        if report is not None:
            self._check(report)
            self._to_go -= 1
            if self._to_go <= 0 and self._kill(self._next):
                self.evidence.kills[self._next] += 1
                self._to_go, self._next = next(self._schedule, (10**9, "nobody"))
            self._measure_memory()
        return report

    def state(self) -> dict[str, Arrays]:
        """What a checkpoint needs, which is written at once."""
        parts = super().state()
        self._kept = {part: version_of(parts[part]) for part in self._work_s}
        self._work_s = dict.fromkeys(self._work_s, 0.0)
        return parts

    def _recover(self, part: str) -> Arrays | None:
        arrays = self._folder.last_part(part)
        version = None if arrays is None else version_of(arrays)
        if version != self._kept.get(part):
            self.evidence.outdated.append(f"the {part} went on from version {version}, not {self._kept.get(part)}")
        self.evidence.lost_s.append(self._work_s[part])
        self._work_s[part] = 0.0
        return arrays

    def _hand_over(self, phase: Phase) -> None:
        before = len(self._parts.policies[0])
        played = list(self._played)
        super()._hand_over(phase)
        if len(self._parts.policies[0]) > before:
            for share in played:
                self._examine(share)

    def _examine(self, played: Played) -> None:
        """Looks at a share of a batch that the policy learner was given."""
        try:
            trajectory = ray.get(played.trajectory)
        except ObjectLostError:
            return  # it died with its worker, and the learner will not have it either
        length, episodes = trajectory.actions.shape[:2]
        newest, versions = self._parts.policies[0].newest, trajectory.versions
        share = self.config.policy.batch_size // WORKERS
        if (length, episodes, len(trajectory.canvases)) != (self._length, share, length + 1):
            self.evidence.wrong.append(f"a trajectory of {length} steps and {episodes} episodes")
        if not ((versions >= 0) & (versions <= newest)).all():
            self.evidence.wrong.append(f"a trajectory of versions {versions}, where {newest} is the newest")
        self.evidence.checked += 1

    def _check(self, report: Report) -> None:
        for part in self._work_s:
            self._work_s[part] += report.busy[part]
        self.evidence.latest |= report.metrics
        if report.frames != self._length * self.config.policy.batch_size:
            self.evidence.wrong.append(f"a step on {report.frames} frames")
        if report.metrics.get("policy/lag", 0.0) < 0:
            self.evidence.wrong.append(f"a lag of {report.metrics['policy/lag']:.0f}")

    def _kill(self, kind: str) -> bool:
        """Whether there was one of this kind to be killed."""
        if kind == "node":
            return self._cluster.kill_node(self._rng)
        if kind == "Redis":
            kill(psutil.Process(self.redis_info.read("server")["process_id"]))
            return True
        alive = self._cluster.processes(CLASSES[kind])
        if not alive:
            return False
        kill(alive[self._rng.integers(len(alive))])
        return True

    def _measure_memory(self) -> None:
        parts = {"driver": [psutil.Process()]}
        parts |= {kind: self._cluster.processes(name) for kind, name in CLASSES.items() if kind != "rollout worker"}
        for part, processes in parts.items():
            for process in processes[:1]:
                try:
                    size = process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                self.evidence.memory.setdefault(part, []).append(size)
        self.evidence.memory.setdefault("Redis", []).append(int(self.redis_info.read("memory")["used_memory"]))


def schedule_of(kills: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    """So many kills: after how many steps since the last one which kind; six are of each kind one."""
    victims = rng.permutation((ROUND * (kills // len(ROUND) + 1))[:kills])
    gaps = rng.integers(1, 2 * STEPS_BETWEEN_KILLS, size=kills)
    return [(int(gap), str(victim)) for gap, victim in zip(gaps, victims, strict=True)]


def run_chaos(kills: int, seed: int, nodes: int = 3) -> tuple[Evidence, dict[str, tuple[bool, str]]]:
    """What was seen while so many processes were killed, and which promises were kept, with their figures."""
    config = preset("mnist-small").with_changes(SMALL | {"seed": seed})
    pictures, held_out = (load(config.data.name, part, 16, color=False) for part in ("train", "test"))
    rng = np.random.default_rng(seed)
    schedule = schedule_of(kills, rng)
    batch = config.policy.batch_size * int(config.environment.settings["episode_length"])
    # A victim may not be back yet when its turn comes, which costs steps.
    frames = batch * (sum(gap for gap, _ in schedule) + 5 * kills + 20)
    with tempfile.TemporaryDirectory(prefix="spiral-chaos-") as place, ChaosCluster(nodes) as cluster:
        folder, length = RunFolder(Path(place)), Length(frames=frames)
        folder.begin(config, length)
        display = make_display()
        engine = ChaosEngine(config, pictures, cluster, folder, iter(schedule), rng)
        try:
            with display:
                run = Run(config, folder, length, engine, held_out, display)
                run.checkpoint_interval_s = CHECKPOINT_INTERVAL_S
                summary = run.go(stop=lambda: False)
        finally:
            engine.close()
    return engine.evidence, promises(engine.evidence, kills, frames, summary.counters.frames)
