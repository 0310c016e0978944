"""The folder of a run, and what lies where in it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.run.plan import Length
from learners.checkpoint import has_checkpoint, latest_checkpoint, load_checkpoint
from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.files import read_json, write_bytes
from spiral.section import ConfigError

LOCK, WRITER = ".writer.lock", ".writer.json"  # of who writes to a folder now; see `cluster/run/folder_lock.py`


class RunError(ValueError):
    """A folder that cannot be used for what was asked."""


@dataclass(frozen=True)
class RunFolder:
    """Names of everything that a run leaves behind in `path`."""

    path: Path

    @property
    def settings(self) -> Path:
        """The settings and the length, `config.json`."""
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """One JSON document a line, `metrics.jsonl`; see `docs/cluster.md` for the names."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        """The newest checkpoints, each a folder."""
        return self.path / "checkpoints"

    @property
    def sheets(self) -> Path:
        """Contact sheets, named after the frames at which they were made."""
        return self.path / "sheets"

    @property
    def programs(self) -> Path:
        """Some painted programs, to be replayed with `spiral render`."""
        return self.path / "programs"

    @property
    def picture(self) -> Path:
        """The last contact sheet."""
        return self.path / "picture.png"

    @property
    def curve(self) -> Path:
        """The learning curve."""
        return self.path / "curve.png"

    def require_empty(self) -> None:
        """Refuses a folder for a new run that holds anything or cannot be made, and makes nothing yet.

        Raises:
            RunError: there is something in it already, or its place cannot be written to.
        """
        place = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise RunError(f"{self.path} cannot be made, since {place} is no folder that can be written to")
        if place == self.path and any(path.name not in (LOCK, WRITER) for path in self.path.iterdir()):
            raise RunError(f"{self.path} is not empty: go on with --resume, or name another folder with --out")

    def begin(self, config: RunConfig, length: Length) -> None:
        """Make the folders, and write `config.json`."""
        for folder in (self.path, self.sheets, self.programs):
            folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"config": config.model_dump(mode="json"), "length": asdict(length)}, indent=1)
        write_text(self.settings, text)

    def last_part(self, name: str) -> Arrays | None:
        """The arrays of a part in the newest checkpoint, or None when there is no checkpoint yet."""
        if not has_checkpoint(self.checkpoints):
            return None
        return load_checkpoint(latest_checkpoint(self.checkpoints), only=(name,)).part(name)

    def read_settings(self) -> tuple[RunConfig, Length]:
        """The settings and the length of the run in this folder.

        Raises:
            RunError: there is no run here, or its `config.json` is damaged.
        """
        if not self.settings.is_file():
            raise RunError(f"{self.path} holds no run (no {self.settings.name}): start one with `spiral train`")
        try:
            document = read_json(self.settings)
            return parse_config(document["config"]), Length(**document["length"])
        except (ValueError, TypeError, KeyError, ConfigError) as error:
            raise RunError(f"{self.settings} is damaged ({error}): start a new run") from None


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole or as it was."""
    write_bytes(path, text.encode())
