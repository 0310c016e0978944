"""The server of the live page: who may come in, what a watcher is told, and what happens to one who does not read."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.feed import RedisFeed
from cluster.run.feed.texts import Row
from cluster.watch import hub
from cluster.watch.find import Wanted
from cluster.watch.guard import is_loopback
from cluster.watch.messages import FIGURES, MAX_OF_REWARDS, rows_message
from cluster.watch.start import WatchError, address_of, listen, server_of
from envs.program import Program
from tests.patience import PATIENCE_S

from .feeds import description, glimpse, row


@contextmanager
def serving(wanted: Wanted, token: str | None = None) -> Iterator[int]:
    """The port of a server in a thread of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = server_of(wanted, token)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def port(feed: RedisFeed, address: RedisAddress) -> Iterator[int]:
    with serving(Wanted(address.url)) as port:
        yield port


def get(port: int, path: str, **headers: str) -> tuple[int, bytes, Any]:
    """Status, content and headers."""
    return request(port, path, "GET", None, **headers)


def request(port: int, path: str, method: str, content: bytes | None, **headers: str) -> tuple[int, bytes, Any]:
    """Status, content and headers of the answer."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def messages_until(watcher: ClientConnection, done: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The messages up to the one that it is about; a film has its PNG in `png`."""
    seen = []
    while True:
        content = watcher.recv(timeout=PATIENCE_S)
        if isinstance(content, str):
            message = json.loads(content)
        else:
            head, _, png = content.partition(b"\n")
            message = json.loads(head) | {"png": png}
        seen.append(message)
        if done(message):
            return seen


def is_episode(number: int, message: dict[str, Any]) -> bool:
    return bool(message.get("episode") == f"{number:016x}")


def is_film(message: dict[str, Any]) -> bool:
    return bool(message["kind"] == "film")


def test_a_watcher_is_told_what_there_is_and_then_what_comes(feed, port):
    feed.add_row(row(10, phase="learning", **{"policy/entropy": 1.5, "reward/discriminator/fake": -0.5}))
    feed.hang(10, np.full((4, 6, 3), 9, np.uint8))
    given = glimpse(1)
    feed.show(given)
    with connect(f"ws://127.0.0.1:{port}/live") as early:
        seen = messages_until(early, is_film)
        with connect(f"ws://127.0.0.1:{port}/live") as late:
            again = messages_until(late, is_film)
        assert [message["kind"] for message in again] == ["begin", "status", "run", "rows", "sheet", "film"]
        for message in again[2:]:
            assert message in seen, "whoever comes later is told the same"
        rows = again[3]
        shown = dict(zip(rows["names"], rows["rows"][0], strict=True))
        assert (shown["policy/entropy"], shown["reward/discriminator/fake"]) == (1.5, -0.5)
        film = again[-1]
        assert (film["first"], film["count"], film["length"], film["version"]) == (0, 3, 3, 5)
        with Image.open(io.BytesIO(film["png"])) as strip:
            frames = np.asarray(strip).reshape(5, 16, 16, 1)
        np.testing.assert_array_equal(frames[0], given.target)
        np.testing.assert_array_equal(frames[1:], given.canvases)
        feed.show(glimpse(2, 0, 2))
        feed.show(glimpse(2, 2, 1))
        halves = [message for message in messages_until(early, lambda m: m.get("first") == 2) if is_film(message)]
        assert [(half["first"], half["count"], half["error"] is not None) for half in halves] == [
            (0, 2, False),
            (2, 1, True),
        ]
    status, sheet, _ = get(port, "/sheet.png")
    with Image.open(io.BytesIO(sheet)) as picture:
        assert status == 200 and (np.asarray(picture) == 9).all()


def test_the_scores_of_every_learned_reward_are_sent():
    rows: list[Row] = [
        {"reward/discriminator/real": 2.0, "reward/discriminator/fake": 1.0, "reward/discriminator/gap": 1.0},
        {"reward/my_rewards:Judge/real": 3.0, "reward/a/b/real": 4.0, "policy/entropy": 1.5},
    ]
    sent = json.loads(rows_message(rows))
    known = len(FIGURES)
    assert sent["names"][:known] == list(FIGURES), "those that every run has keep their places"
    assert sent["names"][known:] == [
        "reward/discriminator/real",
        "reward/discriminator/fake",
        "reward/my_rewards:Judge/real",
    ]
    assert [row[known:] for row in sent["rows"]] == [[2.0, 1.0, None], [None, None, 3.0]]
    assert json.loads(rows_message([]))["names"] == list(FIGURES)


def test_a_stranger_who_makes_up_rewards_does_not_swell_what_is_sent():
    rows: list[Row] = [{f"reward/{row}-{name}/real": 1.0 for name in range(200)} for row in range(20)]
    assert len(json.loads(rows_message(rows))["names"]) == len(FIGURES) + MAX_OF_REWARDS


def test_an_episode_can_be_taken_away(feed, port):
    given = glimpse(0xABC)
    feed.show(given)
    with connect(f"ws://127.0.0.1:{port}/live") as watcher:
        name = messages_until(watcher, is_film)[-1]["episode"]
    status, content, headers = get(port, f"/episodes/{name}.json")
    program = Program.from_json(json.loads(content))
    assert status == 200 and headers["content-type"].startswith("application/json")
    np.testing.assert_array_equal(program.actions, given.actions)
    _, content, _ = get(port, f"/episodes/{name}.png")
    with Image.open(io.BytesIO(content)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), program.render(1024)[..., 0])
    status, content, headers = get(port, f"/episodes/{name}.svg")
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert content.decode() == program.to_svg(1024)
    _, content, _ = get(port, f"/episodes/{name}.film")
    with Image.open(io.BytesIO(content)) as film:
        np.testing.assert_array_equal(np.asarray(film), np.concatenate(list(program.at_size(384).frames()))[..., 0])
    assert get(port, f"/episodes/{name}.exe")[0] == get(port, "/episodes/0123.png")[0] == 404
    assert get(port, "/page/..%2fserver.py")[0] == 404


def test_a_program_that_cannot_be_painted_here_is_explained(feed, address):
    feed.describe(description(environment="some.module:Dots"))
    feed.show(glimpse(1))
    with serving(Wanted(address.url)) as port, connect(f"ws://127.0.0.1:{port}/live") as watcher:
        name = messages_until(watcher, is_film)[-1]["episode"]
        assert get(port, f"/episodes/{name}.json")[0] == 200
        status, content, _ = get(port, f"/episodes/{name}.png")
        assert status == 422 and b"import some.module first" in content


def test_a_piece_whose_beginning_was_missed_is_left_out(feed, port):
    feed.show(glimpse(1, 1, 2))
    feed.show(glimpse(2, 0, 1))
    feed.show(glimpse(2, 2, 1))
    feed.show(glimpse(3))
    with connect(f"ws://127.0.0.1:{port}/live") as watcher:
        seen = messages_until(watcher, partial(is_episode, 3))
    assert [(int(m["episode"], 16), m["first"]) for m in seen if is_film(m)] == [(2, 0), (3, 0)]
    assert get(port, f"/episodes/{2:016x}.json")[0] == 404, "it is not whole"


def test_a_restarted_training_is_shown_and_a_silence_is_told(feed, address, redis_server, monkeypatch):
    monkeypatch.setattr("cluster.watch.follow.QUIET_S", 0.2)
    feed.add_row(row(10))
    with serving(Wanted(address.url)) as port, connect(f"ws://127.0.0.1:{port}/live") as watcher:
        messages_until(watcher, lambda m: m["kind"] == "rows")
        messages_until(watcher, lambda m: m["kind"] == "status" and m["silence"] > 1)
        feed.close()
        address.forget()
        messages_until(watcher, lambda m: m["kind"] == "status" and not m["following"])
        second = RedisFeed(RedisAddress(address.url, "restarted"))
        second.describe(description(preset="another"))
        second.add_row(row(99))
        seen = messages_until(watcher, lambda m: m["kind"] == "rows" and m["rows"] and m["rows"][0][1] == 99)
        assert any(m["kind"] == "begin" and m["films"] for m in seen)
        assert [m["run"]["preset"] for m in seen if m["kind"] == "run"] == ["another"]
        second.close()
        RedisAddress(address.url, "restarted").forget()


def test_malformed_records_are_counted_and_the_page_goes_on(feed, port, address):
    with connect(f"ws://127.0.0.1:{port}/live") as watcher:
        messages_until(watcher, lambda m: m["kind"] == "run")
        for number in range(50):
            address.connect().xadd(address.key("feed:rows"), {"record": b"junk %d" % number})
        messages_until(watcher, lambda m: m["kind"] == "status" and m["refused"] == 50)
        feed.add_row(row(7))
        assert messages_until(watcher, lambda m: m["kind"] == "rows")[-1]["rows"][0][1] == 7


def test_one_who_reads_nothing_holds_up_nobody(feed, port):
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect(("127.0.0.1", port))
        idle.sendall(
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
        )
        with connect(f"ws://127.0.0.1:{port}/live") as watcher:
            messages_until(watcher, lambda m: m["kind"] == "status" and m["watchers"] == 2)
            dropped, number = 0, 0
            while not dropped:
                for _ in range(60):
                    number += 1
                    feed.show(glimpse(number))
                seen = messages_until(watcher, partial(is_episode, number))
                dropped = max([m["dropped"] for m in seen if m["kind"] == "status"], default=0)
                assert number < 60_000, "what the kernel holds for one who does not read"


def test_a_slow_watcher_is_told_the_state_anew_and_no_queue_grows():
    async def go() -> None:
        told: list[bool] = []
        watchers: list[hub.Watcher] = []

        def everything(watcher: hub.Watcher) -> list[str | bytes]:
            told.append(watcher.newcomer)
            watchers.append(watcher)
            return ["state"]

        meeting = hub.Hub(everything)
        stream = meeting.messages()
        assert [await anext(stream)] == ["state"] and told == [True]
        meeting.send(["a"])
        assert await anext(stream) == "a"
        for number in range(3 * hub.QUEUE):
            meeting.send([str(number)])
        assert await anext(stream) == "state" and told == [True, False]
        assert meeting.dropped == 3 * hub.QUEUE
        meeting.send(["b"])
        assert await anext(stream) == "b"
        watchers[0].tell("for you alone")
        assert await anext(stream) == "for you alone"
        meeting.begin()
        assert await anext(stream) == "state" and told == [True, False, True]
        assert await anext(stream) == "for you alone", "the newest of these is told again"
        await stream.aclose()
        assert len(meeting) == 0

    asyncio.run(go())


def test_no_more_watch_than_there_is_room_for(feed, port, monkeypatch):
    monkeypatch.setattr(hub, "MAX_WATCHERS", 1)
    with connect(f"ws://127.0.0.1:{port}/live") as first:
        messages_until(first, lambda m: m["kind"] == "begin")
        with connect(f"ws://127.0.0.1:{port}/live") as second, pytest.raises(Exception, match="1013"):
            second.recv(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "evil.example"}, 400),
        ({"Host": "127.0.0.1.evil.example:8800"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_sites_are_kept_out(port, headers, status):
    answer, _, sent = get(port, "/", **headers)
    assert answer == status
    if status == 200:
        assert "script-src 'self'" in sent["content-security-policy"]
    if "Host" not in headers:
        own = {"Origin": f"http://127.0.0.1:{port}"} | headers
        if status == 200:
            with connect(f"ws://127.0.0.1:{port}/live", additional_headers=own) as watcher:
                messages_until(watcher, lambda m: m["kind"] == "run")
        else:
            with pytest.raises(InvalidStatus, match="403"):
                connect(f"ws://127.0.0.1:{port}/live", additional_headers=own)


def test_a_token_is_asked_for_and_then_kept_by_the_browser(feed, address):
    feed.show(glimpse(1))
    with serving(Wanted(address.url), token="s3cret") as port:
        for path in ("/", "/?token=", "/?token=wrong", "/page/main.js", "/sheet.png", f"/episodes/{1:016x}.json"):
            status, content, headers = get(port, path)
            assert status == 401 and b"asks for a token" in content and "set-cookie" not in headers
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"ws://127.0.0.1:{port}/live")
        status, content, headers = get(port, "/?token=s3cret", Host="anything.example")
        assert status == 200 and b"<title>SPIRAL" in content
        cookie = headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        kept = {"Cookie": cookie.partition(";")[0]}
        assert get(port, "/page/main.js", **kept)[0] == 200
        with connect(f"ws://127.0.0.1:{port}/live", additional_headers=kept) as watcher:
            messages_until(watcher, is_film)


def test_only_this_machine_is_trusted_without_a_token():
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))


def test_the_next_free_port_is_taken_and_a_taken_one_is_explained(monkeypatch):
    with listen("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        assert address_of(first, "t") == f"http://127.0.0.1:{taken}/?token=t"
        monkeypatch.setattr("cluster.watch.start.PORT", taken)
        with listen("127.0.0.1", None) as second:
            assert second.getsockname()[1] > taken
        with pytest.raises(WatchError, match=f"cannot listen at 127.0.0.1:{taken}.*--port"):
            listen("127.0.0.1", taken)
    with pytest.raises(WatchError, match="--host 127.0.0.1"):
        listen("no.such.host.invalid", 0)


def test_the_page_waits_where_there_is_no_run_yet(tmp_path):
    wanted = Wanted(f"unix://{tmp_path}/none.sock")
    with serving(wanted) as port, connect(f"ws://127.0.0.1:{port}/live") as watcher:
        status = messages_until(watcher, lambda m: m["kind"] == "status")[-1]
        assert not status["following"] and "none.sock" in status["wanted"]
        assert get(port, "/sheet.png")[0] == 404


def test_the_logs_of_the_process_that_serves_stay_open():
    """TensorBoard's log, once closed, closes whatever was the standard error when it began."""
    closed = []

    class Log(logging.Handler):
        def close(self):
            closed.append(self)
            super().close()

    log = Log()
    server_of(Wanted("unix:///none.sock"), None)
    assert log not in closed
