"""What a watcher asks for when he brings a picture, looked at before anything is painted.

The picture itself is looked at by the process that paints it: a file is decoded nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Self

from starlette.requests import Request

from envs.settings import SettingsError, whole
from spiral.config import MOST_SEED

MOST_STROKES = 2000  # of a painting that others wait for; `spiral paint` has no such limit
MOST_BYTES = 32 * 2**20  # of a picture's file
UPLOAD_S = 120.0  # within which it must be here
NAME = re.compile(r"[0-9a-f]{32}")
LONGEST_FILE_NAME = 100  # characters, in messages


class Refused(Exception):
    """Something is not done for a watcher; the message says why, and `status` does as HTTP has it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Order:
    """What is to be painted, beside the picture.

    Attributes:
        painting: the name of the painting, 32 hexadecimal digits; whoever knows it may have the files, or stop it.
        file: the name of the picture's file, for messages.
        strokes: how many at most.
        brush: the name of an installed one.
        seed: decides what is tried.
    """

    painting: str
    file: str
    strokes: int
    brush: str
    seed: int

    def to_line(self) -> bytes:
        """A line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The order that `to_line` wrote."""
        return cls(**json.loads(line))


def order_of(request: Request) -> Order:
    """What a request asks for.

    Raises:
        Refused: a part of it is missing or not allowed.
    """
    name, asked = request.path_params["name"], request.query_params
    if not NAME.fullmatch(name):
        raise Refused(404, f"{name!r:.50} is no name of a painting: give 32 hexadecimal digits")
    brush, brushes = asked.get("brush", ""), installed_brushes()
    if brush not in brushes:
        raise Refused(422, f"brush is {brush!r:.100}; give the name of one of the {len(brushes)} that are installed")
    return Order(
        painting=name,
        file=" ".join(asked.get("file", "").split())[:LONGEST_FILE_NAME] or "the picture",
        strokes=_whole("strokes", asked.get("strokes", ""), 1, MOST_STROKES),
        brush=brush,
        seed=_whole("seed", asked.get("seed", ""), 0, MOST_SEED),
    )


async def picture_of(request: Request) -> bytes:
    """The file that comes with a request.

    Raises:
        Refused: it is too large, or too slow.
    """
    content = bytearray()
    async for chunk in _chunks(request):
        if len(content) <= MOST_BYTES:
            content += chunk
    if len(content) > MOST_BYTES:
        most = f"{MOST_BYTES // 2**20} MiB"
        raise Refused(413, f"the file has more than {most}: make the picture smaller, or save it as JPEG")
    return bytes(content)


async def read_away(request: Request) -> None:
    """Reads what comes with a request that is refused, since a browser hears nothing before it has sent all."""
    async for _ in _chunks(request):
        pass


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """What comes with a request; one who sends far more than is allowed is not listened to for longer."""
    size = 0
    try:
        async with asyncio.timeout(UPLOAD_S):
            async for chunk in request.stream():
                size += len(chunk)
                yield chunk
                if size > 2 * MOST_BYTES:
                    return
    except TimeoutError:
        raise Refused(408, f"the picture was not here within {UPLOAD_S:.0f} s: make it smaller") from None


def installed_brushes() -> list[str]:
    """The names of the brushes that are there.

    Raises:
        Refused: nothing here paints.
    """
    try:
        from envs.pymypaint import list_brushes  # the engine is needed by those who paint alone
    except ImportError as error:
        raise Refused(501, str(error)) from None
    return list_brushes()


def _whole(name: str, text: str, low: int, high: int) -> int:
    try:
        return whole(name, int(text) if re.fullmatch(r"[0-9]{1,20}", text) else text[:50], low, high)
    except SettingsError as error:
        raise Refused(422, str(error)) from None
