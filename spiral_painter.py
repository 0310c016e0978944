"""Whose packages `envs`, `spiral`, `cluster` and the others are: here always ours, though others use these names too.

A project of the user's may well have a folder `envs`. It would be found in place of ours where it comes earlier on the
search path: by `PYTHONPATH`, by `python -m`, or in the workers of Ray, which puts the folder in which the command was
given in front of all that is installed. So whoever starts a process of ours imports this module first, which has a name
that nobody else uses. From then on our packages are found beside this file, and what is installed before what Ray adds.
A module of the user's own is found all the same, after these.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

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


def main() -> None:
    """The command `spiral`."""
    from cluster.cli import main as run

    run()
