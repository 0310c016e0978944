"""`spiral population`: from options to a population, new or resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cluster.population.folder import FitnessName, Plan
from cluster.population.resources import Room
from cluster.population.run import begin, resume
from cluster.run.folder import RunError
from cluster.run.plan import Length
from cluster.run.training import page_beside, settings
from spiral.presets import PRESETS

DEFAULT_MEMBERS = 12  # thesis A.3
DEFAULT_MINUTES = 60.0
DEFAULT_ROUNDS = 10


@dataclass(frozen=True)
class Asked:
    """What a population is to be, as far as someone has said it; None is our default, or what a resumed one is.

    Attributes:
        preset: settings by name.
        members: how many there are.
        minutes, frames: their length.
        rounds: into how many parts it is divided.
        fitness: by what they are selected.
        shared_rewards: whether they have the learned ones together.
        seed: of the whole population.
        changes: of settings, each `name=value`.
    """

    preset: str | None
    members: int | None
    minutes: float | None
    frames: int | None
    rounds: int | None
    fitness: FitnessName | None
    shared_rewards: bool
    seed: int | None
    changes: tuple[str, ...]


def train_population(
    asked: Asked,
    out: Path | None,
    go_on: bool,
    watch: bool,
    room: Room,
) -> str:
    """How the population ended, in words; its live page is served meanwhile if `watch`.

    Raises:
        RunError: the options contradict each other, or the folder cannot be used.
        ConfigError: a preset or a setting does not exist, or cannot be varied or compared.
    """
    if go_on:
        if out is None:
            raise RunError("--resume needs --out, the folder of the population to go on with")
        _require_only_length(asked)
        with page_beside(watch, room.redis_url, out):
            return resume(out, asked.minutes, asked.frames, room)
    plan = _plan(asked)
    out = out or Path("runs") / f"{asked.preset}-population"
    with page_beside(watch, room.redis_url, out):
        return begin(plan, out, plan.length.minutes, room)


def _require_only_length(asked: Asked) -> None:
    """Refuses to change what a population is while it goes on."""
    given = (asked.preset, asked.members, asked.rounds, asked.fitness, asked.seed)
    if any(option is not None for option in given) or asked.changes or asked.shared_rewards:
        raise RunError(
            "--resume goes on with the population as it is: leave out --preset, --members, --rounds, --fitness, "
            "--shared-rewards, --seed and --set"
        )


def _plan(asked: Asked) -> Plan:
    """The plan of a new population, with our defaults."""
    if asked.preset is None:
        raise RunError(f"--preset is missing; there are {', '.join(PRESETS)}")
    endless = asked.minutes is None and asked.frames is None
    return Plan(
        config=settings(asked.preset, asked.seed, asked.changes),
        length=Length(DEFAULT_MINUTES if endless else asked.minutes, asked.frames),
        members=asked.members or DEFAULT_MEMBERS,
        rounds=asked.rounds or DEFAULT_ROUNDS,
        fitness=asked.fitness or "held_out",
        shared_rewards=asked.shared_rewards,
    )
