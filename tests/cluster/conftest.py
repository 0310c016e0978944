"""One real Redis for all tests of a session, and a run small enough to take seconds."""

from __future__ import annotations

import json
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.browser import chromium
from cluster.cli import main
from cluster.on_redis.connection import RUNS, RedisAddress
from cluster.on_redis.feed import RedisFeed
from cluster.on_redis.server import EmbeddedRedis
from spiral.config import RunConfig
from tests.patience import PATIENCE_MS
from tests.tiny import tiny_config

from .feeds import description


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(max_megabytes=256) as server:
        yield server


@pytest.fixture
def address(redis_server: EmbeddedRedis) -> Iterator[RedisAddress]:
    """A run of its own, forgotten afterwards: the pages of other tests would find it."""
    address = RedisAddress(redis_server.url, uuid.uuid4().hex)
    yield address
    address.forget()


@pytest.fixture
def feed(address: RedisAddress) -> Iterator[RedisFeed]:
    """The live feed of a run that has said what it is; no name of a run is left for the next test."""
    feed = RedisFeed(address)
    feed.describe(description())
    yield feed
    feed.close()
    address.forget()
    address.connect().delete(RUNS)


@pytest.fixture
def unanswered() -> Iterator[int]:
    """A port of this machine at which nobody listens: a socket has it that does not."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few and small shows, and one thread: small tensors are slower on several, above all on busy cores."""
    monkeypatch.setattr("cluster.run.loop.SHOWS", 3)
    monkeypatch.setattr("cluster.run.evaluation.MEASURED", 4)
    monkeypatch.setattr("cluster.run.evaluation.SHOWN", 4)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh window in which any error of the page is an error of the test, but for a server that has ended."""
    errors: list[str] = []
    with browser.new_context(viewport={"width": 1500, "height": 950}, accept_downloads=True) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.extend([message.text] if message.type == "error" else []))
        yield page
    assert [error for error in errors if "ERR_CONNECTION_REFUSED" not in error] == []


Spiral = Callable[..., tuple[int, str, str]]


@pytest.fixture
def spiral(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Spiral:
    """Runs the command with the given words: its exit status, output and messages."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spiral", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        streams = capsys.readouterr()
        return int(end.value.code or 0), streams.out, streams.err

    return run


def only_error(messages: str) -> str:
    """The one line of an error, beside which this machine's brushes may be warned of."""
    (line,) = [line for line in messages.splitlines() if not line.startswith("spiral: warning: ")]
    return line


def set_words(config: RunConfig) -> list[str]:
    """The options that give `spiral train` these settings, whatever the preset."""
    words = []
    for section, value in config.model_dump(mode="json").items():
        if section != "preset":
            words += ["--set", f"{section}={json.dumps(value)}"]
    return words


FRAMES = 24  # in a batch of a tiny run: 8 episodes of 3 actions

# Two steps for each of the policy, and the policy begins at once: tests of the warm-up ask for one.
DISCRIMINATOR: dict[str, Any] = {
    "name": "discriminator",
    "when": "step",
    "options": {"width": 4, "batch_size": 8},
    "pace": {"floor": 2, "ceiling": 2},
    "warm_up": 0,
}
TINIER: dict[str, Any] = {
    "environment": {"settings": {"episode_length": 3}},
    "agent": {"channels": [4], "noise": 2},
    "replay": {"pictures": 32},
    "rewards": [DISCRIMINATOR, {"name": "blank"}],
}


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set of 40 pictures, each with one black bar on white."""
    folder = tmp_path_factory.mktemp("drawings")
    for index in range(40):
        picture = np.full((16, 16), 255, np.uint8)
        picture[2:14, 1 + index % 13 : 3 + index % 13] = index
        Image.fromarray(picture).save(folder / f"{index}.png")
    return f"folder:{folder}"


@pytest.fixture(scope="session")
def tiny(drawings: str) -> RunConfig:
    """Inventing pictures of 16 pixels with three commands."""
    return tiny_config(TINIER, {"data": {"name": drawings}})


@pytest.fixture(scope="session")
def tiny_copying(tiny: RunConfig) -> RunConfig:
    """Copying pictures of 16 pixels with three commands, after cloning for a third of the run."""
    return tiny.with_changes({"agent.conditional": True, "agent.noise": 0, "cloning.share": 0.33})
