"""What settings name: a class by a name of ours, or a user's own as `module:Class`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TypeVar

from spiral.section import ConfigError

T = TypeVar("T")


def load_named(name: str, ours: Mapping[str, type[T]], kind: type[T], what: str) -> type[T]:
    """The class that `name` means: one of `ours`, or the subclass of `kind` called `module:Class`.

    Args:
        name: as the settings have it.
        ours: our classes by their names.
        kind: what a user's class must be.
        what: what is asked for, in messages.

    Raises:
        ConfigError: there is none of that name, it cannot be imported, or it is something else.
    """
    if ":" not in name:
        if name not in ours:
            raise ConfigError(f"no {what} {name!r}; there are {', '.join(sorted(ours))}, or module:Class of your own")
        return ours[name]
    module, _, attribute = name.partition(":")
    found = getattr(_import(module, f"{what} {name!r}"), attribute, None)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ConfigError(
            f"{what} {name!r}: {module} has no class {attribute} that is a {kind.__module__}.{kind.__name__}"
        )
    return found


def _import(module: str, who: str) -> ModuleType:
    """The module, if need be from the current folder."""
    if "" not in sys.path:
        sys.path.append("")  # the current folder, last: nothing in it takes the place of what is installed
    try:
        return importlib.import_module(module)
    except Exception as error:  # whatever a user's module raises, or a name that no module can have
        why = error if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"{who}: {module or 'a module without a name'} cannot be imported ({why}); run this in the folder of "
            f"{module or 'MODULE'}.py, or put that folder on PYTHONPATH"
        ) from error
