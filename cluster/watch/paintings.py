"""Pictures that watchers bring are painted, one at a time, each before the eyes of the one who brought it alone.

Nothing of it is written to a disk. A picture goes straight to the process that paints it; what comes of it is kept in
memory, the newest few and each for a while, for whoever knows its name. A painting ends when its watcher leaves.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing, suppress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cluster.studio.painting import defaults
from cluster.watch.hub import Watcher, end
from cluster.watch.messages import Message, message
from cluster.watch.orders import (
    MOST_BYTES,
    MOST_STROKES,
    Order,
    Refused,
    installed_brushes,
    order_of,
    picture_of,
    read_away,
)
from cluster.watch.painting_process import painted

KEPT = 8  # paintings, a few MiB each
KEPT_S = 3600.0
BROKE_OFF = "the painting broke off: the terminal in which this page is served may say why"
KINDS = {"json": "application/json", "png": "image/png", "svg": "image/svg+xml", "gif": "image/gif"}


class Paintings:
    """Paints for watchers.

    Args:
        find: gives the watcher of a name, or None if he is not here.
    """

    def __init__(self, find: Callable[[str], Watcher | None]) -> None:
        self._find = find
        self._kept: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._now: str | None = None  # the name of the painting for which others have to wait
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a picture is being painted, so that others have to wait."""
        return self._now is not None

    def routes(self) -> list[Route]:
        """What can be asked for."""
        return [
            Route("/paintings", self._choices),
            Route("/paintings/{name}", self._begin, methods=["PUT"]),
            Route("/paintings/{name}", self._end, methods=["DELETE"]),
            Route("/paintings/{name}/{file}", self._file),
        ]

    async def stop(self) -> None:
        """End what is being painted."""
        if self._task is not None:
            end(self._task)
            await asyncio.wait([self._task])

    async def _choices(self, request: Request) -> Response:
        try:
            brushes = installed_brushes()
        except Refused as refused:
            return _answer(refused)
        return JSONResponse(
            {
                "brushes": brushes,
                "brush": defaults.BRUSH,
                "strokes": defaults.STROKES,
                "most_strokes": MOST_STROKES,
                "most_bytes": MOST_BYTES,
            }
        )

    async def _begin(self, request: Request) -> Response:
        try:
            order = self._accepted(request)
        except Refused as refused:
            with suppress(Refused, ClientDisconnect):
                await read_away(request)
            return _answer(refused)
        self._now = order.painting
        try:
            picture = await picture_of(request)
            self._paint_for(self._watcher(request), order, picture)
        except Refused as refused:
            return _answer(refused)
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody hears
        finally:
            if self._task is None:
                self._now = None
        return Response(status_code=202)

    def _accepted(self, request: Request) -> Order:
        order = order_of(request)
        if order.painting in self._kept:
            raise Refused(409, f"painting {order.painting} is done already: give another name")
        if self.busy:
            raise Refused(503, "another picture is being painted here: try again when it is done")
        return order

    def _watcher(self, request: Request) -> Watcher:
        watcher = self._find(request.query_params.get("watcher", ""))
        if watcher is None:
            raise Refused(409, "the page has lost its connection: try again when it has one")
        return watcher

    def _paint_for(self, watcher: Watcher, order: Order, picture: bytes) -> None:
        watcher.work = self._task = asyncio.create_task(self._paint(order, picture, watcher))
        self._task.add_done_callback(self._make_room)

    async def _paint(self, order: Order, picture: bytes, watcher: Watcher) -> None:
        frames = painted(order, picture)
        del picture  # which may be large
        files: dict[str, bytes] = {}
        last: Message = message("refused", painting=order.painting, why=BROKE_OFF)
        try:
            async with aclosing(frames):
                async for frame in frames:
                    head, _, content = frame.partition(b"\n")
                    told = json.loads(head)
                    if told["kind"] == "painting":
                        watcher.tell(frame)
                    elif told["kind"] == "file":
                        files[told["name"]] = content
                    else:
                        last = frame
        except OSError as error:
            last = message("refused", painting=order.painting, why=f"no process can be started that paints it: {error}")
        if files:
            self._keep(order.painting, files)
        watcher.tell(last)

    def _keep(self, name: str, files: dict[str, bytes]) -> None:
        self._kept[name] = files
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        asyncio.get_running_loop().call_later(KEPT_S, self._kept.pop, name, None)

    def _make_room(self, task: asyncio.Task[None]) -> None:
        self._now = self._task = None

    async def _end(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name == self._now:
            await self.stop()
        self._kept.pop(name, None)
        return Response(status_code=204)

    async def _file(self, request: Request) -> Response:
        name, file = request.path_params["name"], request.path_params["file"]
        content = self._kept.get(name, {}).get(file)
        if content is None:
            return PlainTextResponse(f"painting {name:.50} is not here any more, or has no {file:.50}", status_code=404)
        return Response(content, media_type=KINDS[file.rpartition(".")[2]])


def _answer(refused: Refused) -> Response:
    return PlainTextResponse(str(refused), status_code=refused.status)
