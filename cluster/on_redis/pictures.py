"""Pictures as records for Redis: a seal, a header of 12 bytes, and the raw pixels of render and target.

Nothing is unpickled. A record whose seal, length or header does not fit is none, and no pixel of it is looked at.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from cluster.on_redis.connection import MAX_VALUE_BYTES
from cluster.on_redis.seal import SEAL_BYTES, seal, unseal
from learners.replay import ReplayError, check_batch
from spiral.contracts import Renders

HEADER = struct.Struct("<4sHHHBx")  # magic, height, width, channels, whether a target follows
MAGIC = b"SPR1"


class PictureFormat:
    """How pictures of one kind are records.

    Args:
        canvas_shape: height, width and channels.
        with_targets: whether each render has a target.
        secret: of the run, see `cluster/on_redis/seal.py`.
        place: the key that the records are for.

    Attributes:
        record_bytes: the length of each record.

    Raises:
        ReplayError: the pictures are too large for Redis.
    """

    def __init__(self, canvas_shape: tuple[int, int, int], with_targets: bool, secret: bytes, place: str) -> None:
        self._pixels = int(np.prod(canvas_shape))
        self._value_bytes = HEADER.size + self._pixels * (1 + with_targets)
        self.record_bytes = SEAL_BYTES + self._value_bytes
        if max(canvas_shape) > 65535 or self.record_bytes > MAX_VALUE_BYTES:
            raise ReplayError(f"pictures of {canvas_shape} are too large for Redis: a record has at most 512 MiB")
        self._header = HEADER.pack(MAGIC, *canvas_shape, with_targets)
        self._canvas_shape = canvas_shape
        self._with_targets = with_targets
        self._secret = secret
        self._place = place

    def __str__(self) -> str:
        return f"pictures of {self._canvas_shape} {'with' if self._with_targets else 'without'} targets"

    def check(self, batch: Renders) -> None:
        """Returns when the pictures are of this kind.

        Raises:
            ReplayError: they have another shape or type.
        """
        check_batch(batch, self._canvas_shape, self._with_targets)

    def pack(self, batch: Renders) -> list[bytes]:
        """A record of each picture of a batch that was checked."""
        count = len(batch)
        header = np.frombuffer(self._header, np.uint8)
        parts = [np.broadcast_to(header, (count, HEADER.size)), batch.renders.reshape(count, self._pixels)]
        if batch.targets is not None:
            parts.append(batch.targets.reshape(count, self._pixels))
        rows = np.concatenate(parts, axis=1)
        return [seal(self._secret, self._place, row.tobytes()) for row in rows]

    def well_formed(self, records: list[bytes | None]) -> list[bytes]:
        """What is under the seals of those records that are well-formed, in their order."""
        values = (unseal(self._secret, self._place, record) for record in records if record is not None)
        return [v for v in values if v is not None and len(v) == self._value_bytes and v.startswith(self._header)]

    def unpack(self, values: list[bytes]) -> Renders:
        """The pictures in what `well_formed` gave."""
        table: NDArray[np.uint8] = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), self._value_bytes)
        renders = table[:, HEADER.size : HEADER.size + self._pixels].reshape(-1, *self._canvas_shape)
        if not self._with_targets:
            return Renders(renders, None)
        return Renders(renders, table[:, HEADER.size + self._pixels :].reshape(-1, *self._canvas_shape))

    def malformed(self, record: bytes | None) -> ReplayError:
        """The error about a record, None where its length was another, that is not well-formed."""
        found = "no records of the right length" if record is None else f"{record[SEAL_BYTES:][: HEADER.size]!r}"
        return ReplayError(
            f"key {self._place} holds {found}, and no process of this run has put it there; this run has {self}: "
            "another program writes to it, or another run has the same name"
        )
