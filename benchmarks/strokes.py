"""How late strokes appear: from the moment in which an actor has painted one to that in which the live page draws it.

The page is open in a headless Chromium, and a training runs beside it. When a stroke was painted says the live feed,
and when it is drawn is noted in the page itself. Commands that go out together have one time, that of the last of them,
which also appears last: so each piece of an episode counts once, with its last command.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.browser import chromium
from benchmarks.watched import PRESET, watched_training
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.feed import RedisFeedReader
from cluster.watch.find import Wanted
from spiral.contracts import Glimpse

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The number of commands on a card is set right after they were drawn.
NOTE = """() => {
  window.drawn = {};
  new MutationObserver((records) => {
    for (const { target: { dataset } } of records) {
      const steps = (window.drawn[dataset.episode] ??= []);
      steps.push({ step: Number(dataset.step), at: Date.now() / 1000 });
    }
  }).observe(document.getElementById("wall"), { subtree: true, attributeFilter: ["data-step"] });
}"""
# When each of the commands was drawn, as soon as all are.
TIMES = """async ([commands, patience]) => {
  const deadline = performance.now() + 1000 * patience;
  const at = ([episode, step]) => window.drawn[episode]?.find((each) => each.step >= step)?.at;
  while (!commands.every(at)) {
    if (performance.now() > deadline) throw new Error(`of ${commands.length} strokes some were not drawn`);
    await new Promise(requestAnimationFrame);
  }
  return commands.map(at);
}"""
PATIENCE_S = 30.0
WAIT_S = 0.1  # for the next piece, without which this was the last


def run(seconds: float = 20.0) -> list[float]:
    """The delays, in seconds, of what is painted in about so many seconds of a training that is watched."""
    with chromium() as browser, watched_training() as it:
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.goto(f"http://127.0.0.1:{it.port}/")
        page.locator(".card").first.wait_for()
        address = Wanted(it.redis.url).find()
        assert address is not None, "the page shows it"
        since = note_strokes(page)
        it.training.go_on(seconds)
        return delays_since(since, page, address)


def note_strokes(page: Page) -> float:
    """Has the live page note which commands it draws when; the time from which on it does, in seconds since 1970."""
    page.evaluate(NOTE)
    return time.time()


def delays_since(since: float, page: Page, address: RedisAddress, count: int = 0) -> list[float]:
    """The delays, in seconds, of all pieces that the run at the address has painted since then, at least `count`.

    Waits until the page, which notes its strokes since then, has drawn all of them.
    """
    pieces = pieces_since(since, address, count)
    commands = [[f"{piece.episode:016x}", piece.first + len(piece.actions)] for piece in pieces]
    drawn: list[float] = page.evaluate(TIMES, [commands, PATIENCE_S])
    return [at - piece.painted for at, piece in zip(drawn, pieces, strict=True)]


def pieces_since(since: float, address: RedisAddress, count: int) -> list[Glimpse]:
    """All pieces of the episodes that the run at the address has begun to show since then, at least `count`."""
    reader = RedisFeedReader(address)
    pieces: list[Glimpse] = []
    begun = set[int]()
    reader.read()  # what run it is, without which there is nothing else
    while (glimpses := reader.read(WAIT_S).glimpses) or len(pieces) < count:
        begun |= {glimpse.episode for glimpse in glimpses if glimpse.first == 0 and glimpse.painted > since}
        pieces += [glimpse for glimpse in glimpses if glimpse.episode in begun]
    reader.close()
    return pieces


def print_table(delays: list[float]) -> None:
    """Print what `run` returned."""
    table = Table(title=f"{PRESET}: seconds from painting to drawing")
    for column in ("pieces of episodes", "soonest", "median", "latest"):
        table.add_column(column, justify="right")
    table.add_row(f"{len(delays):,}", *(f"{delay:.2f}" for delay in (min(delays), median(delays), max(delays))))
    Console().print(table)


if __name__ == "__main__":
    print_table(run())
