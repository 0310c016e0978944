"""The command for a run on a cluster: `spiral submit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

submit_app = typer.Typer()


@submit_app.command()
def submit(
    address: Annotated[
        str, typer.Option(envvar="RAY_API_SERVER_ADDRESS", help="The cluster's job server: http://HEAD:8265.")
    ],
    words: Annotated[list[str] | None, typer.Argument(metavar="-- train ...", help="What is sent.")] = None,
    job: Annotated[str | None, typer.Option(help="A job that was sent before, in place of a command.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where its files are put here. Default: runs/JOB.")] = None,
    wait: Annotated[bool, typer.Option(help="Show its output to the end, and fetch its files.")] = True,
) -> None:
    """Send a run to a Ray cluster, follow it, and fetch its files: spiral submit --address URL -- train --preset ..."""
    from cluster.submit.client import submit as send

    raise typer.Exit(send(address, words or [], job, out, wait))
