"""Who may watch: on 127.0.0.1 whoever sits at this machine, elsewhere whoever has the token.

A page of somebody else must not reach the server through the browser of one who may: neither under a name of its own
that leads here (DNS rebinding; the Host header says so) nor by opening a WebSocket (the Origin header says so).
"""

from __future__ import annotations

import hmac
import html
import ipaddress
from typing import Any

from starlette.datastructures import URL
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

COOKIE = "spiral_watch"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1", "[::1]")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
ASK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>SPIRAL: token</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<h1>This page asks for a token</h1>
<p>{why} It is part of the address that <code>spiral watch</code> printed when it started.</p>
<form method="get" action="/"><label>Token <input name="token" type="password" autofocus></label> <button>Open</button>
</form></html>"""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets requests through to `app` that may come in.

    Args:
        app: what is guarded.
        token: what is asked for, or None where no token is needed.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        given = connection.query_params.get("token")
        # Browsers do not tell the ports of a machine apart; several servers may ask for several tokens.
        cookie = f"{COOKIE}_{scope['server'][1]}"
        refusal: ASGIApp | None = self._refusal(connection, given or connection.cookies.get(cookie))
        if refusal is not None and scope["type"] == "websocket":
            refusal = WebSocketClose()

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = Response(headers=HEADERS)
                if given is not None and self._right(given):
                    # A cookie, so that the token need not stand in every address. Strict: no other site can use it.
                    answer.set_cookie(cookie, given, httponly=True, samesite="strict")
                ours = [pair for pair in answer.raw_headers if pair[0] != b"content-length"]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, connection: HTTPConnection, given: str | None) -> Response | None:
        origin = connection.headers.get("origin")
        if origin is not None and URL(origin).netloc != connection.headers.get("host"):
            return PlainTextResponse("another site's page may not do this", status_code=403)
        if self._token is None or self._right(given or ""):
            return None
        why = "This was not it." if given else ""
        return HTMLResponse(ASK.format(why=html.escape(why)), status_code=401)

    def _right(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())


def guarded(app: ASGIApp, token: str | None) -> Any:
    """The app behind both checks; without a token it answers to the names of this machine alone."""
    names = LOOPBACK_NAMES if token is None else ("*",)
    return TrustedHostMiddleware(Guard(app, token), allowed_hosts=names)
