"""What a fitted method hands to its reward: options and weights, in one file of a run's folder.

`rewards: [{name: dann, from: runs/dann}]` reads it. It holds arrays and plain JSON, so that nothing is unpickled. Some
methods have one that comes with the package, which `from: shipped` names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from spiral.contracts import Arrays
from spiral.files import parsed_json, written_whole
from spiral.section import ConfigError
from spiral.state import in_order

FILE = "judgement.safetensors"
SHIPPED = "shipped"  # in the place of a folder: the fit that comes with the package
WEIGHTS = files("spiral") / "weights" / "methods"


@dataclass(frozen=True)
class Judgement:
    """What a reward needs of a fitted method.

    Attributes:
        method: whose it is.
        weights: of the reward, as its `load_weights` takes them.
        options: of the reward, without which its networks cannot be made.
    """

    method: str
    weights: Arrays
    options: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write it into the folder.

        Raises:
            OSError: it cannot be written.
        """
        metadata = {"method": self.method, "options": json.dumps(self.options)}
        with written_whole(folder / FILE) as path:
            save_file(in_order(self.weights), path, metadata)


def read_judgement(folder: Path, method: str) -> Judgement:
    """The judgement of `method` in the folder of a run of `spiral fit`.

    Raises:
        ConfigError: there is none, it is of another method, or it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(f"{folder} holds no {FILE}: give the folder that `spiral fit {method} --out` has filled")
    return _read(path, method)


def is_shipped(method: str) -> bool:
    """Whether a fit of the method comes with the package."""
    return (WEIGHTS / f"{method}.safetensors").is_file()


def shipped_judgement(method: str) -> Judgement:
    """The judgement of the fit that comes with the package; `docs/results.md` has its command and figures.

    Raises:
        ConfigError: none of that method does.
    """
    if not is_shipped(method):
        raise ConfigError(
            f"the reward {method!r} needs what its method has learned, and no fit of it comes with the package: run "
            f"`spiral fit {method} --out runs/{method}`, and say rewards: [{{name: {method}, from: runs/{method}}}]"
        )
    with as_file(WEIGHTS / f"{method}.safetensors") as path:
        return _read(path, method)


def _read(path: Path, method: str) -> Judgement:
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        found, options = (
            metadata["method"],
            TypeAdapter(dict[str, Any]).validate_python(parsed_json(metadata["options"])),
        )
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{path} is damaged ({error}): fit {method} anew, or name another folder") from error
    if found != method:
        raise ConfigError(f"{path} is of {found}, and the reward is called {method}: name one after the other")
    return Judgement(method, weights, options)
