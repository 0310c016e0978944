"""`spiral submit`: a run sent to a cluster as a job of Ray, followed to its end, its results fetched.

Everything goes through the cluster's job server, over HTTP: the command there, its output back, and the files of the
run, which Ray serves because `cluster/submit/job.py` links them into its folder of logs. The project itself is not
sent: it has a compiled part, so it is in the image of the nodes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from cluster.on_redis.connection import hide_password
from cluster.run.folder import LOCK, WRITER, RunError, RunFolder
from cluster.run.folder_lock import only_writer
from cluster.submit.job_folder import link_name
from spiral.files import folder_written_whole

POLL_INTERVAL_S = 0.5
REQUEST_TIMEOUT_S = 600
CHUNK_BYTES = 2**20
INTERRUPTED = 130


class SubmitError(RuntimeError):
    """A job that cannot be sent, followed or fetched; the message says what to do."""


def submit(address: str, words: Sequence[str], job: str | None, out: Path | None, wait: bool) -> int:
    """The exit status of a job; 0 of one that is not awaited, 130 when Ctrl-C ended the waiting.

    Args:
        address: of the cluster's job server, `http://…`.
        words: the command to be sent, which begins with `train`.
        job: in place of a command, a job that was sent before.
        out: where the folder of the run is put on this machine; None is `runs/JOB`.
        wait: whether to follow the job to its end; of a job that was sent before, what there is now is fetched without.

    Raises:
        SubmitError: the options contradict each other, or the cluster does not do its part.
        RunError: `out` is not empty, cannot be written to, or another process writes to it.
    """
    check_words(words, job)
    name = job or uuid.uuid4().hex[:8]
    folder = RunFolder(out or Path("runs") / name)
    folder.require_empty()
    again = f"spiral submit --address {address} --job {name} --out {folder.path}"
    ways = f"Follow and fetch: {again}\nStop:             ray job stop --address {address} {name}"
    with cluster_errors(address):
        client = connect(address)
        if job is None:
            # -P: whatever lies where the node was started is no part of the command.
            entrypoint = ["python", "-P", "-m", "cluster.submit.job", name, *words]
            client.submit_job(entrypoint=shlex.join(entrypoint), submission_id=name)
            typer.echo(f"Job {name} was sent to {address}.\n{ways}")
            if not wait:
                return 0
        try:
            status = follow(client, name) if wait else 0
            with only_writer(folder.path):
                folder.require_empty()  # it may have been hours
                typer.echo(fetch(client, name, folder.path))
        except KeyboardInterrupt:
            typer.echo(f"\nThe job goes on.\n{ways}", err=True)
            return INTERRUPTED
    return status


def check_words(words: Sequence[str], job: str | None) -> None:
    """Refuses a command that cannot be sent.

    Raises:
        SubmitError: it is missing, not `train`, beside `--job`, or shows a password.
    """
    if job is not None and words:
        raise SubmitError(f"--job {job} names a job that was sent before: leave out {shlex.join(words)!r}")
    if job is None and list(words[:1]) != ["train"]:
        raise SubmitError(
            f"{shlex.join(words)!r} cannot be sent: after -- comes `train` with its options, or give --job for a job "
            "that was sent before"
        )
    if any(hide_password(word) != word for word in words):
        raise SubmitError(
            "the command of a job is shown to all who may look at the cluster: leave the address of Redis out, and set "
            "SPIRAL_REDIS where the nodes are started"
        )


def connect(address: str) -> Any:
    """A client of the job server at `address`.

    Raises:
        SubmitError: the address is no URL of one.
    """
    if not address.startswith(("http://", "https://")):
        raise SubmitError(f"--address {address!r} is no job server: give http://HEAD:8265, or a tunnel's end")
    os.environ["RAY_API_SERVER_ADDRESS"] = address  # or Ray would take RAY_ADDRESS
    from ray.job_submission import JobSubmissionClient

    logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.WARNING)  # it reports the end of the output
    return JobSubmissionClient(address)


def follow(client: Any, job: str) -> int:
    """The exit status of a job, whose output is printed until it ends."""

    async def print_output() -> None:
        async for lines in client.tail_job_logs(job):
            typer.echo(lines, nl=False)

    client.get_job_status(job)  # fails where there is no such job
    asyncio.run(print_output())
    while not (details := client.get_job_info(job)).status.is_terminal():
        time.sleep(POLL_INTERVAL_S)
    if details.status == "SUCCEEDED":
        return 0
    typer.echo(f"Job {job} {str(details.status).lower()}: {details.message}", err=True)
    return int(details.driver_exit_code or 1)


def fetch(client: Any, job: str, folder: Path) -> str:
    """What became of the files of a job's run, which are copied into `folder`: all of them, or none.

    Raises:
        SubmitError: the cluster does not give them.
    """
    node = client.get_job_info(job).driver_node_id
    names = list(_files(client, node, link_name(job))) if node else []
    if not names:
        return f"Job {job} has no files (yet)."
    with folder_written_whole(folder, {LOCK, WRITER}.__contains__) as partial:
        for name in names:
            target = partial / PurePosixPath(name).relative_to(link_name(job))
            target.parent.mkdir(parents=True, exist_ok=True)
            parameters = {"node_id": node, "filename": name, "lines": -1, "timeout": REQUEST_TIMEOUT_S}
            with _get(client, "/api/v0/logs/file", parameters) as answer, target.open("wb") as file:
                for chunk in answer.iter_content(CHUNK_BYTES):
                    file.write(chunk)
    return f"Results: {len(names)} files in {folder}; measure them with spiral eval --run {folder}"


def _files(client: Any, node: str, folder: str) -> Iterator[str]:
    """The names of all files below a folder among the logs of a node, but for those that are being written."""
    answer = _get(client, "/api/v0/logs", {"node_id": node, "glob": f"{folder}/*"}).json()
    for name in sorted(name for names in answer["data"]["result"].values() for name in names):
        path = PurePosixPath(name)
        if path.parent != PurePosixPath(folder) or path.name == "..":
            raise SubmitError(f"the cluster names a file {name!r} where one of {folder!r} was asked for")
        if path.name.startswith("."):
            continue
        if name.endswith("/"):
            yield from _files(client, node, str(path))
        else:
            yield name


def _get(client: Any, path: str, parameters: dict[str, Any]) -> Any:
    """The answer of the job server, with the client's own token and certificates."""
    answer = client._do_request("GET", path, params=parameters, stream=True)
    if answer.status_code != 200:
        raise SubmitError(f"the cluster did not hand out {parameters}: {answer.text[:200]}")
    return answer


@contextmanager
def cluster_errors(address: str) -> Iterator[None]:
    """Turns what goes wrong on the way to a job server into a `SubmitError` that says what to do.

    Connections that fail are `OSError`s; Ray raises a `RuntimeError` for an answer that is none.
    """
    from ray.exceptions import AuthenticationError

    try:
        yield
    except (SubmitError, RunError):
        raise
    except AuthenticationError:
        raise SubmitError(
            f"the cluster at {address} asks for its token: export RAY_AUTH_MODE=token and RAY_AUTH_TOKEN, the one that "
            "its nodes were started with"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SubmitError(
            f"no job server does its part at {address} ({str(error).strip().splitlines()[0]}): start one with "
            "`ray start --head`, or correct --address or --job"
        ) from None
