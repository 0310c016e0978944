"""What a cluster executes for `spiral submit`: `python -m cluster.submit.job JOB train …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cluster.submit.job_folder import folder_of, link_name


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
