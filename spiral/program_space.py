"""Which programs an environment takes: what is kept of them, or comes back from Redis, is checked against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from envs.actions import ActionSpec


@dataclass(frozen=True)
class ProgramSpace:
    """All programs of `length` actions of the heads of `spec`."""

    spec: ActionSpec
    length: int

    @property
    def shape(self) -> tuple[int, int]:
        """Of one program: actions, heads."""
        return self.length, len(self.spec.heads)

    def check(self, programs: NDArray[Any], count: int) -> None:
        """Refuses whatever is not `count` of these programs, whole numbers [count, length, heads].

        Raises:
            ValueError: another shape or type, or an action out of range.
        """
        if programs.shape != (count, *self.shape) or programs.dtype.kind not in "iu":
            raise ValueError(
                f"programs are {programs.dtype} {programs.shape}; they must be whole numbers {(count, *self.shape)}"
            )
        self.spec.check(programs)
