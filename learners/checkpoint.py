"""Checkpoints: everything that a run needs to go on, as safetensors files in one folder.

A checkpoint is written into a temporary folder, which is then renamed: it is there whole or not at all. Reading runs no
code from it. The files are named after the parts of a run (`agent`, `policy`, `rewards`, `replay`,
`rollout-0`, …); `run.json` holds the settings, the counters and what is needed to tell whether the checkpoint fits.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from envs.actions import ActionSpec
from spiral.contracts import Arrays
from spiral.descent import require_finite
from spiral.files import folder_written_whole, read_json, remove_ours
from spiral.state import in_order

FORMAT = 2  # 1 had other settings, and agents with a ReLU before the LSTM
DOCUMENT = "run.json"
NAME = re.compile(r"\d{12}")
UNFINISHED = re.compile(r"\.\w+\.\d{12}")  # left by a run that was killed, see spiral/files.py
SUFFIX = ".safetensors"


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or of another kind of run."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        path: its folder.
        document: settings, counters, action heads and canvas shape, as plain JSON values.
        parts: the arrays of each part.
    """

    path: Path
    document: dict[str, Any]
    parts: dict[str, Arrays]

    def part(self, name: str) -> Arrays:
        """The arrays of one part.

        Raises:
            CheckpointError: there is no such part.
        """
        if name not in self.parts:
            raise CheckpointError(f"{self.path} has no part {name!r}; it has {', '.join(sorted(self.parts)) or 'none'}")
        return self.parts[name]

    def way_out(self) -> str:
        """What to do about a checkpoint that is damaged."""
        return _way_out(self.path)

    def require(self, spec: ActionSpec, canvas_shape: tuple[int, int, int]) -> None:
        """Refuses a checkpoint of an agent with other actions or another canvas.

        Raises:
            CheckpointError: naming the heads or the shapes of both.
        """
        try:
            saved = ActionSpec.from_json(self.document["action_spec"])
            shape = tuple(self.document["canvas_shape"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.path / DOCUMENT} is damaged ({error!r}); {self.way_out()}") from None
        if saved != spec:
            raise CheckpointError(
                f"{self.path} is of an agent with the heads {_describe(saved)}, but the environment has "
                f"{_describe(spec)}: use the settings that it was trained with"
            )
        if shape != canvas_shape:
            raise CheckpointError(
                f"{self.path} is of canvases of shape {shape}, but the environment has {canvas_shape}"
            )


def save_checkpoint(
    folder: Path, order: int, document: Mapping[str, Any], parts: Mapping[str, Arrays], keep: int = 3
) -> Path:
    """The folder of the new checkpoint, `folder/<order in 12 digits>`; of older ones the newest stay, `keep` in all.

    Args:
        folder: where the checkpoints of a run are.
        order: what grows from checkpoint to checkpoint, the frames so far.
        document: plain JSON values; `action_spec` and `canvas_shape` must be among them.
        parts: the arrays of each part, by name.
        keep: how many checkpoints to keep.

    Raises:
        DivergedError: a number is not finite; the older checkpoints stay as they are.
        OSError: the disk takes no more; the older ones stay too.
    """
    final = _add_checkpoint(folder, order, document, parts)
    for old in _names(folder)[:-keep]:
        _remove_checkpoint(folder / old)
    return final


def save_only_checkpoint(folder: Path, order: int, document: Mapping[str, Any], parts: Mapping[str, Arrays]) -> Path:
    """As `save_checkpoint`, but none stays beside it, not even a newer one: the run goes on as something else."""
    final = _add_checkpoint(folder, order, document, parts)
    for other in _names(folder):
        if other != final.name:
            _remove_checkpoint(folder / other)
    return final


def _add_checkpoint(folder: Path, order: int, document: Mapping[str, Any], parts: Mapping[str, Arrays]) -> Path:
    for name, arrays in parts.items():
        require_finite(f"the part {name!r} of a checkpoint", arrays)
    final = folder / f"{order:012d}"
    for entry in folder.glob(".*"):
        if UNFINISHED.fullmatch(entry.name):
            remove_ours(entry, is_ours)
    with folder_written_whole(final, is_ours) as unfinished:
        write_checkpoint(unfinished, document, parts)
    return final


def _remove_checkpoint(path: Path) -> None:
    """Removes what is ours; from the beginning it is no checkpoint any more."""
    if not path.is_symlink():
        (path / DOCUMENT).unlink(missing_ok=True)
    remove_ours(path, is_ours)


def is_ours(name: str) -> bool:
    """Whether a file of this name in the folder of a checkpoint is part of it, and not put there by someone else."""
    return name == DOCUMENT or name.endswith(SUFFIX)


def write_checkpoint(folder: Path, document: Mapping[str, Any], parts: Mapping[str, Arrays]) -> None:
    """Writes the files of a checkpoint into an existing folder, down to the disk.

    Raises:
        OSError: the disk takes no more.
    """
    for name, arrays in parts.items():
        try:
            save_file(in_order(arrays), folder / f"{name}{SUFFIX}")
        except SafetensorError as error:  # the disk's refusal, in words of another language
            raise OSError(str(error).removeprefix("Error while serializing: ")) from None
        _sync(folder / f"{name}{SUFFIX}")
    text = json.dumps({"format": FORMAT, "parts": sorted(parts), **document}, indent=1)
    (folder / DOCUMENT).write_text(text, encoding="utf-8")
    _sync(folder / DOCUMENT)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is a checkpoint in `folder`."""
    return bool(_names(folder))


def latest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint in `folder`.

    Raises:
        CheckpointError: there is none.
    """
    names = _names(folder)
    if not names:
        raise CheckpointError(f"there is no checkpoint in {folder}: train first, or name the folder of another run")
    return folder / names[-1]


def load_checkpoint(path: Path, only: tuple[str, ...] | None = None) -> Checkpoint:
    """The checkpoint in the folder `path`, with all its parts or `only` some.

    Raises:
        CheckpointError: it is missing, damaged or of a newer format.
    """
    document = _read_document(path)
    wanted = document["parts"] if only is None else [name for name in document["parts"] if name in only]
    return Checkpoint(path, document, {name: _read_part(path / f"{name}.safetensors") for name in wanted})


def _read_document(path: Path) -> dict[str, Any]:
    file = path / DOCUMENT
    try:
        document = read_json(file)
    except OSError as error:
        raise CheckpointError(f"{path} is no checkpoint: {file} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise CheckpointError(f"{file} is damaged ({error}); {_way_out(path)}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        given = document.get("format") if isinstance(document, dict) else document
        raise CheckpointError(f"{file} has format {given!r:.40}; this version reads format {FORMAT}")
    lacking = [name for name in ("parts", "config", "action_spec", "canvas_shape") if name not in document]
    if lacking:
        raise CheckpointError(f"{file} is damaged (it lacks {', '.join(lacking)}); {_way_out(path)}")
    parts = document["parts"]
    if not isinstance(parts, list) or not all(isinstance(name, str) for name in parts):
        raise CheckpointError(f"{file} is damaged (parts is {parts!r:.40}, no list of names); {_way_out(path)}")
    fingerprint = document.get("brush_fingerprint")  # the checkpoints of older releases have none
    if not isinstance(fingerprint, str | None):
        raise CheckpointError(
            f"{file} is damaged (brush_fingerprint is {fingerprint!r:.40}, no text); {_way_out(path)}"
        )
    return document


def _read_part(file: Path) -> Arrays:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} is missing or damaged ({error}); {_way_out(file.parent)}") from None


def _way_out(path: Path) -> str:
    older = [name for name in _names(path.parent) if name < path.name]
    if older:
        return f"remove {path} to go on from {path.parent / older[-1]}"
    return "there is no older checkpoint beside it: start a new run"


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(
        entry.name for entry in folder.iterdir() if NAME.fullmatch(entry.name) and (entry / DOCUMENT).exists()
    )


def _describe(spec: ActionSpec) -> str:
    return ", ".join(f"{head.name} ({head.choices})" for head in spec.heads)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
