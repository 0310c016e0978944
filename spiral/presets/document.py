"""Settings as documents, laid over each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any


def merged(*documents: dict[str, Any]) -> dict[str, Any]:
    """The documents laid over each other, section by section; later ones win."""
    result: dict[str, Any] = {}
    for document in documents:
        for name, value in document.items():
            both = isinstance(value, dict) and isinstance(result.get(name), dict)
            result[name] = merged(result[name], value) if both else value
    return result


def for_data(name: str, make: Callable[[str], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """`make` for the data set of this name, with its docstring."""
    made: Callable[[], dict[str, Any]] = update_wrapper(partial(make, name), make)
    return made
