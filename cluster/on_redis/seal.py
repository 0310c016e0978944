"""Seals: how a process knows that a value in Redis was put there by its own run, and is whole.

Anyone who can reach a Redis can write to it. So a run seals what it writes with a secret that its processes have from
Ray and that never goes to Redis: a keyed BLAKE2 digest (Aumasson et al., 2013) of the value and of the place where it
belongs. What is damaged, invented, cut off, or moved from another place has no seal that fits, and is refused before a
byte of it is looked at.
"""

from __future__ import annotations

import hashlib
import hmac

SEAL_BYTES = 16


def seal(secret: bytes, place: str, value: bytes) -> bytes:
    """The value with its seal before it.

    Args:
        secret: of the run, at most 64 bytes.
        place: where the value belongs, such as its key.
        value: any bytes.
    """
    return _digest(secret, place, value) + value


def unseal(secret: bytes, place: str, sealed: bytes) -> bytes | None:
    """The value that `seal` was given, or None when the bytes are anything else."""
    value = sealed[SEAL_BYTES:]
    return value if hmac.compare_digest(sealed[:SEAL_BYTES], _digest(secret, place, value)) else None


def _digest(secret: bytes, place: str, value: bytes) -> bytes:
    digest = hashlib.blake2b(key=secret, digest_size=SEAL_BYTES)
    # The length keeps the end of the place apart from the beginning of the value.
    digest.update(b"%d:%b" % (len(place.encode()), place.encode()))
    digest.update(value)
    return digest.digest()
