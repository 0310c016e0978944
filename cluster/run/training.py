"""`spiral train`: from options to a run, and from a run to a summary in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import typer

from cluster.run.folder import RunError
from cluster.run.launch import begin, resume, with_whole_paths
from cluster.run.loop import Summary
from cluster.run.machines import Machines
from cluster.run.plan import Length
from spiral.config import RunConfig
from spiral.files import parsed_json
from spiral.presets import PRESETS
from spiral.presets import preset as find_preset
from spiral.section import ConfigError

DEFAULT_MINUTES = 20.0


def train(
    preset: str | None,
    out: Path | None,
    minutes: float | None,
    frames: int | None,
    machines: Machines,
    go_on: bool,
    seed: int | None,
    environment: str | None,
    changes: Sequence[str],
    watch: bool,
) -> None:
    """Begin a run or go on with one, beside its live page if `watch`, and print how it ended.

    Raises:
        RunError: the options contradict each other, or the folder cannot be used.
        ConfigError: a preset or a setting does not exist.
    """
    if watch and machines.engine == "local":
        raise RunError(
            "--watch needs --engine ray: the live page reads from Redis, which a run in one process does without"
        )
    asked = None if minutes is None and frames is None else Length(minutes, frames)
    if go_on:
        if out is None:
            raise RunError("--resume needs --out, the folder of the run to go on with")
        _require_only_precision(preset, seed, environment, changes)
        with page_beside(watch, machines.redis_url, out):
            summary = resume(out, asked, machines, read_changes(changes))
    else:
        if preset is None:
            raise RunError(f"--preset is missing; there are {', '.join(PRESETS)}")
        config = settings(preset, seed, changes, environment)
        out = out or Path("runs") / preset
        with page_beside(watch, machines.redis_url, out):
            summary = begin(config, out, asked or Length(minutes=DEFAULT_MINUTES), machines)
    typer.echo(describe(summary))


def _require_only_precision(
    preset: str | None, seed: int | None, environment: str | None, changes: Sequence[str]
) -> None:
    """Refuses to change the settings of a run while it goes on, but for the one that belongs to the machine."""
    of_the_run = [change for change in changes if not change.startswith("precision=")]
    if preset is not None or seed is not None or environment is not None or of_the_run:
        raise RunError(
            "--resume goes on with the settings of the run: leave out --preset, --seed, --env and --set "
            "(but --set precision=... belongs to the machine, and is taken)"
        )


def page_beside(watch: bool, redis_url: str | None, out: Path) -> AbstractContextManager[None]:
    """The live page of the run in the folder `out`, served beside it if it is wanted."""
    if not watch:
        return nullcontext()
    from cluster.watch.start import watched

    return watched(redis_url, out)


def settings(preset: str, seed: int | None, changes: Sequence[str], environment: str | None = None) -> RunConfig:
    """The preset with the changes of `--seed`, `--env` and `--set`.

    Raises:
        ConfigError: one of them does not exist or has a value that is not allowed.
    """
    config = find_preset(preset)
    values: dict[str, Any] = {} if seed is None else {"seed": seed}
    if environment is not None:
        values["environment"] = {"id": environment, "settings": {}}
    values |= read_changes(changes)
    return with_whole_paths(config.with_changes(values) if values else config)


def read_changes(changes: Sequence[str]) -> dict[str, Any]:
    """The values of `--set` options by the names of the settings.

    Raises:
        ConfigError: one is not of the form name=value.
    """
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {change!r} is not of the form name=value, such as policy.entropy=0.02")
        try:
            values[name] = parsed_json(text)
        except ValueError:
            values[name] = text
    return values


def describe(summary: Summary) -> str:
    """How a run ended, where to look, and what to do next."""
    folder, counters, latest = summary.folder, summary.counters, summary.latest
    steps = [f"{counters.cloning_steps:,} cloning steps"] if counters.cloning_steps else []
    steps += [f"{counters.policy_steps:,} policy steps"]
    steps += [f"{counters.expert_steps:,} expert steps"] if counters.expert_steps else []
    steps += [f"{count:,} steps of the reward {name}" for name, count in counters.reward_steps.items()]
    searched = f" ({counters.searched_frames:,} of them painted by searches)" if counters.searched_frames else ""
    lines = [
        f"{'Done' if summary.over else f'Stopped at {summary.share:.0%}'}: {counters.seconds / 60:.1f} minutes, "
        f"{counters.frames:,} frames{searched}, {', '.join(steps)}."
    ]
    if "held_out/error" in latest:
        lines.append(
            f"Error on held-out pictures: {latest['held_out/error']:.4f}, "
            f"{latest['held_out/error_ratio']:.2f} of an empty canvas's."
        )
    if "held_out/accepted" in latest:
        lines.append(
            f"Accepted as digits: {latest['held_out/accepted']:.0%} of its inventions, "
            f"{latest['held_out/digits']:.0f} of the ten digits among them (2 % or more)."
        )
    lines += [
        f"Pictures:  {folder.picture}, earlier ones in {folder.sheets}",
        f"Curve:     {folder.curve}; all figures: tensorboard --logdir {folder.tensorboard}",
    ]
    if not summary.over:
        lines.append(f"Go on:     spiral train --resume --out {folder.path}")
    lines += [
        f"Measure:   spiral eval --run {folder.path}",
        f"Enlarge:   spiral render {folder.programs / '0.json'} --size 1024 --out large.png",
    ]
    return "\n".join(lines)
