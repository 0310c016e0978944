"""What a script imports of SPIRAL, and whose packages `envs`, `spiral`, `cluster` and the others are.

A script finds here what the commands are made of (`docs/python.md`), each name imported when it is asked for.

The packages are always ours, though others use these names too. A project of the user's may well have a folder `envs`.
It would be found in place of ours where it comes earlier on the search path: by `PYTHONPATH`, by `python -m`, or in the
workers of Ray, which puts the folder in which the command was given in front of all that is installed. So whoever
starts a process of ours imports this module first, which has a name that nobody else uses. From then on our packages
are found beside this file, and what is installed before what Ray adds. A module of the user's own is found all the
same, after these.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cluster.run.launch import begin, resume
    from cluster.run.machines import Machines
    from cluster.run.plan import Length
    from cluster.studio.agents import load_agent
    from cluster.studio.paint import paint
    from cluster.studio.preprocessing import Preprocessing
    from cluster.studio.sketch import sketch
    from envs.edits import moved, recolored, without
    from envs.program import Program
    from spiral.presets import preset

__all__ = [
    "Length",
    "Machines",
    "Preprocessing",
    "Program",
    "begin",
    "load_agent",
    "moved",
    "paint",
    "preset",
    "recolored",
    "resume",
    "sketch",
    "without",
]
# Where each of them is made: the commands use the same.
PYTHON = {
    "Length": "cluster.run.plan",
    "Machines": "cluster.run.machines",
    "Preprocessing": "cluster.studio.preprocessing",
    "Program": "envs.program",
    "begin": "cluster.run.launch",
    "load_agent": "cluster.studio.agents",
    "moved": "envs.edits",
    "paint": "cluster.studio.paint",
    "preset": "spiral.presets",
    "recolored": "envs.edits",
    "resume": "cluster.run.launch",
    "sketch": "cluster.studio.sketch",
    "without": "envs.edits",
}

HERE = str(Path(__file__).resolve().parent)
OURS = ("envs", "spiral", "learners", "actors", "cluster", "benchmarks", "examples")  # the last two in a clone alone
WORKER_HOOK = f"{__name__}.claim_names"  # for Ray, which calls it in each new process


class InstalledFirst(MetaPathFinder):
    """Finds our packages beside this file, and others on the search path as it is now."""

    def __init__(self) -> None:
        # The current folder comes first where PYTHONPATH has an empty part, as Ray leaves it to its jobs: it goes last.
        self.path = sorted(sys.path, key=lambda folder: folder in ("", current_folder()))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where the module is; None leaves it to the other finders, and so the parts of a package to the package."""
        if path is not None:
            return None
        return PathFinder.find_spec(fullname, [HERE] if fullname in OURS else self.path)


def current_folder() -> str:
    """Where the command was given; empty if that is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def claim_names() -> None:
    """From now on our names mean our packages in this process."""
    if not any(isinstance(finder, InstalledFirst) for finder in sys.meta_path):
        sys.meta_path.insert(0, InstalledFirst())


# By the import itself, since a process that multiprocessing starts imports what its parent did, and calls nothing.
claim_names()


def __getattr__(name: str) -> Any:
    """One of the names in `PYTHON`, imported now.

    Raises:
        AttributeError: there is no such name.
    """
    if name not in PYTHON:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; for scripts it has {', '.join(PYTHON)}")
    return getattr(import_module(PYTHON[name]), name)


def __dir__() -> list[str]:
    """What is here, and what would be imported."""
    return sorted({*globals(), *PYTHON})


def main() -> None:
    """The command `spiral`."""
    from cluster.cli import main as run

    run()
