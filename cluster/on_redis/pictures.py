"""Pictures as records for Redis: a seal, a header of 12 bytes, the raw pixels of render and target, and the program.

Nothing is unpickled. A record whose seal, length or header does not fit is none, and no pixel of it is looked at; nor
is one with an action that the environment does not have.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from cluster.on_redis.connection import MAX_VALUE_BYTES
from cluster.on_redis.seal import SEAL_BYTES, seal, unseal
from learners.replay import ReplayError, check_batch
from spiral.contracts import Renders
from spiral.program_space import ProgramSpace

# Magic, height, width, channels, whether a target follows, and how many numbers each action of a program has.
HEADER = struct.Struct("<4sHHHBB")
NUMBER = np.dtype("<u4")  # of an action
MAGIC = b"SPR1"


class PictureFormat:
    """How pictures of one kind are records.

    Args:
        canvas_shape: height, width and channels.
        with_targets: whether each render has a target.
        programs: which there are, where each render has its own.
        secret: of the run, see `cluster/on_redis/seal.py`.
        place: the key that the records are for.

    Attributes:
        record_bytes: the length of each record.

    Raises:
        ReplayError: the pictures are too large for Redis.
    """

    def __init__(
        self,
        canvas_shape: tuple[int, int, int],
        with_targets: bool,
        programs: ProgramSpace | None,
        secret: bytes,
        place: str,
    ) -> None:
        self._pixels = int(np.prod(canvas_shape))
        self._program_at = HEADER.size + self._pixels * (1 + with_targets)
        length, heads = (0, 0) if programs is None else programs.shape
        self._value_bytes = self._program_at + NUMBER.itemsize * length * heads
        self.record_bytes = SEAL_BYTES + self._value_bytes
        if max(canvas_shape) > 65535 or self.record_bytes > MAX_VALUE_BYTES:
            raise ReplayError(f"pictures of {canvas_shape} are too large for Redis: a record has at most 512 MiB")
        self._header = HEADER.pack(MAGIC, *canvas_shape, with_targets, heads)
        self._canvas_shape = canvas_shape
        self._with_targets = with_targets
        self._programs = programs
        self._secret = secret
        self._place = place

    def __str__(self) -> str:
        programs = "" if self._programs is None else f" and programs of {self._programs.length} actions"
        return f"pictures of {self._canvas_shape} {'with' if self._with_targets else 'without'} targets{programs}"

    def check(self, batch: Renders) -> None:
        """Returns when the pictures are of this kind.

        Raises:
            ReplayError: they have another shape or type.
        """
        check_batch(batch, self._canvas_shape, self._with_targets, self._programs)

    def pack(self, batch: Renders) -> list[bytes]:
        """A record of each picture of a batch that was checked."""
        count = len(batch)
        header = np.frombuffer(self._header, np.uint8)
        parts = [np.broadcast_to(header, (count, HEADER.size)), batch.renders.reshape(count, self._pixels)]
        if batch.targets is not None:
            parts.append(batch.targets.reshape(count, self._pixels))
        if self._programs is not None and batch.actions is not None:
            numbers = np.ascontiguousarray(batch.actions, NUMBER).view(np.uint8)
            parts.append(numbers.reshape(count, self._value_bytes - self._program_at))
        rows = np.concatenate(parts, axis=1)
        return [seal(self._secret, self._place, row.tobytes()) for row in rows]

    def well_formed(self, records: list[bytes | None]) -> list[bytes]:
        """What is under the seals of those records that are well-formed, in their order."""
        values = (unseal(self._secret, self._place, record) for record in records if record is not None)
        good = [v for v in values if v is not None and len(v) == self._value_bytes and v.startswith(self._header)]
        if self._programs is None:
            return good
        there_are = self._actions(self._table(good)) < self._programs.spec.nvec
        return [value for value, fits in zip(good, there_are, strict=True) if fits.all()]

    def unpack(self, values: list[bytes]) -> Renders:
        """The pictures in what `well_formed` gave."""
        table, target_at = self._table(values), HEADER.size + self._pixels
        renders = table[:, HEADER.size : target_at].reshape(-1, *self._canvas_shape)
        targets = (
            table[:, target_at : self._program_at].reshape(-1, *self._canvas_shape) if self._with_targets else None
        )
        return Renders(renders, targets, None if self._programs is None else self._actions(table))

    def _table(self, values: list[bytes]) -> NDArray[np.uint8]:
        """The bytes of each value of the right length, [N, bytes]."""
        return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), self._value_bytes)

    def _actions(self, table: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The programs of the values, int64 [N, T, heads], not negative."""
        assert self._programs is not None, "only those that are kept can be read"
        numbers = np.ascontiguousarray(table[:, self._program_at :]).view(NUMBER)
        return numbers.reshape(len(table), *self._programs.shape).astype(np.int64)

    def malformed(self, record: bytes | None) -> ReplayError:
        """The error about a record, None where its length was another, that is not well-formed."""
        found = "no records of the right length" if record is None else f"{record[SEAL_BYTES:][: HEADER.size]!r}"
        return ReplayError(
            f"key {self._place} holds {found}, and no process of this run has put it there; this run has {self}: "
            "another program writes to it, or another run has the same name"
        )
