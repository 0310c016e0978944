"""`spiral watch`, and the live page beside a run: from an address to a server that listens there."""

from __future__ import annotations

import multiprocessing
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
import uvicorn

from cluster.on_redis.connection import RedisAddress
from cluster.watch.find import Wanted
from cluster.watch.guard import is_loopback
from cluster.watch.server import Watch

HOST = "127.0.0.1"
PORT = 8800
PORTS_TRIED = 100
MAX_WATCHER_MESSAGE = 1024  # bytes; nobody has anything to say
STOPPING_S = 1


class WatchError(RuntimeError):
    """The live page cannot be served where it was asked for."""


def watch(redis_url: str | None, folder: Path | None, host: str, port: int | None) -> None:
    """Serve the live page until Ctrl-C.

    Raises:
        WatchError: the address cannot be listened at.
        RedisError: the Redis that was named does not answer.
    """
    if redis_url is not None:
        RedisAddress(redis_url, "").connect().close()
    wanted = Wanted(redis_url, folder)
    listener = listen(host, port)
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    typer.echo(f"Live page: {address_of(listener, token)}")
    if wanted.find() is None:
        typer.echo(
            f"There is not {wanted} yet; the page waits for one, and paints pictures that are dropped on it. "
            "Runs with --engine local show themselves nowhere."
        )
    server_of(wanted, token).run([listener])


@contextmanager
def watched(redis_url: str | None, folder: Path) -> Iterator[None]:
    """The live page of the run in `folder`, served by a process of its own for as long as the context lasts.

    The first thing that is printed is its address, on port 8800 or the next free one.
    """
    listener = listen(HOST, None)
    typer.echo(f"Live page: {address_of(listener, None)}")
    # Not forked: the process must hold nothing of this one but the socket.
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve_beside, args=(listener, Wanted(redis_url, folder)), daemon=True)
    server.start()
    listener.close()
    try:
        yield
    finally:
        server.terminate()
        server.join()


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens at the port, or without one at the first free one from 8800 on.

    Raises:
        WatchError: the port is taken, or the host is not of this machine.
    """
    ports = range(PORT, PORT + PORTS_TRIED) if port is None else [port]
    for number in ports:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, kind, protocol)
            try:
                # A port whose last server has just ended may be taken at once.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(address)
                listener.listen()
                return listener
            except BaseException:
                listener.close()
                raise
        except (OSError, OverflowError) as error:
            problem = error
    raise WatchError(
        f"cannot listen at {host}:{ports[0]} ({problem}): give another --port, leave it out for the first free one "
        f"from {PORT}, or give --host {HOST}"
    )


def address_of(listener: socket.socket, token: str | None) -> str:
    """The address of the page, to be opened in a browser."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def serve_beside(listener: socket.socket, wanted: Wanted) -> None:
    """Serve, in a process of its own, until the process that started this one ends or says so."""
    # Ctrl-C is meant for the run, which still has a checkpoint to write.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    server = server_of(wanted, None)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    if parent is not None:
        parent.join()


def server_of(wanted: Wanted, token: str | None) -> uvicorn.Server:
    """The server of the page, which begins when it is run; only who knows the token may come in, if there is one."""
    config = uvicorn.Config(
        Watch(wanted).app(token),
        log_config=None,  # its own would close the logs of all others in this process
        log_level="warning",
        access_log=False,  # it would hold the token
        server_header=False,
        ws_max_size=MAX_WATCHER_MESSAGE,
        ws_per_message_deflate=False,  # what is large is compressed already
        timeout_graceful_shutdown=STOPPING_S,
    )
    return uvicorn.Server(config)
