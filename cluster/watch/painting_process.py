"""The process that paints a picture for a watcher: how it is started, what it does, and what it tells.

It is a process of its own so that it can be ended at any moment, gives back all of its memory, and takes nobody along
where a picture is too much for a decoder. It gets the order as a line and then the picture, and answers by frames: a
line of JSON and what belongs to it, each after its length. The page of the watcher gets most of them as they are.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cluster.watch.messages import message
from cluster.watch.orders import Order

# Whoever starts a process of ours imports this module first, so that our packages are ours.
COMMAND = ("-W", "ignore", "-c", "import spiral_painter; from cluster.watch.painting_process import main; main()")
NICENESS = 10  # a training beside it goes first
LENGTH = 4  # bytes of a frame's length
FRAMES_PER_S = 12.0
QUALITY = 85  # of the JPEG that shows the canvas


async def painted(order: Order, picture: bytes) -> AsyncGenerator[bytes]:
    """The frames of a painting, until there are no more. Where the generator is closed, the process is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *COMMAND,
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,  # Ctrl-C is meant for the server, which ends it
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(order.to_line() + picture)
        process.stdin.write_eof()
        del picture  # which may be large
        with suppress(asyncio.IncompleteReadError):
            while True:
                length = int.from_bytes(await process.stdout.readexactly(LENGTH))
                yield await process.stdout.readexactly(length)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()  # until its pipes are closed, too


class Teller:
    """Tells by frames how far a painting is.

    Args:
        out: where they go.
        order: of the painting.
    """

    def __init__(self, out: BinaryIO, order: Order) -> None:
        self._out = out
        self._order = order
        self._shown_at = -1.0
        self._newest: tuple[NDArray[np.uint8], int] | None = None

    def tell(self, kind: str, content: bytes = b"", **head: Any) -> None:
        """Tell one frame."""
        frame = message(kind, painting=self._order.painting, **head).encode() + b"\n" + content
        self._out.write(len(frame).to_bytes(LENGTH) + frame)
        self._out.flush()

    def follow(self, canvas: NDArray[np.uint8], done: int) -> None:
        """Show the canvas, uint8 [height, width, 3], after so many strokes, unless one was shown just now."""
        self._newest = canvas, done
        if time.monotonic() >= self._shown_at + 1 / FRAMES_PER_S:
            self.show()

    def show(self) -> None:
        """Show the newest canvas, if it was not shown yet."""
        if self._newest is None:
            return
        canvas, done = self._newest
        file = io.BytesIO()
        Image.fromarray(canvas).save(file, "JPEG", quality=QUALITY)
        self.tell("painting", file.getvalue(), strokes=done, of=self._order.strokes)
        self._newest, self._shown_at = None, time.monotonic()


def main() -> None:
    """Paint what comes by the standard input, and tell of it by the standard output."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # it ends without a word where nobody listens any more
    os.nice(NICENESS)
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what else is printed is no frame
        order = Order.from_line(sys.stdin.buffer.readline())
        paint_for(order, sys.stdin.buffer.read(), Teller(out, order))


def paint_for(order: Order, picture: bytes, teller: Teller) -> None:
    """Paints a picture as `spiral paint` does, and tells each stroke, the files, and how near it came."""
    from cluster.run.folder import RunError  # not earlier: the server does without
    from cluster.studio.paint import forms, paint, summary
    from cluster.studio.painting.defaults import SIZE
    from envs.pymypaint import PaintError
    from spiral.data.picture_file import PictureError

    try:
        painting = paint(order.file, order.strokes, order.brush, seed=order.seed, follow=teller.follow, content=picture)
    except (PaintError, PictureError, RunError) as error:
        teller.tell("refused", why=str(error))
        return
    teller.show()
    for name, content in forms(painting.program, SIZE).items():
        teller.tell("file", content, name=name)
    said, *_ = summary(painting, painting.program.replay())
    teller.tell("painted", said=said)
