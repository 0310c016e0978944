"""`spiral population`: many runs that compete, copy each other and vary their settings (thesis A.3).

Every member is a whole run in a folder of its own, in one process or in those of a run on Ray. Ray Tune's
population-based training decides between the rounds; `cluster/population/scheduler.py` says how, and
`cluster/population/settings.py` what is varied.

A population that was interrupted goes on from the members' own settings and checkpoints, in a new experiment of Tune's
with the rounds that are left.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.on_ray.parts import CPU_SHARE
from cluster.on_ray.shared_rewards import SharedRewards, shared_rewards
from cluster.on_ray.start import EngineError, start_ray
from cluster.on_redis.server import redis_of_a_run
from cluster.population.event_log import EventLog
from cluster.population.evolution import evolve
from cluster.population.folder import Plan, PopulationFolder
from cluster.population.live_feed import introduce
from cluster.population.member import Work
from cluster.population.resources import MemberResources, Room, kept_busy, room_for, share_machines
from cluster.population.scores import compare
from cluster.population.settings import check_levels
from cluster.population.shared_rewards import last_rewards, newest_rewards
from cluster.run.brush_fingerprint import compare_brush, fingerprint_here
from cluster.run.cores import processors
from cluster.run.engine import check_settings
from cluster.run.folder import RunError, RunFolder, write_text
from cluster.run.folder_lock import only_writer
from cluster.run.launch import load_pictures
from cluster.run.plan import Length
from cluster.run.progress import progress_in
from learners.checkpoint import has_checkpoint, latest_checkpoint, load_checkpoint

ANYWHERE = Room()


def begin(
    plan: Plan,
    out: Path,
    minutes: float | None = None,
    room: Room = ANYWHERE,
) -> str:
    """How a new population in the empty folder `out` ended, in words.

    Args:
        plan: of the population, whose length is that of each member but for the minutes.
        out: its folder.
        minutes: for the whole population; members that take turns get their share each.
        room: where it works.

    Raises:
        RunError: the folder is not empty, or members that take turns were to work at the same time.
        ConfigError: the settings are not those of a run, or cannot be varied or compared.
    """
    check_settings(plan.config)
    check_levels(plan.config)
    plan.check()
    with only_writer(out):
        RunFolder(out).require_empty()
        return _run(plan, PopulationFolder(out.absolute()), minutes, room)


def resume(
    out: Path,
    minutes: float | None = None,
    frames: int | None = None,
    room: Room = ANYWHERE,
) -> str:
    """How the population in `out` ended, which goes on from its members' folders, to the given length or its own.

    Raises:
        RunError: there is no population, it is over, or another process goes on with it or with one of its members.
    """
    folder = PopulationFolder(out.absolute())
    with only_writer(out):
        plan = folder.read_plan()
        if frames is not None:
            plan = replace(plan, length=Length(frames=frames))
        if minutes is None and _rounds_done(folder, plan) == plan.rounds:
            raise RunError(f"the population in {out} is over: give more --minutes or --frames to go on")
        for number in range(plan.members):
            if has_checkpoint(checkpoints := folder.member(number).checkpoints):
                document = load_checkpoint(latest_checkpoint(checkpoints), only=()).document
                compare_brush(plan.config, document, f"the population in {out}")
        return _run(plan, folder, minutes, room)


def _run(plan: Plan, folder: PopulationFolder, minutes: float | None, room: Room) -> str:
    if plan.shared_rewards:
        room = replace(room, at_a_time=_who_share(plan, room))
    shared = plan.shared_rewards and room.workers > 0
    pictures, held_out = load_pictures(plan.config)
    cores = processors()
    together = room.at_a_time or kept_busy(cores, room.workers)
    copies = together + shared if room.workers else 1
    size = (pictures.nbytes + held_out.nbytes) * copies
    with ExitStack() as resources:
        for number in range(plan.members):  # also of those that wait for their turn
            resources.enter_context(only_writer(folder.member(number).path))
        redis = resources.enter_context(redis_of_a_run(room.redis_url))  # first, since it answers sooner
        needed = max(cores, room_for(together, room.workers, shared))
        resources.enter_context(start_ray(room.address, needed, size, embedded_redis=room.redis_url is None))
        each = share_machines(plan.members, room.at_a_time, plan.config.device, room.workers, shared)
        if minutes is not None:
            plan = replace(plan, length=replace(plan.length, minutes=minutes / each.turns(plan.members)))
        first_round = _rounds_done(folder, plan) + 1
        if first_round > plan.rounds:
            raise RunError(f"the population in {folder.path} is over: give more --minutes or --frames to go on")
        folder.begin(plan)
        folder.stop.unlink(missing_ok=True)
        print(_announce(plan, each), flush=True)
        log = EventLog(folder.events, first_round)
        description = introduce(redis, plan, folder)
        brush = fingerprint_here(plan.config)
        rewards = resources.enter_context(_shared_rewards(plan, folder, each, pictures)) if shared else None
        work = Work(folder, plan, each, first_round, redis, description, brush, rewards)
        selects = partial(compare_members, plan, folder, log, held_out) if plan.fitness == "scores" else None
        failures = evolve(work, log, selects, pictures, held_out)
    return _finish(plan, folder, log, failures, held_out)


def _who_share(plan: Plan, room: Room) -> int:
    """How many members work at a time that share rewards: all of them on Ray, else one after the other."""
    together = plan.members if room.workers else 1
    if room.at_a_time not in (None, together):
        how = "all work at the same time" if room.workers else "take turns"
        raise RunError(f"members that share rewards {how}: leave out --at-a-time {room.at_a_time}")
    return together


def _shared_rewards(
    plan: Plan, folder: PopulationFolder, each: MemberResources, pictures: NDArray[np.uint8]
) -> AbstractContextManager[SharedRewards]:
    """The learned rewards of all members, which go on from what the members have kept of them."""
    recover = partial(last_rewards, folder, plan.members)
    return shared_rewards(plan.config, pictures, CPU_SHARE, each.gpus, recover)


def compare_members(
    plan: Plan, folder: PopulationFolder, log: EventLog, held_out: NDArray[np.uint8], round_: int
) -> dict[int, float]:
    """The comparable scores of all members after a round, written down; the worst for those that did not finish it."""
    well = [row["member"] for row in log.rounds(round_) if "failure" not in row]
    folders = [latest_checkpoint(folder.member(number).checkpoints) for number in well]
    members = [load_checkpoint(path, only=("rewards", "replay")) for path in folders]
    judges = [newest_rewards(members)] if plan.shared_rewards and members else members
    values = compare(members, judges, held_out)
    fitness = dict.fromkeys(range(plan.members), plan.worst)
    fitness |= {number: float(value) for number, value in zip(well, values, strict=True)}
    log.add({"event": "scores", "round": round_, "scores": {str(n): value for n, value in fitness.items()}})
    return fitness


def _finish(
    plan: Plan, folder: PopulationFolder, log: EventLog, failures: list[str], held_out: NDArray[np.uint8]
) -> str:
    over = _rounds_done(folder, plan) == plan.rounds
    if over and plan.fitness == "scores":
        compare_members(plan, folder, log, held_out, plan.rounds)
    if not any(row["event"] == "round" for row in log.rows):
        if failures:
            raise EngineError(f"no member finished a round: {failures[0]}")
        return f"Stopped in the first round. Go on: spiral population --resume --out {folder.path}"
    table = log.table(plan)
    with log.full_disk.going_on(str(folder.summary)):
        write_text(folder.summary, table + "\n")
    best = log.ranking(plan)[0]
    with log.full_disk.going_on(str(folder.best)):
        folder.set_best(best)
    lines = [table, *(f"A member was lost: {failure}" for failure in failures)]
    lines.append(f"The fittest is member {best}: {folder.best}; measure it with `spiral eval --run {folder.best}`")
    if not over:
        lines.append(f"Go on:  spiral population --resume --out {folder.path}")
    return "\n".join(lines)


def _announce(plan: Plan, each: MemberResources) -> str:
    parts = []
    if plan.length.minutes is not None:
        parts.append(f"{plan.length.minutes:.1f} minutes")
    if plan.length.frames is not None:
        parts.append(f"{plan.length.frames:,} frames")
    together = " with the same learned rewards" if plan.shared_rewards else ""
    workers = f" of {each.workers} rollout workers and both learners" if each.workers else ""
    return (
        f"{plan.members} members{together}{workers}, {each.at_a_time} at a time; each trains for {' or '.join(parts)} "
        f"in {plan.rounds} rounds, and is selected by its {plan.figure}"
    )


def _rounds_done(folder: PopulationFolder, plan: Plan) -> int:
    """How many rounds all members have finished."""
    return min(_rounds_of(folder.member(number), plan) for number in range(plan.members))


def _rounds_of(member: RunFolder, plan: Plan) -> int:
    if not has_checkpoint(member.checkpoints):
        return 0
    counters = progress_in(load_checkpoint(latest_checkpoint(member.checkpoints), only=())).counters
    # A little more, since a share that is to be 0.3 may be 0.29999.
    return int(plan.length.share(counters) * plan.rounds + 1e-6)
