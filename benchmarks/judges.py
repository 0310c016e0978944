"""What rewards cost: the time of their scores beside that of the policy's learning step on the same batch.

    python -m benchmarks.judges '{"name": "lrmf"}' '{"name": "dual_distance"}' --preset mnist-small

All canvases of a batch of episodes are scored, as for a reward that pays every step. Policy and rewards are timed by
turns in one process, since a machine's speed changes with the minutes, and what counts is the median of the shares.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.command import answer
from cluster.run.launch import load_pictures
from cluster.run.local_engine import LocalEngine
from spiral.config import RewardTerm
from spiral.presets import preset
from spiral.rewards import build_reward, score_steps, setting_of
from spiral.rewards.base import LearnedReward, Lesson
from spiral.section import ConfigError, parse_section
from spiral.trajectory import Trajectory


def shares(
    engine: LocalEngine, pictures: NDArray[np.uint8], terms: list[RewardTerm], rounds: int
) -> tuple[float, list[float]]:
    """Processor seconds of the policy's step, and of each reward's scores as a share of them: medians over the rounds.

    Raises:
        ConfigError: a reward does not judge what the agent of this engine paints.
    """
    trajectory = engine.rollout.collect()
    setting = setting_of(engine.config, engine.rollout.canvas_shape, spec=engine.rollout.spec)
    rewards = [build_reward(term, setting) for term in terms]
    for reward in rewards:
        if isinstance(reward, LearnedReward):
            reward.update(_lesson(trajectory, pictures, reward.batch_size))
    work: list[Callable[[], Any]] = [partial(engine.policy.step, trajectory, 0.5)]
    work += [partial(score_steps, reward, trajectory) for reward in rewards]
    for each in work:
        each()  # the first time takes memory
    turns = [[_seconds(each) for each in work] for _ in range(rounds)]
    policy, *others = zip(*turns, strict=True)
    return median(policy), [median(a / b for a, b in zip(each, policy, strict=True)) for each in others]


def _lesson(trajectory: Trajectory, pictures: NDArray[np.uint8], count: int) -> Lesson:
    """Some judge by what they learned last, and have to have learned."""
    places = np.arange(count)
    episodes = places % trajectory.batch_size
    renders = trajectory.canvases[-1][episodes]
    programs = None if trajectory.programs is None else trajectory.programs[episodes]
    if trajectory.targets is None:
        return Lesson(pictures[places % len(pictures)], renders, None, programs)
    targets = trajectory.targets[episodes]
    return Lesson(targets, renders, targets, programs)


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main(
    rewards: Annotated[list[str], typer.Argument(help="As in an agent's settings, JSON.")],
    preset_name: Annotated[str, typer.Option("--preset", help="The agent.")] = "mnist-small",
    rounds: Annotated[int, typer.Option(min=1, help="Of which the median is taken.")] = 5,
) -> None:
    """Times rewards beside a policy's step."""
    config = preset(preset_name)
    terms = [_term(text) for text in rewards]
    pictures = load_pictures(config)[0]
    engine = LocalEngine(config, pictures)
    try:
        policy, found = shares(engine, pictures, terms, rounds)
    finally:
        engine.close()
    frames = engine.rollout.length * engine.rollout.batch_size
    table = Table("reward", f"of the policy's step ({1000 * policy:.0f} ms for {frames:,} frames)", title=preset_name)
    for term, share in zip(terms, found, strict=True):
        table.add_row(term.name, f"{share:.2f}")
    Console().print(table)


def _term(text: str) -> RewardTerm:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f'{text} is no JSON ({error}): give a reward such as \'{{"name": "lrmf"}}\'') from error
    return parse_section(RewardTerm, given, ("rewards",))


if __name__ == "__main__":
    sys.exit(answer(main, "judges", sys.argv[1:]))
