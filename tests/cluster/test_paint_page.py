"""A person brings a picture to the live page, in a real headless Chromium."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import EXECUTABLE
from cluster.watch.find import Wanted
from envs.program import Program
from tests.patience import PATIENCE_MS

from .test_paintings import SCENE, processes
from .test_watch_page import LAID_OUT
from .test_watch_server import serving

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
pytestmark = [
    pytest.mark.skipif(
        EXECUTABLE is None, reason="there is no Chromium: on Debian and Fedora `.ci/system-packages browser` brings it"
    ),
    pytest.mark.usefixtures("quick"),
]
# Drops a file on the page, as a person does who drags it there.
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  for (const kind of ["dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""
# All that the status says from now on.
NOTE_STATUS = """() => {
  window.said = [];
  const status = document.getElementById("paint-status");
  new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true });
}"""
AS_PNG = """(canvas) => canvas.toDataURL("image/png").split(",")[1]"""


def drop(page: Any, name: str, content: bytes) -> None:
    page.evaluate(DROP, [name, base64.b64encode(content).decode()])


def shown_on(page: Any) -> np.ndarray:
    """What the painting's canvas shows, uint8 [height, width, 3]."""
    content = base64.b64decode(page.locator("#paint-canvas canvas").evaluate(AS_PNG))
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB"))


def taken(page: Any, form: str, folder: Path) -> Path:
    """The file that a click on a link brings."""
    with page.expect_download() as download:
        page.click(f"#paint-{form}")
    place: Path = folder / download.value.suggested_filename
    download.value.save_as(place)
    return place


def open_page(page: Any, port: int) -> None:
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_text("Waiting.").wait_for()


@pytest.fixture
def nowhere(tmp_path: Path) -> Wanted:
    """No run to watch, which there need not be."""
    return Wanted(f"unix://{tmp_path}/none.sock")


def test_a_picture_is_dropped_watched_while_it_is_painted_and_taken_away(page, nowhere, tmp_path):
    with serving(nowhere) as port:
        open_page(page, port)
        drop(page, "scene.png", SCENE)
        page.locator("#paint[open]").wait_for()
        assert page.inner_text("#paint-name") == "scene.png"
        page.fill("#paint-strokes", "12")
        page.fill("#paint-seed", "3")
        page.select_option("#paint-brush", "deevad/brush")
        page.evaluate(NOTE_STATUS)
        page.click("#paint-start")
        page.locator("#paint[data-painted]").wait_for()
        said = page.evaluate("window.said")
        assert said[0] == "Looking at the picture" and said[-1].startswith("12 strokes; error 0.")
        assert said[-2] == "12 of at most 12 strokes" and len(said) > 3, "stroke by stroke"
        program = Program.load(taken(page, "json", tmp_path))
        with Image.open(taken(page, "png", tmp_path)) as picture:
            painted = np.asarray(picture)
        np.testing.assert_array_equal(painted, program.render(1024))
        np.testing.assert_array_equal(shown_on(page), painted)
        assert taken(page, "svg", tmp_path).read_text() == program.to_svg()
        with Image.open(taken(page, "gif", tmp_path)) as film:
            assert getattr(film, "n_frames", 1) == 13


def test_stop_ends_it_and_another_can_be_painted(page, nowhere):
    with serving(nowhere) as port:
        open_page(page, port)
        page.click("#paint-open")
        assert page.locator("#paint-start").is_disabled(), "there is no picture yet"
        page.set_input_files("#paint-file", {"name": "scene.png", "mimeType": "image/png", "buffer": SCENE})
        page.fill("#paint-strokes", "2000")
        page.click("#paint-start")
        page.locator("#paint-status", has_text="of at most 2,000 strokes").wait_for()
        page.click("#paint-close")
        page.locator("#paint-open", has_text="Painting, stroke").click()
        drop(page, "other.png", SCENE)
        page.get_by_text("One picture at a time").wait_for()
        page.click("#paint-stop")
        page.get_by_text("Stopped.").wait_for()
        page.fill("#paint-strokes", "1")
        page.click("#paint-start")
        page.locator("#paint[data-painted]").wait_for()
        assert not processes() and page.inner_text("#paint-open") == "Paint a picture"


def test_a_page_that_loses_its_server_says_that_the_painting_is_lost(page, nowhere):
    with serving(nowhere) as port:
        open_page(page, port)
        drop(page, "scene.png", SCENE)
        page.fill("#paint-strokes", "2000")
        page.click("#paint-start")
        page.locator("#paint-status", has_text="of at most 2,000 strokes").wait_for()
    page.get_by_text("The connection was lost, and with it the painting.").wait_for()
    assert page.locator("#paint-start").is_disabled()


def test_while_another_ones_picture_is_painted_the_page_says_so(browser, nowhere):
    with serving(nowhere) as port, browser.new_context() as first, browser.new_context() as second:
        pages = [context.new_page() for context in (first, second)]
        for each in pages:
            each.set_default_timeout(PATIENCE_MS)
            open_page(each, port)
            drop(each, "scene.png", SCENE)
            each.locator("#paint-start:enabled").wait_for()
        painter, other = pages
        painter.fill("#paint-strokes", "2000")
        painter.click("#paint-start")
        other.get_by_text("Another picture is being painted here.").wait_for()
        assert other.locator("#paint-start").is_disabled()
        painter.close()
        other.locator("#paint-start:enabled").wait_for()


def test_a_refusal_is_one_line_and_the_next_picture_is_painted(page, nowhere, tmp_path):
    with serving(nowhere) as port:
        open_page(page, port)
        drop(page, "notes.txt", b"no picture")
        page.locator("#paint-start:enabled").click()
        page.locator("#paint-status.warm", has_text="notes.txt cannot be read as a picture").wait_for()
        with (tmp_path / "large.tif").open("wb") as large:
            large.truncate(32 * 2**20 + 1)
        page.set_input_files("#paint-file", tmp_path / "large.tif")
        page.click("#paint-start")
        page.locator("#paint-status.warm", has_text="large.tif has more than 32 MiB: make it smaller.").wait_for()
        drop(page, "scene.png", SCENE)
        page.fill("#paint-strokes", "1")
        page.click("#paint-start")
        page.locator("#paint[data-painted]").wait_for()


def test_the_gallery_leads_to_it_and_it_fits_a_telephone(browser, nowhere):
    size = {"width": 390, "height": 844}
    with serving(nowhere) as port, browser.new_context(viewport=size, is_mobile=True) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        open_page(page, port)
        page.locator("#agents article", has_text="spiral paint").get_by_text("here").click()
        drop(page, "a_long_name_of_a_file" * 9 + ".png", SCENE)
        page.fill("#paint-strokes", "1")
        page.locator("#paint-start:enabled").click()
        page.locator("#paint[data-painted]").wait_for()
        seen = page.evaluate(LAID_OUT)
        assert max(seen["width"], seen["right"]) <= 390, "nothing is wider than the screen"
