"""Memory that a learner had once, it keeps.

glibc gives large blocks back to the system as soon as they are free, and the next tensor of that size has to have
every page of it mapped and cleared again: a tenth of a learning step of the small agent, which asks for the same sizes
at every step.
"""

from __future__ import annotations

import ctypes

# From malloc.h. A block above the first limit is mapped on its own; what is free above the second goes back.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
MMAP_THRESHOLD = 32 * 2**20  # the largest that glibc takes
TRIM_THRESHOLD = 2**31 - 1


def keep_memory() -> bool:
    """Make this process keep what it frees, for its own use; whether the C library knows how (glibc does)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD) and mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD))
