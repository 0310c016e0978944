"""Environments of a user's own: a class in a module of theirs, named `module:Class`.

Such a class is a `CanvasEnv` with its settings and its `Episodes`; its vector form follows from the two
(`envs/vector_form.py`). It needs no line in this project (`examples/dots.py` is one). A saved program names its
environment too, but never makes anything be imported: the one who reads it does that.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import gymnasium

from envs.copies import Copyable


class EnvironmentNotFound(ValueError):
    """There is no such class, or it is no environment."""


def is_own(env_id: str) -> bool:
    """Whether the id names a class, `module:Class`, and not an id of Gymnasium."""
    return ":" in env_id


def load_class(env_id: str) -> type[Any]:
    """The class called `module:Class`, whose module is imported, if need be from the current folder.

    Raises:
        EnvironmentNotFound: it is not there, or no `CanvasEnv`.
    """
    module = env_id.partition(":")[0]
    if "" not in sys.path:
        sys.path.append("")  # the current folder, last: nothing in it takes the place of what is installed
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a user's module raises, or a name that no module can have
        why = error if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise EnvironmentNotFound(
            f"environment {env_id!r}: {module or 'a module without a name'} cannot be imported ({why}); run this in "
            f"the folder of {module or 'MODULE'}.py, or put that folder on PYTHONPATH"
        ) from error
    return loaded_class(env_id)


def loaded_class(env_id: str) -> type[Any]:
    """The class called `module:Class`, of a module that was imported before.

    Raises:
        EnvironmentNotFound: it is not there, or no `CanvasEnv`.
    """
    module, _, name = env_id.partition(":")
    if module not in sys.modules:
        raise EnvironmentNotFound(f"environment {env_id!r}: import {module} first")
    found = getattr(sys.modules[module], name, None)
    # `CanvasEnv` by its bases: it makes programs, which look for their environments here.
    if not (isinstance(found, type) and issubclass(found, Copyable) and issubclass(found, gymnasium.Env)):
        raise EnvironmentNotFound(
            f"environment {env_id!r}: {module} has no class {name} that is an envs.canvas_env.CanvasEnv"
        )
    return found
