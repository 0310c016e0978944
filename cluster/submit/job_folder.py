"""Where the run of a job is on the cluster, and what the link to it is called.

Ray hands out what lies below its folder of logs, on the one port to which jobs are sent. A link to the folder of the
run is put there before it begins, so that results need no shared disk and no second port, and are there too while it
trains or after it was killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def folder_of(job: str, words: Sequence[str]) -> Path:
    """The folder of the run on the cluster: what `--out` says, or else `runs/JOB` in the home of who executes it."""
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--out" and (equals or index + 1 < len(words)):
            return Path(value if equals else words[index + 1]).absolute()
    return Path.home() / "runs" / job


def link_name(job: str) -> str:
    """The name of the link in Ray's folder of logs."""
    return f"spiral-{job}"
