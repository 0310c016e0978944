"""Copies of a run's checkpoints at a URL, which are left when the machine that directed the run is not.

fsspec knows the URLs: `s3://`, `gs://`, `sftp://`, `file://` and more, some with a package of their own. Most of these
stores cannot rename a folder, so a copy counts when its `run.json` is there, which comes last and goes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec

from cluster.run.folder import RunError
from learners.checkpoint import DOCUMENT, NAME, is_ours
from spiral.files import OutputError, folder_written_whole

KEEP = 3


class CheckpointCopies:
    """The newest checkpoints of a run in the folder that `url` names.

    A store has no lock that would end with a process, so a second run that puts copies there is found by what it puts.

    Raises:
        RunError: fsspec does not know the URL, or the folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._store: Any
            self._store, self._root = fsspec.url_to_fs(url)
            self._store.makedirs(self._root, exist_ok=True)
            self._known = set(self._names())
        except Exception as error:  # each kind of store fails in ways of its own
            raise RunError(
                f"--checkpoints {url} cannot be written to ({error or type(error).__name__}): give a URL that fsspec "
                "knows, such as file:///path or s3://bucket/path, and install the package that it names"
            ) from None

    def require_empty(self) -> None:
        """Refuses a store with copies of another run, among which those of a new one would be lost.

        Raises:
            RunError: naming the newest.
        """
        if self._known:
            raise RunError(
                f"--checkpoints {self.url} holds copies of another run (the newest is {max(self._known)}): go on with "
                "it by --resume and another --out, or give another URL"
            )

    def put(self, checkpoint: Path) -> None:
        """Copies the checkpoint in the folder `checkpoint`; of older copies the newest stay.

        Raises:
            OSError: the store does not take it, or another run has put a copy there.
        """
        with _as_of_the_system():
            self._put(checkpoint)

    def _put(self, checkpoint: Path) -> None:
        strange = set(self._names()) - self._known
        if strange:
            raise OSError(f"another run has put {max(strange)} there, so end one of the two")
        self._known.add(checkpoint.name)
        place = f"{self._root}/{checkpoint.name}"
        self._remove(checkpoint.name)
        self._store.makedirs(place, exist_ok=True)
        for file in sorted(checkpoint.iterdir()):
            if file.name != DOCUMENT:
                self._store.put_file(str(file), f"{place}/{file.name}")
        self._store.put_file(str(checkpoint / DOCUMENT), f"{place}/.{DOCUMENT}")
        self._store.mv(f"{place}/.{DOCUMENT}", f"{place}/{DOCUMENT}")
        for old in self._names()[:-KEEP]:
            self._remove(old)

    def fetch_newest(self, folder: Path) -> bool:
        """Whether there was a copy, the newest of which is then a checkpoint in `folder`.

        Raises:
            OSError: the store does not give it.
        """
        with _as_of_the_system():
            names = [name for name in self._names() if self._store.exists(f"{self._root}/{name}/{DOCUMENT}")]
        if not names:
            return False
        with _as_of_the_system(), folder_written_whole(folder / names[-1], is_ours) as unfinished:
            for path in self._store.ls(f"{self._root}/{names[-1]}", detail=False):
                self._store.get_file(path, str(unfinished / Path(path).name))
        return True

    def _names(self) -> list[str]:
        self._store.invalidate_cache()
        found = (Path(path).name for path in self._store.ls(self._root, detail=False))
        return sorted(name for name in found if NAME.fullmatch(name))

    def _remove(self, name: str) -> None:
        """Removes the files of a copy, its `run.json` first; what else is in its folder stays."""
        place = f"{self._root}/{name}"
        if not self._store.exists(place):
            return
        found = [Path(path).name for path in self._store.ls(place, detail=False)]
        for file in sorted(found, key=lambda file: file != DOCUMENT):
            if is_ours(file.removeprefix(".")):
                self._store.rm_file(f"{place}/{file}")
        with suppress(OSError, NotImplementedError):  # not empty, or a store that has no folders
            self._store.rmdir(place)


@contextmanager
def _as_of_the_system() -> Iterator[None]:
    """Turns whatever a store raises into an `OSError`, without which a run would end for the sake of a copy."""
    try:
        yield
    except (OSError, OutputError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
