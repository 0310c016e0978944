"""One writer for the folder of a run or a population: a second would mix its rows and checkpoints with the first one's.

The lock is the operating system's, so it ends with the process that holds it, however that ends. Who holds it stands
beside it. On a disk that several hosts share, a lock of another host may not be felt here: so what stands there counts
until that process removes it, or somebody who knows that it has ended.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cluster.run.folder import LOCK, WRITER, RunError, write_text
from spiral.files import read_json


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """This process alone writes to the folder meanwhile, which is made, and goes again if nothing was put into it.

    Raises:
        RunError: another process writes to it, or it cannot be written to.
    """
    with _locked(folder):
        writer = _writer(folder)
        if writer and writer.get("host") != socket.gethostname():
            raise RunError(
                f"{folder} is being written to by {_name(writer)}, as far as can be seen from this host: wait until it "
                f"has ended; if it was killed, remove {folder / WRITER}"
            )
        write_text(folder / WRITER, json.dumps(_this_process()))
        try:
            yield
        finally:
            (folder / WRITER).unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunError(
            f"{folder} is being written to by {_name(_writer(folder))}: wait until it has ended, or end it"
        ) from None
    except OSError as error:
        raise RunError(f"{folder} cannot be made or written to ({error.strerror}): name another folder") from None
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: nobody may come to hold a file without a name
        lock.release()
        with suppress(OSError):  # of the first that is not empty
            for place in made:
                place.rmdir()


def _this_process() -> dict[str, Any]:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"host": socket.gethostname(), "process": os.getpid(), "since": since}


def _writer(folder: Path) -> dict[str, Any]:
    """Who says that it writes to the folder; empty if nobody does, or not legibly."""
    try:
        document = read_json(folder / WRITER)
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _name(writer: dict[str, Any]) -> str:
    if not writer:
        return "another process"
    return f"process {writer.get('process')} on {writer.get('host')} since {writer.get('since')}"
