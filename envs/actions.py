"""An action is a tuple of named discrete choices, one for each head.

Ganin et al. (2018, section 6.4.2) let the agent decide on a stroke as eight discrete sub-actions. This module describes
such a tuple and nothing else, with numpy alone, so that an agent can be built from the description without the
environment, and an environment needs to know of no agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ActionError(ValueError):
    """An action is not in the action space."""


@dataclass(frozen=True)
class Head:
    """One sub-action: a choice among `choices` values, or a cell of `grid` (rows, columns) if it is a location."""

    name: str
    choices: int
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.choices < 2:
            raise ValueError(f"head {self.name!r} has {self.choices} choices; a head needs 2 or more: leave it out")
        if self.grid is not None and self.grid[0] * self.grid[1] != self.choices:
            raise ValueError(
                f"head {self.name!r} has {self.choices} choices, but its grid {self.grid} has another size"
            )


@dataclass(frozen=True)
class ActionSpec:
    """The heads of an action, in the order of the Gymnasium space.

    Attributes:
        heads: the sub-actions; `MultiDiscrete` is over their `choices`.
        decoding_order: names of all heads, in the order in which an agent decides them.
        kind: name of the head that decides what kind of action it is.
        relevant: for each value of the kind head, the names of the heads that count for it.
    """

    heads: tuple[Head, ...]
    decoding_order: tuple[str, ...]
    kind: str
    relevant: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        names = [head.name for head in self.heads]
        if sorted(self.decoding_order) != sorted(names):
            raise ValueError(f"decoding order {self.decoding_order} does not name each of the heads {names} once")
        if self.kind not in names:
            raise ValueError(f"the kind head {self.kind!r} is none of the heads {names}")
        if len(self.relevant) != self.head(self.kind).choices:
            raise ValueError(f"{len(self.relevant)} kinds given, but {self.kind!r} has {self.head(self.kind).choices}")
        unknown = {name for kind in self.relevant for name in kind} - set(names)
        if unknown:
            raise ValueError(f"relevant heads {sorted(unknown)} are none of the heads {names}")

    @property
    def nvec(self) -> NDArray[np.int64]:
        """The number of choices of each head, [heads]."""
        return np.array([head.choices for head in self.heads], np.int64)

    @property
    def mask_table(self) -> NDArray[np.int8]:
        """For each kind of action, 1 for the heads that count, [kinds, heads]."""
        return np.array([[head.name in kind for head in self.heads] for kind in self.relevant], np.int8)

    def index(self, name: str) -> int:
        """The place of the head called `name` in the action tuple."""
        return [head.name for head in self.heads].index(name)

    def head(self, name: str) -> Head:
        """The head called `name`."""
        return self.heads[self.index(name)]

    def check(self, actions: NDArray[Any]) -> None:
        """Refuses actions of any shape [..., heads] that are not in the action space.

        Raises:
            ActionError: they are no integers, not as many as there are heads, or out of range.
        """
        names = [head.name for head in self.heads]
        if actions.dtype.kind not in "iu" or actions.ndim < 1 or actions.shape[-1] != len(names):
            raise ActionError(
                f"actions are {actions.dtype} of shape {actions.shape}; give whole numbers for {', '.join(names)}"
            )
        if (actions < 0).any() or (actions >= self.nvec).any():
            *place, head = np.argwhere((actions < 0) | (actions >= self.nvec))[0]
            value, highest = actions[(*place, head)], self.nvec[head] - 1
            where = "".join(f" of action {number}" for number in place)
            raise ActionError(f"{names[head]}{where} is {value}; it must be from 0 to {highest}")

    def mask(self, actions: NDArray[np.integer[Any]]) -> NDArray[np.int8]:
        """Which sub-actions counted, int8 [..., heads], for actions of shape [..., heads]."""
        mask: NDArray[np.int8] = self.mask_table[actions[..., self.index(self.kind)]]
        return mask

    def to_json(self) -> dict[str, Any]:
        """The specification as plain JSON values."""
        heads = [{"name": h.name, "choices": h.choices, "grid": list(h.grid) if h.grid else None} for h in self.heads]
        return {
            "heads": heads,
            "decoding_order": list(self.decoding_order),
            "kind": self.kind,
            "relevant": [list(kind) for kind in self.relevant],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ActionSpec:
        """The specification that `to_json` wrote."""
        heads = tuple(
            Head(h["name"], int(h["choices"]), tuple(h["grid"]) if h["grid"] else None) for h in document["heads"]
        )
        relevant = tuple(tuple(kind) for kind in document["relevant"])
        return cls(heads, tuple(document["decoding_order"]), document["kind"], relevant)


def paint_action_spec(grid_size: int, num_brush_sizes: int, color: bool, control: bool = True) -> ActionSpec:
    """The sub-actions of the painting environment (section 6.4.2 and the published environment).

    Heads with one choice are left out: a single brush size needs no decision, grey-scale has no colours. Without
    `control` a painting action only says where its stroke ends.
    """
    grid = (grid_size, grid_size)
    heads = [Head("control", grid_size**2, grid)] if control else []
    heads += [Head("end", grid_size**2, grid), Head("flag", 2), Head("pressure", 10)]
    if num_brush_sizes > 1:
        heads.append(Head("size", num_brush_sizes))
    if color:
        heads += [Head("red", 20), Head("green", 20), Head("blue", 20)]
    names = [head.name for head in heads]
    published_order = ("flag", "end", "control", "size", "pressure", "red", "green", "blue")
    order = tuple(name for name in published_order if name in names)
    return ActionSpec(tuple(heads), order, "flag", (("end", "flag"), tuple(names)))
