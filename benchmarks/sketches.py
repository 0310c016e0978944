"""How much of the edges of ten photographs a drawing of at most 300 strokes shows: `docs/programs.md`.

The photographs are those that scikit-learn, matplotlib and scikit-image carry, 512 pixels along their longer side. The
edges are what Canny's detector finds at two widths: the wider is that of `spiral sketch`, the finer one also has what
it smooths away. An edge is shown if ink is within two pixels. `python -m benchmarks.sketches FOLDER` writes the
drawings into a folder as well.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from skimage.feature import canny

from cluster.run.contact_sheet import save_picture
from cluster.studio.plot import pen_lines
from cluster.studio.sketch import on_page, share_shown, sketched
from cluster.studio.sketching.lines import STRONG, WEAK, edges
from envs.program import Program
from spiral.data.picture_file import open_picture

PICTURES = {
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
    "skimage": tuple(
        f"data/{name}"
        for name in (
            "astronaut.png",
            "camera.png",
            "chelsea.png",
            "coffee.png",
            "coins.png",
            "motorcycle_left.png",
            "rocket.jpg",
        )
    ),
}
STROKES, SEED, BRUSH = 300, 0, "deevad/ballpen"
FINE = 1.0  # pixels by which the picture is smoothed for the finer edges


def pictures() -> list[Path]:
    """The photographs, where the packages are installed."""
    found = []
    for package, names in PICTURES.items():
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            found += [Path(spec.submodule_search_locations[0]) / name for name in names]
    return found


class Measured(NamedTuple):
    """A drawing, how many pixels its edges have, and which shares of these and of the finer ones it shows."""

    program: Program
    edges: int
    shown: float
    finer: float


def measured(path: Path) -> Measured:
    """The drawing of the picture in a file, and what it shows."""
    picture = on_page(open_picture(path, color=True))
    grey = picture.convert("L")
    edge = edges(grey)
    program = sketched(picture, edge, STROKES, BRUSH, SEED)
    finer = canny(np.asarray(grey) / 255, FINE, WEAK, STRONG, mode="nearest")
    return Measured(program, int(edge.sum()), share_shown(program, edge), share_shown(program, finer))


def print_table(folder: Path | None = None) -> None:
    """Writes what is shown of each photograph to the terminal, and the drawings into a folder."""
    table = Table("picture", "edges", "strokes", "lines", "shown", "of finer edges", "seconds")
    shares = []
    for path in pictures():
        start = time.perf_counter()
        drawing = measured(path)
        seconds = time.perf_counter() - start
        lines = pen_lines(drawing.program)
        shares.append((drawing.shown, drawing.finer))
        numbers = (drawing.edges, sum(map(len, lines)), len(lines))
        table.add_row(path.name, *map(str, numbers), *(f"{share:.1%}" for share in shares[-1]), f"{seconds:.1f}")
        if folder is not None:
            save_picture(folder / f"{path.stem}.png", drawing.program.replay())
    table.add_row("mean", "", "", "", *(f"{share:.1%}" for share in np.mean(shares, axis=0)), "")
    Console().print(table)


if __name__ == "__main__":
    print_table(Path(sys.argv[1]) if sys.argv[1:] else None)
