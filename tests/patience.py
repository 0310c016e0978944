"""Waiting for what must come: it is asked for until it is there, and on a slow machine that may take long."""

from __future__ import annotations

import time
from collections.abc import Callable

# Far more than any machine needs: a test that waits for so long says what it waits for, in place of hanging.
PATIENCE_S = 600.0
PATIENCE_MS = 1000 * PATIENCE_S


def wait_until(condition: Callable[[], object], what: str = "what was waited for") -> None:
    """Returns as soon as the condition holds.

    Raises:
        AssertionError: it did not within `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.01)
