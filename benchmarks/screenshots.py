"""Pictures of the live page for the documentation, taken in headless Chromium from a page that is being served.

python -m benchmarks.screenshots http://127.0.0.1:8800/ docs/images
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.browser import chromium

SETTLED_MS = 8000  # for the wall to fill


def take(
    url: Annotated[str, typer.Argument(help="Address of the page.")],
    folder: Annotated[Path, typer.Argument(help="Where the pictures go: watch.png and watch-program.png.")],
) -> None:
    """Take a picture of the whole page, and one of an episode from near."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1120})
        page.goto(url)
        page.locator(".card:not(.painting):not(.random)").nth(12).wait_for()
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=folder / "watch.png")
        page.locator(".card:not(.painting):not(.random)").nth(4).click()
        page.locator("#program[data-sharp]").wait_for()
        page.locator("#program").screenshot(path=folder / "watch-program.png")


if __name__ == "__main__":
    typer.run(take)
