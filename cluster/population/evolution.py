"""A population as an experiment of Ray Tune's.

Tune's files about an experiment are pickles, with which anybody who can write to them could run code here. So they end
with the experiment, and no later command reads them: what is left to do is a new experiment.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray import tune

from cluster.population.event_log import EventLog
from cluster.population.member import Member, Work
from cluster.population.reports import Ending, Reports
from cluster.population.scheduler import PopulationScheduler
from cluster.population.settings import first_levels
from cluster.run.interrupts import Interrupts

TUNE_PREFIX = ".tune-"  # of the folder of Tune's own files
MARK = "removed-by-the-next-command"  # a file in that folder, by which it is known as ours
RETRIES = 2  # of a member whose process died
ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # members find relative paths where the command was run
    "RAY_AIR_NEW_OUTPUT": "0",  # which does not keep silent when it is asked to
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is for the members first, which write checkpoints
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # members write their own metrics
}


def evolve(
    work: Work,
    log: EventLog,
    compare: Callable[[int], Mapping[int, float]] | None,
    pictures: NDArray[np.uint8],
    held_out: NDArray[np.uint8],
) -> list[str]:
    """Train and select until the last round or Ctrl-C; what went wrong with members that were lost.

    Args:
        work: what all members need to know.
        log: where it is written down.
        compare: the fitness of each member after a round, where members cannot tell it themselves.
        pictures: the real ones to train on, uint8 [N, H, W, C].
        held_out: others, of the same shape.
    """
    plan, folder = work.plan, work.folder
    scheduler = PopulationScheduler(plan, folder, Reports(plan, log), work.first_round, compare)
    with _tune_folder(folder.path) as storage, Interrupts() as interrupts:
        trainable = tune.with_parameters(Member, work=work, pictures=pictures, held_out=held_out)
        tuner = tune.Tuner(
            tune.with_resources(trainable, tune.PlacementGroupFactory(work.resources.bundles)),
            param_space=_first_settings(work),
            tune_config=_tune_config(scheduler),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=storage,
                stop=Ending(folder.stop, lambda: interrupts.requested, plan.rounds),
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                verbose=0,
            ),
        )
        results = tuner.fit()
    folder.stop.unlink(missing_ok=True)
    return [str(error).strip().splitlines()[-1] for error in results.errors]


def _first_settings(work: Work) -> dict[str, Any]:
    """The number and the levels with which each member begins, in Tune's words."""
    numbers = list(range(work.plan.members))
    levels = {number: work.folder.levels(number) or first_levels(work.plan.config, number) for number in numbers}

    def level(path: str) -> Any:
        return tune.sample_from(lambda spec: levels[spec["config"]["born"]][path])

    return {"born": tune.grid_search(numbers), **{path: level(path) for path in levels[0]}}


def _tune_config(scheduler: PopulationScheduler) -> tune.TuneConfig:
    """Members go by their numbers, in names and folders, and one process serves several of them."""
    return tune.TuneConfig(
        scheduler=scheduler, reuse_actors=True, trial_name_creator=_number_of, trial_dirname_creator=_number_of
    )


def _number_of(trial: Any) -> str:
    return str(trial.config["born"])


@contextmanager
def _tune_folder(parent: Path) -> Iterator[str]:
    """A folder for Tune's own files, for this user alone, on the file system that all machines reach."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        for left in parent.glob(f"{TUNE_PREFIX}*"):  # by a command that was killed
            if (left / MARK).is_file():
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=TUNE_PREFIX, dir=parent, ignore_cleanup_errors=True) as path:
            (Path(path) / MARK).touch()
            yield path
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
