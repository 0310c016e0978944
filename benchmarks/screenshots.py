"""Pictures of the live page for the documentation, taken in headless Chromium from a page that is being served.

python -m benchmarks.screenshots run http://127.0.0.1:8800/ docs/images
python -m benchmarks.screenshots painting http://127.0.0.1:8800/ docs/images
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from skimage.data import chelsea

from benchmarks.browser import chromium

SETTLED_MS = 8000  # for the wall to fill
PAINTED_MS = 1_800_000  # for a painting, at most
STROKES = 500

app = typer.Typer()
UrlArgument = Annotated[str, typer.Argument(help="Address of the page.")]
FolderArgument = Annotated[Path, typer.Argument(help="Where the pictures go.")]


@app.command()
def run(url: UrlArgument, folder: FolderArgument) -> None:
    """Take watch.png, of the whole page while a run trains, and watch-program.png, of an episode from near."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1120})
        page.goto(url)
        page.locator(".card:not(.painting):not(.random)").nth(12).wait_for()
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=folder / "watch.png")
        page.locator(".card:not(.painting):not(.random)").nth(4).click()
        page.locator("#program[data-sharp]").wait_for()
        page.locator("#program").screenshot(path=folder / "watch-program.png")


@app.command()
def painting(url: UrlArgument, folder: FolderArgument) -> None:
    """Take watch-paint.png, of a picture that was painted on the page."""
    picture = io.BytesIO()
    Image.fromarray(chelsea()).save(picture, "PNG")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1120})
        page.goto(url)
        page.click("#paint-open")
        page.set_input_files(
            "#paint-file", {"name": "chelsea.png", "mimeType": "image/png", "buffer": picture.getvalue()}
        )
        page.fill("#paint-strokes", str(STROKES))
        page.click("#paint-start")
        page.locator("#paint[data-painted]").wait_for(timeout=PAINTED_MS)
        page.locator("#paint").screenshot(path=folder / "watch-paint.png")


if __name__ == "__main__":
    app()
