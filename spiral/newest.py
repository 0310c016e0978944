"""Networks that follow a store of weights: whoever acts or judges takes over the newest weights, if they are weights.

What was lost with a process that died, or is of another network, is left alone: the next weights that are published
will do.
"""

from __future__ import annotations

from collections.abc import Callable

from spiral.contracts import Arrays, WeightsError, WeightStore


def load_newest(load: Callable[[Arrays], None], version: int, store: WeightStore, name: str) -> int:
    """The version of the weights that were taken over: the newest of `name` in `store`, or `version` still.

    Args:
        load: takes over weights, or raises `WeightsError` and leaves everything as it was.
        version: of the weights that are there now, -1 for none.
        store: where the newest weights are.
        name: of whose weights they are.
    """
    if store.version(name) <= version:
        return version
    try:
        newest, arrays = store.fetch(name)
        if newest > version:
            load(arrays)
    except (KeyError, WeightsError):
        return version
    return max(newest, version)
