"""Who waits for whom: the pace of each learned reward beside the policy (thesis, section 6.3.4).

The replay exists so that a reward can train faster than the policy. A floor says how much faster it must, and a ceiling
how much it may; in between it takes what its process can.
"""

from __future__ import annotations

from collections.abc import Mapping

from spiral.config import Pace, RewardTerm


def least_steps(terms: Mapping[str, RewardTerm]) -> dict[str, int]:
    """How many steps each learned reward takes for a policy step where both share one process: its floor, or one."""
    return {key: max(1, term.pace.floor) for key, term in terms.items()}


class Pacing:
    """Counts the steps of the policy and of the learned rewards since it was made.

    Args:
        paces: of the learned rewards, by name.
    """

    def __init__(self, paces: Mapping[str, Pace]) -> None:
        self._paces = paces
        self._asked = dict.fromkeys(paces, 0)
        self._taken = dict.fromkeys(paces, 0)
        self._policy_steps = 0

    def owed(self, key: str) -> int:
        """How many steps the reward must take before the policy may take its next one."""
        return max(0, self._paces[key].floor * (self._policy_steps + 1) - self._taken[key])

    def policy_may_step(self) -> bool:
        """Whether no reward owes a step."""
        return not any(self.owed(key) for key in self._paces)

    def allowed(self, key: str) -> int | None:
        """How many more steps the reward may be asked for now; None for any number."""
        ceiling = self._paces[key].ceiling
        return None if ceiling is None else max(0, ceiling * (self._policy_steps + 1) - self._asked[key])

    def count_policy_step(self) -> None:
        """The policy was asked for a step."""
        self._policy_steps += 1

    def ask(self, key: str, steps: int) -> None:
        """The reward was asked for so many steps."""
        self._asked[key] += steps

    def take(self, key: str, steps: int) -> None:
        """The reward has answered to so many; those that it could not take, for want of pictures, count as well."""
        self._taken[key] += steps
