"""The pictures of a live feed as bytes: a header, and raw arrays.

Whoever reads takes the bytes of a stranger: lengths are checked before anything is allocated, numbers before anything
is done with them, and nothing is ever unpickled. What does not look exactly as expected is a `FeedError`.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from cluster.run.feed.texts import Description, FeedError
from envs.actions import ActionError
from spiral.contracts import Glimpse

# magic, episode, worker, member, version, length, first, commands, heads, height, width, channels, target, painted
GLIMPSE = struct.Struct("<4sQIIqIIHHHHBBd")
GLIMPSE_MAGIC = b"SPG1"
SHEET = struct.Struct("<4sQHH")  # magic, frames, height, width
SHEET_MAGIC = b"SPS1"
MAX_SHEET_PIXELS = 2**23


def pack_glimpse(glimpse: Glimpse) -> bytes:
    """A glimpse as bytes."""
    _, height, width, channels = glimpse.canvases.shape
    header = GLIMPSE.pack(
        GLIMPSE_MAGIC,
        glimpse.episode,
        glimpse.worker,
        glimpse.member,
        glimpse.version,
        glimpse.length,
        glimpse.first,
        *glimpse.actions.shape,
        height,
        width,
        channels,
        glimpse.target is not None,
        glimpse.painted,
    )
    arrays = [glimpse.actions.astype("<i4"), glimpse.canvases]
    if glimpse.target is not None:
        arrays.append(glimpse.target)
    return b"".join([header, *(array.tobytes() for array in arrays)])


def unpack_glimpse(data: bytes, run: Description) -> Glimpse:
    """The glimpse that `pack_glimpse` gave.

    Raises:
        FeedError: it is none, or of another run.
    """
    if len(data) < GLIMPSE.size:
        raise FeedError(f"a glimpse of {len(data)} bytes; its header alone has {GLIMPSE.size}")
    magic, episode, worker, member, version, length, first, count, heads, *shape, target, painted = GLIMPSE.unpack(
        data[: GLIMPSE.size]
    )
    spec = run.action_spec.spec()
    expected = (GLIMPSE_MAGIC, run.episode_length, len(spec.heads), list(run.shape), int(run.conditional))
    if (magic, length, heads, shape, target) != expected:
        raise FeedError(f"a glimpse of {(magic, length, heads, shape, target)}; this run's are {expected}")
    if not (1 <= count <= length - first and 0 <= painted < 2**40 and version >= -1):
        raise FeedError(f"a glimpse of {count} commands after {first} of {length}, at {painted}, by {version}")
    sizes = [4 * count * heads, (count + 1) * int(np.prod(shape)), target * int(np.prod(shape))]
    if len(data) != GLIMPSE.size + sum(sizes):
        raise FeedError(f"a glimpse of {len(data)} bytes, where {GLIMPSE.size + sum(sizes)} belong")
    body = np.frombuffer(data, np.uint8, offset=GLIMPSE.size)
    numbers, canvases, picture = np.split(body, np.cumsum(sizes)[:2])
    actions = numbers.view("<i4").reshape(count, heads).astype(np.int64)
    try:
        spec.check(actions)
    except ActionError as error:
        raise FeedError(f"in a glimpse, {error}") from None
    return Glimpse(
        episode,
        worker,
        member,
        version,
        length,
        first,
        actions,
        canvases.reshape(count + 1, *shape),
        picture.reshape(shape) if target else None,
        painted,
    )


def pack_sheet(frames: int, sheet: NDArray[np.uint8]) -> bytes:
    """A contact sheet uint8 [H, W, 3] as bytes.

    Raises:
        FeedError: it has another shape or is too large.
    """
    data = SHEET.pack(SHEET_MAGIC, frames, *sheet.shape[:2]) + sheet.tobytes()
    unpack_sheet(data)
    return data


def unpack_sheet(data: bytes) -> tuple[int, NDArray[np.uint8]]:
    """At how many frames a contact sheet was made, and the sheet, uint8 [H, W, 3].

    Raises:
        FeedError: it is none.
    """
    if len(data) < SHEET.size:
        raise FeedError(f"a contact sheet of {len(data)} bytes; its header alone has {SHEET.size}")
    magic, frames, height, width = SHEET.unpack(data[: SHEET.size])
    pixels = height * width
    if magic != SHEET_MAGIC or not 1 <= pixels <= MAX_SHEET_PIXELS or len(data) != SHEET.size + 3 * pixels:
        raise FeedError(f"a contact sheet of {len(data)} bytes that begins with {data[: SHEET.size]!r}")
    return frames, np.frombuffer(data, np.uint8, offset=SHEET.size).reshape(height, width, 3)
