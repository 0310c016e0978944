"""The server of the live page: static files, one WebSocket for each watcher, the downloads, and pictures to paint.

One thread follows Redis. What it hears goes into the gallery and from there, as messages that are made once, to all
watchers. The WebSocket sends and never listens: whatever a watcher says there is ignored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from cluster.watch.films import FORMS, NOT_PAINTED, Painter
from cluster.watch.find import Wanted
from cluster.watch.follow import Follower, Heard
from cluster.watch.gallery import Gallery
from cluster.watch.guard import guarded
from cluster.watch.hub import Hub, Watcher
from cluster.watch.messages import Message, message
from cluster.watch.paintings import Paintings

PAGE = Path(__file__).parent / "page"
STATUS_S = 1.0
TRY_AGAIN_LATER = 1013  # as WebSocket says it


class Watch:
    """The state of the server, and how it answers.

    Args:
        wanted: what is to be watched.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._gallery = Gallery()
        self._hub = Hub(self._everything)
        self._painter = Painter()
        self._paintings = Paintings(self._hub.find)
        self._run_id: str | None = None
        self._following = False
        self._heard_at = time.monotonic()
        self._refused = 0

    def app(self, token: str | None) -> Any:
        """The ASGI application, which asks for the token if there is one."""
        routes = [
            Route("/", self._page),
            Mount("/page", StaticFiles(directory=PAGE)),
            WebSocketRoute("/live", self._live),
            Route("/sheet.png", self._sheet),
            Route("/episodes/{name:str}.{form:str}", self._episode),
            *self._paintings.routes(),
        ]
        return guarded(Starlette(routes=routes, lifespan=self._lifespan), token)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def tell(heard: Heard) -> None:
            with suppress(RuntimeError):  # the loop may be closed already
                loop.call_soon_threadsafe(self._hear, heard)

        follower = Follower(self._wanted, tell)
        follower.start()
        status = asyncio.create_task(self._tell_status())
        try:
            yield
        finally:
            status.cancel()
            await self._paintings.stop()
            await asyncio.to_thread(follower.stop)

    def _hear(self, heard: Heard) -> None:
        self._refused = heard.refused
        self._following = heard.run_id is not None
        if heard.run_id is not None and heard.run_id != self._run_id:
            self._run_id = heard.run_id
            self._gallery.begin()
            self._hub.begin()
        messages = self._gallery.add(heard.news)
        if messages:
            self._heard_at = time.monotonic()
            self._hub.send(messages)

    async def _tell_status(self) -> None:
        while True:
            self._hub.send([self._status()])
            await asyncio.sleep(STATUS_S)

    def _status(self) -> str:
        return message(
            "status",
            following=self._following and self._gallery.run is not None,
            wanted=str(self._wanted),
            silence=round(time.monotonic() - self._heard_at, 1),
            now=time.time(),
            refused=self._refused,
            dropped=self._hub.dropped,
            watchers=len(self._hub),
            painting=self._paintings.busy,
        )

    def _everything(self, watcher: Watcher) -> list[Message]:
        films = watcher.newcomer
        return [message("begin", films=films, watcher=watcher.name), self._status(), *self._gallery.everything(films)]

    async def _page(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def _sheet(self, request: Request) -> Response:
        if self._gallery.sheet is None:
            return PlainTextResponse("there is no contact sheet yet", status_code=404)
        return Response(self._gallery.sheet, media_type="image/png")

    async def _episode(self, request: Request) -> Response:
        name, form = request.path_params["name"], request.path_params["form"]
        episode = self._gallery.episode(name)
        if form not in FORMS or episode is None:
            return PlainTextResponse(f"episode {name} is not here any more, or not as {form}", status_code=404)
        try:
            content = await self._painter.paint(form, episode.document())
        except NOT_PAINTED as error:
            return PlainTextResponse(" ".join(str(error).split()), status_code=422)
        return Response(content, media_type=FORMS[form][0])

    async def _live(self, socket: WebSocket) -> None:
        await socket.accept()
        if self._hub.full:
            await socket.close(TRY_AGAIN_LATER, "too many watch already")
            return
        sending = asyncio.create_task(self._send(socket))
        try:
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass
        finally:
            sending.cancel()

    async def _send(self, socket: WebSocket) -> None:
        async with aclosing(self._hub.messages()) as messages:
            async for content in messages:
                if isinstance(content, str):
                    await socket.send_text(content)
                else:
                    await socket.send_bytes(content)
