"""Files and folders that are never half there, and never take the place of what is not ours.

Each is written under another name beside its place, and renamed when it is whole. What stands there already is treated
as `cp` treats it: a file is replaced, a link leads to the file that is replaced, a device or a pipe is written into. A
folder stays, unless the one who writes can tell which of its files are ours.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LONGEST = 100  # characters of the name that stay in that of the unfinished file: a name may have 255 bytes


class OutputError(ValueError):
    """Nothing can be written to a path without harm to what is there; the message says what to do."""


def read_json(path: Path) -> Any:
    """The document in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no JSON, or nested deeper than Python reads.
    """
    return parsed_json(path.read_text(encoding="utf-8"))


def parsed_json(text: str) -> Any:
    """The document that a text is.

    Raises:
        ValueError: it is no JSON, nested deeper than Python reads, or holds half a character, which nothing writes.
    """
    try:
        document = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise ValueError(f"it holds {half}, which is half of a character and in no text") from None
    return document


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was.

    Raises:
        OutputError: as of `written_whole`.
    """
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path for a file, which takes the place of `path` at the end or goes on an error.

    Raises:
        OutputError: `path` is a folder, read-only, or a link that leads nowhere.
    """
    place = _place(path)
    if place.is_dir():
        raise OutputError(f"{path} is a folder, and no file takes its place: name a file in it, or move it away")
    if place.exists() and not os.access(place, os.W_OK):
        raise OutputError(f"{path} may not be written to: name another file, or change its rights")
    if place.exists() and not place.is_file():
        with tempfile.TemporaryDirectory(prefix="spiral-") as folder:
            yield Path(folder) / path.name
            with (Path(folder) / path.name).open("rb") as whole, place.open("wb") as device:
                shutil.copyfileobj(whole, device)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(place)
    try:
        yield unfinished
        if place.exists():
            shutil.copymode(place, unfinished)
        os.replace(unfinished, place)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path, ours: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """A new folder, which takes the place of `path` at the end or goes on an error.

    Args:
        path: of the folder; an empty one may be there.
        ours: which files of a folder that is there are ours, by their names; these go and all else stays in the new
            one. None is none of them.

    Raises:
        OutputError: `path` is no folder, or one that holds something while none of it is ours.
    """
    place = _place(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished, before = _beside(place), _beside(place)
    unfinished.mkdir()
    try:
        yield unfinished
        if place.exists() and not place.is_dir():
            raise OutputError(f"{path} is no folder: name another one, or move it away")
        if place.exists() and any(place.iterdir()):
            if ours is None:
                raise OutputError(f"{path} is not empty, and what is in it stays: name another folder, or move it away")
            os.replace(place, before)
        os.replace(unfinished, place)
        if before.exists():
            remove_ours(before, ours or (lambda name: False))
            _carry_over(before, place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_ours(folder: Path, ours: Callable[[str], bool]) -> None:
    """Removes the files of a folder that are `ours` by their names, and the folder if it is empty then; links stay."""
    if folder.is_symlink():
        return
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_file() and ours(entry.name):
                entry.unlink()
        folder.rmdir()


def _carry_over(before: Path, place: Path) -> None:
    """Moves what is left in a folder into the one that took its place."""
    with suppress(OSError):
        for entry in before.iterdir():
            os.rename(entry, place / entry.name)
        before.rmdir()


def _place(path: Path) -> Path:
    """What `path` stands for, behind all links.

    Raises:
        OutputError: a link leads nowhere.
    """
    if path.is_symlink() and not path.exists():
        raise OutputError(f"{path} is a link to {os.readlink(path)}, where nothing is: remove the link, or name a file")
    # As it is where that is a pipe or a device: the links of /dev/stdout lead to no path.
    return Path(os.path.realpath(path)) if path.is_file() or path.is_dir() or not path.exists() else path


def _beside(place: Path) -> Path:
    return place.with_name(f".{secrets.token_hex(4)}.{place.name[-LONGEST:]}")
