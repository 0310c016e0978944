"""A headless Chromium, in which pages are tested, measured and photographed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.run.folder import RunError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")
START_MS = 120_000  # at most, on a machine that is busy
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser until the context ends.

    Raises:
        RunError: Chromium or playwright, which drives it, is not there.
    """
    if EXECUTABLE is None:
        raise RunError("there is no Chromium here: on Debian and Fedora `.ci/system-packages browser` brings it")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise RunError("playwright is not installed: pip install -e '.[dev]'") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS, timeout=START_MS)
        try:
            yield browser
        finally:
            browser.close()
