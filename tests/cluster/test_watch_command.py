"""`--watch`, as `make demo` has it: the first line names a page that shows the run, and ends with it."""

from __future__ import annotations

import os
import re
import signal
import urllib.error
import urllib.request

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from cluster.watch.painting_process import NICENESS
from cluster.watch.start import watched
from tests.patience import PATIENCE_S, wait_until

from .conftest import set_words
from .test_interrupts import command, train
from .test_paintings import SCENE, processes, put
from .test_watch_server import is_film, messages_until


def test_a_run_on_ray_serves_its_page_and_takes_it_along(tiny, tmp_path):
    run = train(tiny, tmp_path / "run", "ray", "--watch")
    assert run.stdout is not None
    first = re.fullmatch(r"Live page: (http://127\.0\.0\.1:(\d+)/)\n", run.stdout.readline())
    assert first is not None
    address, port = first[1], first[2]
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as page:
        assert b"<title>SPIRAL" in page.read()
    with connect(f"ws://127.0.0.1:{port}/live") as watcher:
        seen = messages_until(watcher, is_film)
        while not {"run", "rows", "sheet"} <= {message["kind"] for message in seen}:
            seen += messages_until(watcher, lambda _: True)
    run_seen = next(message["run"] for message in seen if message["kind"] == "run")
    assert run_seen["folder"] == str((tmp_path / "run").resolve()), "this run, whatever else runs on this machine"
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, err) == (0, "") and re.search(r"Stopped at \d+%", out)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=PATIENCE_S)


def test_a_page_without_a_run_waits_and_ends_with_ctrl_c(tmp_path):
    page = command("watch", "--redis", "", "--port", "0")
    out, err = page.communicate(timeout=PATIENCE_S)
    assert page.returncode == 2 and "is no address of a Redis" in err
    page = command("watch", "--run", str(tmp_path), "--port", "0", "--host", "0.0.0.0")
    assert page.stdout is not None
    assert re.fullmatch(r"Live page: http://\S+/\?token=\S{32}\n", page.stdout.readline())
    assert f"There is not the run in {tmp_path}" in page.stdout.readline()
    os.killpg(page.pid, signal.SIGINT)
    out, err = page.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err


def test_a_page_without_a_run_paints_until_ctrl_c(tmp_path):
    page = command("watch", "--run", str(tmp_path), "--port", "0")
    assert page.stdout is not None
    port = int(page.stdout.readline().rpartition(":")[2].strip("/\n"))
    with connect(f"ws://127.0.0.1:{port}/live") as watcher:
        painter = begin_painting(watcher, port, page.pid)
        os.killpg(page.pid, signal.SIGINT)
        out, err = page.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err and not painter.is_running()


def test_what_the_page_of_a_run_paints_ends_with_the_run(tmp_path, capsys):
    with watched(None, tmp_path):
        port = int(capsys.readouterr().out.rpartition(":")[2].strip("/\n"))
        with connect(f"ws://127.0.0.1:{port}/live", open_timeout=PATIENCE_S) as watcher:
            painter = begin_painting(watcher, port)
            assert painter.nice() >= NICENESS, "the run goes first"
    wait_until(lambda: not painter.is_running() or painter.status() == psutil.STATUS_ZOMBIE, "the end of the painting")


def begin_painting(watcher: ClientConnection, port: int, server: int | None = None) -> psutil.Process:
    """The process that paints a picture long, which has begun to."""
    name = messages_until(watcher, lambda m: m["kind"] == "begin")[-1]["watcher"]
    assert put(port, SCENE, watcher=name, strokes="2000")[1] == 202
    messages_until(watcher, lambda m: m["kind"] == "painting")
    (painter,) = processes(server)
    return painter


def test_a_population_serves_one_page_for_all_its_members(tiny, tmp_path):
    words = ["--preset", "mnist-small", "--members", "2", "--rounds", "400", "--minutes", "60", "--fitness", "scores"]
    run = command("population", *words, *set_words(tiny), "--watch", "--out", str(tmp_path / "pop"))
    assert run.stdout is not None
    first = re.fullmatch(r"Live page: http://(127\.0\.0\.1:\d+)/\n", run.stdout.readline())
    assert first is not None
    painters: set[int] = set()
    with connect(f"ws://{first[1]}/live") as watcher:
        while painters != {0, 1}:
            painters |= {seen["member"] for seen in messages_until(watcher, is_film) if seen["kind"] == "film"}
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, err) == (0, "") and "spiral population --resume" in out
