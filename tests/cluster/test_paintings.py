"""Pictures that watchers bring to the live page: what comes of them, who is refused, and what is left afterwards."""

from __future__ import annotations

import gc
import io
import secrets
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from cluster.studio.paint import FORMS
from cluster.watch import orders, paintings
from cluster.watch.find import Wanted
from envs.program import Program
from tests.patience import PATIENCE_S, wait_until

from .test_painting import scene
from .test_watch_server import get, messages_until, request, serving

pytestmark = pytest.mark.usefixtures("quick")
ASKED = {"file": "scene.png", "strokes": "6", "brush": "deevad/brush", "seed": "3"}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A page that watches no run, which there need not be."""
    with serving(Wanted(f"unix://{tmp_path}/none.sock")) as port:
        yield port


@pytest.fixture
def watcher(port: int) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{port}/live") as watcher:
        yield watcher


@pytest.fixture
def name(watcher: ClientConnection) -> str:
    """How the server calls the watcher."""
    return str(messages_until(watcher, lambda m: m["kind"] == "begin")[-1]["watcher"])


def file_of(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


SCENE = file_of(scene(300, 200))


def put(port: int, picture: bytes, painting: str = "", **asked: str) -> tuple[str, int, str]:
    """Asks for a painting: its name, the status, and what is said."""
    painting = painting or secrets.token_hex(16)
    words = urllib.parse.urlencode(ASKED | asked)
    status, said, _ = request(port, f"/paintings/{painting}?{words}", "PUT", picture)
    return painting, status, said.decode()


def last_of(watcher: ClientConnection, painting: str) -> list[dict[str, Any]]:
    """What the watcher hears of a painting, to its end."""
    heard = messages_until(watcher, lambda m: m["kind"] in ("painted", "refused") and m["painting"] == painting)
    return [message for message in heard if message.get("painting") == painting]


def processes(server: int | None = None) -> list[psutil.Process]:
    """Those that paint for a server, by its process; without one for one of this process."""

    def paints(process: psutil.Process) -> bool:
        with suppress(psutil.Error):  # it may be over
            return "painting_process" in " ".join(process.cmdline())
        return False

    return [process for process in psutil.Process(server).children(recursive=True) if paints(process)]


def test_a_picture_is_painted_stroke_by_stroke_to_the_very_files_of_spiral_paint(spiral, port, watcher, name, tmp_path):
    painting, status, _ = put(port, SCENE, watcher=name)
    assert status == 202
    *shown, done = last_of(watcher, painting)
    assert [message["kind"] for message in shown] == ["painting"] * len(shown) and done["kind"] == "painted"
    strokes = [message["strokes"] for message in shown]
    assert strokes == sorted(set(strokes)) and strokes[-1] == 6 and {message["of"] for message in shown} == {6}
    with Image.open(io.BytesIO(shown[-1]["png"])) as canvas:
        assert canvas.size == (512, 341)
        last = np.asarray(canvas, float)
    (tmp_path / "scene.png").write_bytes(SCENE)
    status, said, _ = spiral("paint", tmp_path / "scene.png", "--strokes", 6, "--seed", 3, "--out", tmp_path / "out")
    assert status == 0 and done["said"] == said.splitlines()[0]
    for form in FORMS:
        status, content, _ = get(port, f"/paintings/{painting}/{form}")
        assert status == 200 and content == (tmp_path / "out" / form).read_bytes(), form
    replayed = Program.load(tmp_path / "out" / "program.json").replay()
    assert np.abs(replayed - last).mean() < 3, "what was shown last is the painting, but for the JPEG"


def test_only_the_one_who_brought_it_sees_it_and_all_see_that_something_is_painted(port, watcher, name):
    with connect(f"ws://127.0.0.1:{port}/live") as other:
        painting, status, _ = put(port, SCENE, watcher=name)
        assert status == 202
        heard = messages_until(other, lambda m: m["kind"] == "status" and m["painting"])
        last_of(watcher, painting)
        heard += messages_until(other, lambda m: m["kind"] == "status" and not m["painting"])
    assert {message["kind"] for message in heard} == {"begin", "status"}


def test_one_at_a_time_and_who_stops_makes_room(port, watcher, name):
    painting, status, _ = put(port, SCENE, watcher=name, strokes="2000")
    assert status == 202
    messages_until(watcher, lambda m: m["kind"] == "painting")
    _, status, said = put(port, SCENE, watcher=name)
    assert (status, said) == (503, "another picture is being painted here: try again when it is done")
    (process,) = processes()
    assert request(port, f"/paintings/{'0' * 32}", "DELETE", None)[0] == 204 and process.is_running(), (
        "that is another one"
    )
    assert request(port, f"/paintings/{painting}", "DELETE", None)[0] == 204
    assert not process.is_running()
    assert get(port, f"/paintings/{painting}/program.json")[0] == 404
    again, status, _ = put(port, SCENE, watcher=name, strokes="1")
    assert status == 202 and last_of(watcher, again)[-1]["kind"] == "painted"


def test_a_painting_ends_when_its_watcher_leaves(port):
    with connect(f"ws://127.0.0.1:{port}/live") as leaving:
        name = messages_until(leaving, lambda m: m["kind"] == "begin")[-1]["watcher"]
        assert put(port, SCENE, watcher=name, strokes="2000")[1] == 202
        wait_until(processes, "a process that paints")
        (process,) = processes()
    wait_until(lambda: not process.is_running(), "the end of the process")
    _, status, said = put(port, SCENE, watcher=name)
    assert status == 409 and "lost its connection" in said


def test_a_painting_ends_with_the_server(tmp_path):
    with ExitStack() as later:
        with serving(Wanted(f"unix://{tmp_path}/none.sock")) as port:
            watcher = later.enter_context(connect(f"ws://127.0.0.1:{port}/live"))
            name = messages_until(watcher, lambda m: m["kind"] == "begin")[-1]["watcher"]
            assert put(port, SCENE, watcher=name, strokes="2000")[1] == 202
            messages_until(watcher, lambda m: m["kind"] == "painting")
        assert not processes()
        gc.collect()  # whatever was left open would be an error


def test_a_process_that_is_killed_takes_nobody_along(port, watcher, name):
    painting, _, _ = put(port, SCENE, watcher=name, strokes="2000")
    wait_until(processes, "a process that paints")
    processes()[0].kill()
    assert last_of(watcher, painting)[-1] == {"kind": "refused", "painting": painting, "why": paintings.BROKE_OFF}
    assert put(port, SCENE, watcher=name, strokes="1")[1] == 202


@pytest.mark.parametrize(
    ("picture", "file", "why"),
    [
        (b"no picture", "my\nnotes.txt", "my notes.txt cannot be read as a picture, since it is neither PNG nor JPEG"),
        (b"", "empty.png", "empty.png cannot be read as a picture, since it is empty: give another file"),
        (SCENE[:400], "cut.png", "cut.png cannot be read as a picture"),
        (file_of(Image.new("1", (20_000, 10_000))), "huge.png", "huge.png is too large"),
    ],
    ids=["text", "empty", "damaged", "too many pixels"],
)
def test_a_file_is_refused_as_spiral_paint_refuses_it(spiral, port, watcher, name, tmp_path, picture, file, why):
    painting, status, _ = put(port, picture, watcher=name, file=file)
    assert status == 202
    (refused,) = last_of(watcher, painting)
    assert refused["kind"] == "refused" and refused["why"].startswith(why) and "\n" not in refused["why"]
    (tmp_path / file).write_bytes(picture)
    status, _, complaint = spiral("paint", tmp_path / file, "--out", tmp_path / "out")
    assert status == 2 and complaint.strip() == f"spiral: {tmp_path}/{refused['why']}"


@pytest.mark.parametrize(
    ("asked", "status", "why"),
    [
        ({"strokes": "0"}, 422, "strokes is 0; give a whole number from 1 to 2000"),
        ({"strokes": "2001"}, 422, "strokes is 2001; give a whole number from 1 to 2000"),
        ({"strokes": "many"}, 422, "strokes is 'many'; give a whole number from 1 to 2000"),
        ({"seed": "-1"}, 422, "seed is '-1'; give a whole number from 0 to 9223372036854775807"),
        ({"seed": str(2**63)}, 422, "give a whole number from 0 to 9223372036854775807"),
        ({"brush": "classic/none"}, 422, "brush is 'classic/none'; give the name of one of the "),
        ({"brush": "/etc/passwd"}, 422, "brush is '/etc/passwd'; give the name of one of the "),
        ({"brush": "../../brush"}, 422, "brush is '../../brush'; give the name of one of the "),
        ({"watcher": "somebody"}, 409, "the page has lost its connection"),
        ({"painting": "mine"}, 404, "'mine' is no name of a painting: give 32 hexadecimal digits"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_in_one_line(port, name, asked, status, why):
    painting, answer, said = put(port, SCENE, **{"watcher": name, **asked})
    assert answer == status and why in said and "\n" not in said
    assert get(port, f"/paintings/{painting}/program.json")[0] == 404
    assert not processes(), "nothing was begun"


def test_a_file_that_is_too_large_is_refused_also_when_its_sender_does_not_say_so(port, name, monkeypatch):
    monkeypatch.setattr(orders, "MOST_BYTES", 2**20)
    why = "the file has more than 1 MiB: make the picture smaller, or save it as JPEG"
    assert put(port, bytes(2**20 + 1), watcher=name)[1:] == (413, why)
    address = f"http://127.0.0.1:{port}/paintings/{'1' * 32}?{urllib.parse.urlencode(ASKED | {'watcher': name})}"
    parts = iter([bytes(2**19)] * 3)
    sent = urllib.request.Request(address, parts, {"Transfer-Encoding": "chunked"}, method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="413") as refused:
        urllib.request.urlopen(sent, timeout=PATIENCE_S)
    assert refused.value.read().decode() == why
    assert put(port, b"", watcher=name, strokes="0")[1] == 422, "the place is free again"


def test_a_picture_that_does_not_come_makes_room_for_others(port, name, monkeypatch):
    monkeypatch.setattr(orders, "UPLOAD_S", 0.2)
    words = urllib.parse.urlencode(ASKED | {"watcher": name})
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as slow:
        slow.sendall(
            f"PUT /paintings/{'2' * 32}?{words} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nPNG".encode()
        )
        assert b" 408 " in slow.recv(4096)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
@pytest.mark.parametrize(
    ("headers", "status"), [({"Host": "evil.example"}, 400), ({"Origin": "http://evil.example"}, 403)]
)
def test_other_sites_let_nothing_be_painted(port, method, headers, status):
    assert request(port, f"/paintings/{'3' * 32}", method, SCENE, **headers)[0] == status
    assert not processes()


def test_a_token_is_asked_for_before_anything_is_painted(tmp_path):
    with serving(Wanted(f"unix://{tmp_path}/none.sock"), token="s3cret") as port:
        for method in ("PUT", "DELETE", "GET"):
            assert request(port, f"/paintings/{'4' * 32}", method, SCENE)[0] == 401
        assert get(port, "/paintings")[0] == get(port, f"/paintings/{'4' * 32}/painting.png")[0] == 401
        status, _, headers = get(port, "/?token=s3cret")
        kept = {"Cookie": headers["set-cookie"].partition(";")[0]}
        assert status == 200 and get(port, "/paintings", **kept)[0] == 200
        words = urllib.parse.urlencode(ASKED)
        assert request(port, f"/paintings/{'4' * 32}?{words}", "PUT", SCENE, **kept)[0] == 409, "nobody watches"


def test_without_the_engine_the_page_says_what_is_missing(port, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "envs.pymypaint", None)
    assert get(port, "/paintings")[0] == 501
    _, status, said = put(port, SCENE, watcher=name)
    assert status == 501 and "envs.pymypaint" in said


def test_only_the_newest_paintings_are_kept_and_each_for_a_while(port, watcher, name, monkeypatch):
    monkeypatch.setattr(paintings, "KEPT", 1)
    kept = partial(get, port)
    first, _, _ = put(port, SCENE, watcher=name, strokes="1")
    last_of(watcher, first)
    assert kept(f"/paintings/{first}/painting.png")[0] == 200
    assert put(port, SCENE, first, watcher=name)[1] == 409, "a name is used once"
    monkeypatch.setattr(paintings, "KEPT_S", 1.0)
    second, _, _ = put(port, SCENE, watcher=name, strokes="1")
    last_of(watcher, second)
    assert kept(f"/paintings/{first}/painting.png")[0] == 404
    wait_until(lambda: kept(f"/paintings/{second}/painting.png")[0] == 404, "its end")
