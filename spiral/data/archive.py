"""Data sets as they are published: zip archives of pictures, read where they lie or from the folders they unpack to."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from spiral.data.decode import SUFFIXES
from spiral.data.pictures import DatasetCorrupt, DatasetMissing
from spiral.files import folder_written_whole, written_whole


class Archive:
    """The pictures of `folder/name.zip`, or of the folder `folder/name`; the zip wins. A context manager.

    A picture is called by its path inside the archive, without the folder `name` that some archives have on top.

    Raises:
        DatasetMissing: there is neither.
        DatasetCorrupt: the zip is damaged.
    """

    def __init__(self, folder: Path, name: str) -> None:
        path = locate(folder, name)
        if path is None:
            raise DatasetMissing(f"{folder} has no {name}.zip and no folder {name}")
        self.path = path
        self._top = f"{name}/"
        try:
            self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DatasetCorrupt(f"{path} is damaged or no zip archive ({error}): put a whole copy there") from None
        self._members = set(self._zip.namelist()) if self._zip else set()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._zip:
            self._zip.close()

    def pictures(self) -> list[str]:
        """The names of the pictures, sorted."""
        if self._zip:
            names = [member.removeprefix(self._top) for member in self._members]
        else:
            names = [path.relative_to(self.path).as_posix() for path in self.path.rglob("*")]
        return sorted(name for name in names if name.lower().endswith(SUFFIXES))

    def read(self, name: str) -> bytes:
        """The file of a picture; threads may read at the same time.

        Raises:
            DatasetCorrupt: it is not there or damaged.
        """
        try:
            if self._zip is None:
                return (self.path / name).read_bytes()
            return self._zip.read(self._top + name if self._top + name in self._members else name)
        except (KeyError, FileNotFoundError):
            raise DatasetCorrupt(f"{self.path} lacks {name}: put a whole copy there") from None
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise DatasetCorrupt(f"{name} in {self.path} is damaged ({error}): put a whole copy there") from None


def locate(folder: Path, name: str) -> Path | None:
    """`name.zip` or the folder `name`, whichever is there."""
    forms = (folder / f"{name}.zip", folder / name)
    return forms[0] if forms[0].is_file() else forms[1] if forms[1].is_dir() else None


def lacking(folder: Path, archives: Sequence[str], files: Sequence[str]) -> list[str]:
    """What is not in the folder, of these archives in either form and these files."""
    absent = [f"{name}.zip" for name in archives if locate(folder, name) is None]
    return absent + [name for name in files if not (folder / name).is_file()]


def install(source: Path, target: Path, archives: Sequence[str], files: Sequence[str], md5: Mapping[str, str]) -> Path:
    """The folder `target`, with the archives and files of `source` once all are there and have the published checksums.

    Args:
        source: the folder that has them; where it is `target` itself, they are only checked.
        target: the folder of the data set.
        archives: names without `.zip`; a folder of that name is as good, and has no checksum.
        files: names of the other files.
        md5: the published checksums, by file name.

    Raises:
        DatasetMissing: `source` lacks one of them.
        DatasetCorrupt: a checksum is another; then nothing is copied.
        OutputError: `target` has a folder with other files where one of `source` belongs; it stays as it is.
    """
    absent = lacking(source, archives, files)
    if absent:
        raise DatasetMissing(f"{source} lacks {', '.join(absent)}: name a folder that has all, with --from FOLDER")
    paths = [*filter(None, (locate(source, name) for name in archives)), *(source / name for name in files)]
    for path in paths:
        _check(path, md5)
    if source.resolve() != target.resolve():
        for path in paths:
            if path.is_dir():
                copy_folder(path, target / path.name)
                _remove_damaged(target / f"{path.name}.zip", md5)
                continue
            with written_whole(target / path.name) as unfinished:
                shutil.copyfile(path, unfinished)
    return target


def copy_folder(source: Path, target: Path) -> None:
    """Copies a folder to where there is none; one that has the same files already is left as it is.

    Raises:
        OutputError: `target` has other files; it stays as it is.
    """
    if target.is_dir() and _sizes(target) == _sizes(source):
        return
    with folder_written_whole(target) as unfinished:
        shutil.copytree(source, unfinished, dirs_exist_ok=True)


def _sizes(folder: Path) -> dict[str, int]:
    """The sizes in bytes of all files below a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def _remove_damaged(archive: Path, md5: Mapping[str, str]) -> None:
    """Removes an archive that is damaged, since it would win over the folder; a whole one may win."""
    if not archive.is_file():
        return
    with suppress(DatasetCorrupt):
        _check(archive, md5)
        if zipfile.is_zipfile(archive):
            return
    archive.unlink()


def _check(path: Path, md5: Mapping[str, str]) -> None:
    if path.is_dir() or path.name not in md5:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    if digest != md5[path.name]:
        raise DatasetCorrupt(
            f"{path} is not the published {path.name}: its MD5 is {digest}, and {md5[path.name]} is expected: "
            "put a whole copy there"
        )
