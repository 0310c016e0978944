"""How a run begins or goes on: settings are checked, pictures read, parts wired up, and the loop is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.run.brush_fingerprint import compare_brush
from cluster.run.checkpoint_copies import CheckpointCopies
from cluster.run.display import make_display
from cluster.run.engine import Engine, check_settings, inspect_environment
from cluster.run.folder import RunError, RunFolder
from cluster.run.folder_lock import only_writer
from cluster.run.forecast import forecast, precision_in_words
from cluster.run.interrupts import Interrupts
from cluster.run.loop import Callback, Run, Summary, hear_nothing
from cluster.run.machines import Machines
from cluster.run.plan import Length
from cluster.run.progress import progress_in
from learners.checkpoint import Checkpoint, has_checkpoint, latest_checkpoint, load_checkpoint
from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.data import load, resolve
from spiral.methods.judgement import SHIPPED


def begin(
    config: RunConfig,
    out: str | PathLike[str],
    length: Length,
    machines: Machines,
    callback: Callback = hear_nothing,
) -> Summary:
    """The summary of a new run.

    Args:
        config: its settings.
        out: its folder, which must be empty.
        length: when it is over.
        machines: where it works.
        callback: hears every row of figures as it is written; where it answers true, the run ends with a checkpoint.

    Raises:
        RunError: the folder is not empty, another run has just begun in it, or the URL has copies of another run.
        ConfigError: no run could begin with these settings.
    """
    config = with_whole_paths(config)
    check_settings(config)
    folder = RunFolder(Path(out))
    with only_writer(folder.path):
        folder.require_empty()
        if machines.checkpoints is not None:
            CheckpointCopies(machines.checkpoints).require_empty()
        return _run(config, folder, length, machines, None, callback)


def resume(
    out: str | PathLike[str],
    length: Length | None,
    machines: Machines,
    changes: Mapping[str, Any] | None = None,
    callback: Callback = hear_nothing,
) -> Summary:
    """The summary of the run in `out`, which goes on from its last checkpoint, to the given length or its own.

    A run that ended before its first checkpoint begins anew. Where the folder has no checkpoint, a copy is taken.

    Args:
        out: the run's folder.
        length: over all its resumptions; None is the run's own.
        machines: where it works from now on.
        changes: settings that belong to the machine and not to the run, by their names.
        callback: as of `begin`.

    Raises:
        RunError: there is no run, it is over, or another process goes on with it.
        CheckpointError: its checkpoint is missing, damaged, or of another agent.
        ConfigError: a value is not allowed.
    """
    folder = RunFolder(Path(out))
    with only_writer(folder.path):
        return _resume(folder, length, machines, changes or {}, callback)


def _resume(
    folder: RunFolder, length: Length | None, machines: Machines, changes: Mapping[str, Any], callback: Callback
) -> Summary:
    if machines.checkpoints is not None and not has_checkpoint(folder.checkpoints):
        _take_copy(folder, machines.checkpoints)
    config, planned = folder.read_settings()
    config = config.with_changes(dict(changes))
    length = length or planned
    if not has_checkpoint(folder.checkpoints):
        return _run(config, folder, length, machines, None, callback)
    checkpoint = load_checkpoint(latest_checkpoint(folder.checkpoints))
    checkpoint.require(*inspect_environment(config))
    compare_brush(config, checkpoint.document, f"the run in {folder.path}")
    counters = progress_in(checkpoint).counters
    if length.share(counters) >= 1.0:
        raise RunError(
            f"the run in {folder.path} is over ({counters.seconds / 60:.1f} minutes, {counters.frames} frames): "
            "give more --minutes or --frames to go on"
        )
    return _run(config, folder, length, machines, checkpoint, callback)


def _take_copy(folder: RunFolder, url: str) -> None:
    """Puts the newest copy of a checkpoint into the folder, and the run's settings, if there is one."""
    if CheckpointCopies(url).fetch_newest(folder.checkpoints):
        checkpoint = load_checkpoint(latest_checkpoint(folder.checkpoints), only=())
        folder.begin(parse_config(checkpoint.document["config"]), progress_in(checkpoint).length)


def _run(
    config: RunConfig,
    folder: RunFolder,
    length: Length,
    machines: Machines,
    checkpoint: Checkpoint | None,
    callback: Callback,
) -> Summary:
    _, source = resolve(config.data.name)
    pictures, held_out = load_pictures(config)
    display = make_display()
    display.say(source)
    copies = None if machines.checkpoints is None else CheckpointCopies(machines.checkpoints)
    engine = make_engine(config, pictures, machines, folder.last_part)
    try:
        # Only now, so that whatever stood in the way of the start left no folder behind.
        folder.begin(config, length)
        precisions = engine.precisions()
        display.say(precision_in_words(precisions))
        done = 0 if checkpoint is None else progress_in(checkpoint).counters.frames
        display.say(forecast(config, length, done, precisions["policy"][0].seconds_per_picture))
        with Interrupts() as interrupts, display:
            run = Run(config, folder, length, engine, held_out, display, copies, callback=callback)
            if checkpoint is not None:
                run.restore(checkpoint)
            return run.go(lambda: interrupts.requested)
    finally:
        engine.close()


def with_whole_paths(config: RunConfig) -> RunConfig:
    """The same, where folders of fits are named from the root: other processes, and a resumed run, work elsewhere.

    The fit that comes with the package is in no folder of the user's, and is found everywhere.
    """
    paths = {
        f"rewards.{place}.from": str(Path(term.fitted_in).absolute())
        for place, term in enumerate(config.rewards)
        if term.fitted_in is not None and term.fitted_in != SHIPPED
    }
    return config.with_changes(paths) if paths else config


def load_pictures(config: RunConfig) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The real pictures of a run, to train on and held out, each uint8 [N, H, W, C]."""
    _, (height, _, channels) = inspect_environment(config)
    name = config.data.name
    return load(name, "train", height, channels == 3), load(name, "test", height, channels == 3)


def make_engine(
    config: RunConfig, pictures: NDArray[np.uint8], machines: Machines, recover: Callable[[str], Arrays | None]
) -> Engine:
    """The parts of a run, wired up on Ray and Redis or in this process.

    `recover` gives the arrays of a part in the last checkpoint, to the heir of a learner whose process died.
    """
    if machines.engine == "local":
        from cluster.run.local_engine import LocalEngine

        return LocalEngine(config, pictures)
    from cluster.on_ray.engine import RayEngine

    return RayEngine(config, pictures, machines, recover)
