"""`spiral population`: from options to a population, new or resumed."""

from __future__ import annotations

from pathlib import Path

from cluster.population.folder import FitnessName, Plan
from cluster.population.run import begin, resume
from cluster.run.folder import RunError
from cluster.run.plan import Length
from cluster.run.training import page_beside, settings
from spiral.presets import PRESETS

DEFAULT_MEMBERS = 12  # thesis A.3
DEFAULT_MINUTES = 60.0
DEFAULT_ROUNDS = 10


def train_population(
    preset: str | None,
    out: Path | None,
    members: int | None,
    minutes: float | None,
    frames: int | None,
    rounds: int | None,
    fitness: FitnessName | None,
    shared_discriminator: bool,
    at_a_time: int | None,
    redis_url: str | None,
    address: str | None,
    go_on: bool,
    seed: int | None,
    changes: list[str],
    watch: bool,
) -> str:
    """How the population ended, in words; its live page is served meanwhile if `watch`.

    Raises:
        RunError: the options contradict each other, or the folder cannot be used.
        ConfigError: a preset or a setting does not exist, or cannot be varied or compared.
    """
    if go_on:
        if out is None:
            raise RunError("--resume needs --out, the folder of the population to go on with")
        given = any(option is not None for option in (preset, members, rounds, fitness, seed))
        if given or changes or shared_discriminator:
            raise RunError(
                "--resume goes on with the population as it is: leave out --preset, --members, --rounds, --fitness, "
                "--shared-discriminator, --seed and --set"
            )
        with page_beside(watch, redis_url, out):
            return resume(out, minutes, frames, redis_url, address, at_a_time)
    if preset is None:
        raise RunError(f"--preset is missing; there are {', '.join(PRESETS)}")
    if minutes is None and frames is None:
        minutes = DEFAULT_MINUTES
    plan = Plan(
        config=settings(preset, seed, changes),
        length=Length(minutes, frames),
        members=members or DEFAULT_MEMBERS,
        rounds=rounds or DEFAULT_ROUNDS,
        fitness=fitness or "held_out",
        shared_discriminator=shared_discriminator,
    )
    out = out or Path("runs") / f"{preset}-population"
    with page_beside(watch, redis_url, out):
        return begin(plan, out, minutes, redis_url, address, at_a_time)
