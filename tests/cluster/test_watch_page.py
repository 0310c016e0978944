"""The live page in a real headless Chromium, with a training running beside it."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actors.broadcast import Broadcast
from benchmarks.browser import EXECUTABLE
from benchmarks.strokes import delays_since, note_strokes
from cluster.commands.options import Goal
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.feed import RedisFeed
from cluster.run.engine import EPISODES_SHOWN_PER_S, describe_run
from cluster.run.local_engine import LocalEngine
from cluster.run.plan import Length, Phase
from cluster.watch.find import Wanted
from envs.program import Program
from spiral.config import RunConfig
from spiral.data import load
from tests.patience import PATIENCE_MS, PATIENCE_S

from .feeds import description, glimpse, row
from .test_watch_server import serving

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
pytestmark = [
    pytest.mark.skipif(
        EXECUTABLE is None, reason="there is no Chromium: on Debian and Fedora `.ci/system-packages browser` brings it"
    ),
    pytest.mark.usefixtures("quick"),
]
LATE_S = 300.0  # later than what the page still paints stroke by stroke
OPEN_S = 600.0
PIECES = 20  # of episodes, whose last strokes are looked for
STATED = re.compile(r"strokes appear (\d+\.\d) s after they were painted")
# The picture on a canvas, reduced to the pixels of the environment.
PIXELS = """(canvas) => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const zoom = width / 16;
  return Array.from({ length: 256 }, (_, i) =>
    data[4 * ((Math.floor(i / 16) + 0.5) * zoom * width + ((i % 16) + 0.5) * zoom)]);
}"""


HAVE_TARGETS = """() => [...document.querySelectorAll(".card")].map((card) => !!card.querySelector("canvas.target"))"""
# All that the note says from now on: a page that is slow may have gone on when it is looked at.
NOTE_STEPS = """() => {
  window.steps = [];
  const note = document.getElementById("step-note");
  new MutationObserver(() => window.steps.push(note.textContent)).observe(note, { childList: true });
}"""
# As if the page had been open for longer.
OPEN_FOR_LONG = """(seconds) => {
  const now = performance.now.bind(performance);
  performance.now = () => now() + 1000 * seconds;
}"""


def test_strokes_appear_while_a_training_runs_beside(
    page, address, feed, tiny_copying: RunConfig, tmp_path, monkeypatch
):
    """How soon is a matter of the machine, which `spiral bench strokes` measures."""
    monkeypatch.setattr("benchmarks.strokes.PATIENCE_S", PATIENCE_S)
    pictures = load(tiny_copying.data.name, "train", 16, color=False)
    engine = LocalEngine(tiny_copying, pictures, Broadcast(feed, 0, EPISODES_SHOWN_PER_S))
    feed.describe(describe_run(tiny_copying, tmp_path, Length(minutes=1.0)))
    stop = threading.Event()

    def train() -> None:
        steps = 0
        while not stop.is_set():
            report = engine.step(Phase("learning", 0.5))
            steps += 1
            feed.add_row({"frames": steps * report.frames, "seconds": steps, "phase": "learning", **report.metrics})

    training = threading.Thread(target=train)
    training.start()
    try:
        with serving(Wanted(address.url)) as port:
            page.goto(f"http://127.0.0.1:{port}/")
            since = note_strokes(page)
            delays = delays_since(since, page, address, PIECES)
            assert training.is_alive() and len(delays) >= PIECES and min(delays) > 0
            have_targets = page.evaluate(HAVE_TARGETS)
            assert len(have_targets) > 8 and all(have_targets)
            page.locator('#status[data-state="live"]', has_text="Training").wait_for()
            page.locator("#footer", has_text=STATED).wait_for()
            for title in ("discriminator's scores", "entropy", "policy lag", "return"):
                page.locator("#curves figure", has_text=title).locator("path.line").first.wait_for(state="attached")
    finally:
        stop.set()
        training.join()
        engine.close()


def test_a_click_shows_the_program_replays_it_and_hands_it_over(page, address, feed, tmp_path):
    given = glimpse(1)
    feed.show(given)
    program = Program("spiral/Paint-v0", description()["settings"], given.actions)
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        card = page.locator('.card[data-step="3"]:not(.painting)')
        card.wait_for()
        shown = card.locator("canvas.canvas").evaluate(PIXELS)
        np.testing.assert_array_equal(shown, given.canvases[-1].ravel(), "pixel for pixel what the actor saw")
        assert given.target is not None
        np.testing.assert_array_equal(card.locator("canvas.target").evaluate(PIXELS), given.target.ravel())
        card.click()
        page.locator("#program[open][data-sharp]").wait_for()
        lines = page.locator("#commands tr").all_inner_texts()
        assert lines[0].split() == ["control", "end", "flag", "pressure", "size"]
        first = given.actions[0]
        expected = ["1", f"{first[0] // 8},", str(first[0] % 8), f"{first[1] // 8},", str(first[1] % 8)]
        assert lines[1].split() == [*expected, *map(str, first[2:])]
        page.evaluate(NOTE_STEPS)
        page.click("#play")
        page.locator("#step-note", has_text="3 / 3").wait_for()
        assert page.evaluate("window.steps") == [f"{step} / 3" for step in range(4)]
        files = {}
        for form in ("json", "svg", "png"):
            with page.expect_download() as download:
                page.click(f"#get-{form}")
            files[form] = Path(tmp_path / download.value.suggested_filename)
            download.value.save_as(files[form])
        np.testing.assert_array_equal(Program.load(files["json"]).actions, given.actions)
        assert files["svg"].read_text() == program.to_svg(1024)
        with Image.open(files["png"]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), program.render(1024)[..., 0])


def test_an_episode_that_takes_long_is_shown_while_it_is_painted(page, address, feed):
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        for step in range(3):
            feed.show(glimpse(1, step, 1))
            page.locator(f'.card[data-step="{step + 1}"]').wait_for()
            shown = page.locator(".card canvas.canvas").evaluate(PIXELS)
            np.testing.assert_array_equal(shown, glimpse(1).canvases[step + 1].ravel())
        assert page.locator(".card").count() == 1


def test_the_page_says_how_late_strokes_appear_also_when_that_is_very_late(page, address, feed):
    feed.show(glimpse(1))
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator('.card[data-step="3"]').wait_for()
        page.locator("#footer", has_text="1 watching").wait_for()
        assert not STATED.search(page.inner_text("#footer")), "what was painted before the page was opened is not late"
        page.evaluate(OPEN_FOR_LONG, OPEN_S)
        painted = time.time() - LATE_S
        feed.show(glimpse(2, painted=painted))
        page.locator("#footer", has_text=STATED).wait_for()
        stated = STATED.search(page.inner_text("#footer"))
        # The page knows the server's clock but for the time that a message takes, and states a tenth of a second.
        assert stated is not None and LATE_S / 2 < float(stated[1]) < time.time() - painted + 0.1


def test_the_page_says_when_nothing_comes_and_goes_on_with_the_next_run(page, address, monkeypatch):
    monkeypatch.setattr("cluster.watch.follow.QUIET_S", 0.2)
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_text("Waiting.").wait_for()
        first = RedisFeed(address)
        first.describe(description(preset="first"))
        first.show(glimpse(1))
        page.locator(".card").wait_for()
        page.get_by_text("is the training running?").wait_for()
        address.forget()
        page.get_by_text("The run has ended.").wait_for()
        assert page.locator(".card").count() == 1, "what was there stays to be seen"
        second = RedisFeed(RedisAddress(address.url, "second"))
        second.describe(description(preset="second"))
        second.add_row(row(5))
        page.get_by_text("second · spiral/Paint-v0").wait_for()
        assert page.locator(".card").count() == 0
    page.get_by_text("The server does not answer.").wait_for()
    first.close()
    second.close()
    RedisAddress(address.url, "second").forget()


def test_a_population_has_a_line_for_each_member_its_own_curves_and_its_number_on_the_wall(page, address, feed):
    feed.hang(10, np.full((20, 30, 3), 50, np.uint8))
    for frames in range(1, 6):
        for member in range(3):
            feed.add_row(row(frames, member=member, **{"policy/entropy": float(member)}))
    feed.add_row(row(6, member=2, **{"policy/lag": 1.0}))
    feed.add_row(row(7, **{"held_out/error_ratio": 0.25}))
    feed.add_row(row(8))
    for member in range(3):
        feed.show(glimpse(member + 1, member=member))
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator("#members tr[data-member]").nth(2).wait_for()
        page.locator("#numbers", has_text="0.250").wait_for()
        page.locator("#curves figure").nth(1).wait_for()
        titles = page.locator("#curves figcaption").all_inner_texts()
        assert titles == ["held-out error 1 = an empty canvas", "entropy nats a command"]
        page.locator('#members tr[data-member="2"]').click()
        page.locator("#curves figure", has_text="policy lag").wait_for()
        for member in range(3):
            note = page.locator(f'.card .note[data-member="{member}"]')
            said = note.evaluate("(note) => getComputedStyle(note, '::before').content")
            assert said.replace('" "', "") == f'"member {member}, "'
        assert page.locator("#sheet").evaluate("(sheet) => sheet.decode().then(() => sheet.naturalWidth)") == 30


# How high and wide the page is, where its widest thing ends (a list may scroll) and its curves, and canvases begin.
LAID_OUT = """() => {
  const boxes = (what) => [...document.querySelectorAll(what)].map((element) => element.getBoundingClientRect());
  return {
    width: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
    right: Math.max(...boxes("body *:not(.listing *)").map((box) => box.right)),
    curves: Math.max(...boxes("#curves figure").map((box) => box.bottom)),
    canvases: Math.min(...boxes("canvas").filter((box) => box.width).map((box) => box.top)),
    row: new Set(boxes(".card").map((box) => box.left)).size,
  };
}"""
SIZE = "(image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
LONG = "a_module_with_a_long_name_of_its_own:AndAClassWithALongNameToo"
FIGURES = {"speed/frames_per_s": 2e3, "held_out/error_ratio": 0.2, "policy/return": 1.0, "policy/entropy": 2.0}
FIGURES |= {"policy/lag": 1.0, "policy/learning_rate": 3e-4, "cloning/loss": 3.0}
FIGURES |= {f"reward/{name}/real": 1.0 for name in ("discriminator", LONG)}


@pytest.mark.parametrize("pairs", [True, False], ids=["copies", "inventions"])
@pytest.mark.parametrize(("width", "height", "screens"), [(390, 844, 4), (844, 390, 6), (320, 568, 7)])
def test_on_a_telephone_the_page_is_a_few_screens_and_begins_with_the_curves(
    browser, address, feed, width, height, screens, pairs
):
    feed.describe(description(folder="/somewhere/" + 30 * "long_names", conditional=pairs))
    for member in range(3):
        for frames in (1_000_000_000, 2_000_000_000):
            feed.add_row(row(frames, member=member, **FIGURES))
    for episode in range(24):
        changes: dict[str, Any] = {} if pairs else {"target": None}
        feed.show(glimpse(episode + 1, member=episode % 3, **changes))
    feed.hang(10, np.full((136, 680, 3), 50, np.uint8))
    size = {"width": width, "height": height}
    with serving(Wanted(address.url)) as port, browser.new_context(viewport=size, is_mobile=True) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator(".card:not(.painting)").nth(23).wait_for()
        page.locator("#curves figure").nth(7).wait_for()
        page.locator("#members tr[data-member]").nth(2).wait_for()
        page.locator("#sheet").wait_for()
        seen = page.evaluate(LAID_OUT)
        page.locator(".card").first.click()
        page.locator("#program[open][data-sharp]").wait_for()
        near = page.evaluate(LAID_OUT)
    assert max(seen["width"], seen["right"]) <= width, "nothing is wider than the screen"
    assert max(near["width"], near["right"]) <= width, "nor is a program from near"
    assert seen["height"] <= screens * height, f"{seen['height'] / height:.1f} screens"
    assert seen["curves"] <= seen["canvases"]
    assert seen["row"] >= 3, "the wall is a grid"


def test_the_question_for_a_token_fits_a_telephone(browser, address):
    size = {"width": 390, "height": 844}
    with serving(Wanted(address.url), "secret") as port, browser.new_context(viewport=size, is_mobile=True) as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_shipped_agent_hangs_in_the_gallery_with_a_picture_and_its_command(page, address):
    with serving(Wanted(address.url)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        agents = page.locator("#agents article")
        assert agents.locator("strong").all_inner_texts() == [goal.value for goal in Goal]
        for goal, agent in zip(Goal, agents.all(), strict=True):
            picture = agent.locator("img")
            picture.scroll_into_view_if_needed()
            wide, high = picture.evaluate(SIZE)
            assert [wide, high] == [int(picture.get_attribute(side)) for side in ("width", "height")]
            assert re.fullmatch(rf"{goal.value} [^.]+\.", agent.locator("p").inner_text()), "one sentence"
            command = f"spiral sample --goal {goal.value} --count 10 --out {goal.value}.png"
            assert agent.locator("code").inner_text() == command
