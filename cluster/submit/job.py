"""What a cluster executes for `spiral submit`: `python -m cluster.submit.job JOB train …`.

Ray hands out what lies below its folder of logs, on the one port to which jobs are sent. A link to the folder of the
run is put there before it begins, so that results need no shared disk and no second port, and are there too while it
trains or after it was killed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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


def main() -> None:
    """Run the command `spiral` with the words after the job's name, its folder linked for whoever fetches it."""
    import ray

    from cluster.cli import main as run_command
    from cluster.on_ray.start import JOINING

    job, *words = sys.argv[1:]
    folder = folder_of(job, words)
    context: Any = ray.init(**JOINING)  # the run uses this connection
    (Path(context.address_info["session_dir"]) / "logs" / link_name(job)).symlink_to(folder)
    sys.argv = ["spiral", *words, "--out", str(folder)]
    run_command()


if __name__ == "__main__":
    main()
