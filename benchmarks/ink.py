"""How much ink every installed brush puts on canvases of several sizes: a picture painted larger is the same picture.

Ink is the mean darkness of a white canvas after three black strokes, of 64 pixels and of larger ones. A brush whose
dabs are finer than a pixel at 64 is drawn too wide there, or not at all. So one that differs with a radius of 4 pixels
is measured again with a radius of 12, where its dabs are some pixels wide. Brushes that only move or take away paint
leave the canvas empty, and shall do so at every size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from envs import PAINT_ID
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.pymypaint.folders import brush_folders

SIZES = (64, 65, 128, 512)
RADII = (4, 12)  # pixels, on a canvas of 64
TOLERANCE = 0.2  # of the ink at 64
FAINT = 1e-3  # less ink is as good as none
# control, end (cells of a grid of 32 x 32), flag, pressure (of 10): there, and three strokes of several lengths
ACTIONS = ((0, 200, 0, 0), (500, 820, 1, 9), (700, 300, 1, 4), (310, 250, 1, 7))


@dataclass(frozen=True)
class Ink:
    """What one brush paints.

    Attributes:
        brush: its file.
        radius: of the brush, in pixels of a canvas of 64.
        shares: darkness at each of the sizes, from 0 (white) to 1 (black).
    """

    brush: Path
    radius: int
    shares: tuple[float, ...]

    @property
    def differs(self) -> bool:
        """Whether some size has more or less ink than the first, beyond the tolerance."""
        first = max(self.shares[0], FAINT)
        return any(abs(max(share, FAINT) - first) > TOLERANCE * first for share in self.shares)


def run(sizes: tuple[int, ...] = SIZES) -> list[Ink]:
    """What every brush in the folders of brushes paints; those of equal content once."""
    return [measure(brush, sizes) for brush in distinct_brushes()]


def measure(brush: Path, sizes: tuple[int, ...] = SIZES) -> Ink:
    """What one brush paints, with the first radius at which the sizes agree, or else the last."""
    for radius in RADII:
        ink = Ink(brush, radius, tuple(_darkness(brush, radius, size) for size in sizes))
        if not ink.differs:
            break
    return ink


def distinct_brushes() -> Iterator[Path]:
    """The files of all installed brushes, without those that say the same as an earlier one."""
    seen = set()
    for folder in brush_folders():
        for path in sorted(folder.rglob("*.myb")):
            settings = json.dumps(json.loads(path.read_text())["settings"], sort_keys=True)
            if settings not in seen:
                seen.add(settings)
                yield path


def print_table(inks: list[Ink], sizes: tuple[int, ...] = SIZES) -> None:
    """Print what `run` returned, and which brushes differ."""
    table = Table("brush", "radius", *(f"{size} px" for size in sizes), title="Ink, % of the canvas")
    for ink in inks:
        table.add_row(_name(ink), str(ink.radius), *(f"{100 * share:.2f}" for share in ink.shares))
    console = Console()
    console.print(table)
    different = [_name(ink) for ink in inks if ink.differs]
    console.print(
        f"{len(inks)} brushes; ink differs by more than {TOLERANCE:.0%} from that at {sizes[0]} pixels in "
        f"{len(different)}: {', '.join(different) or 'none'}"
    )


def _name(ink: Ink) -> str:
    return "/".join(ink.brush.with_suffix("").parts[-2:])


def _darkness(brush: Path, radius: int, size: int) -> float:
    settings = PaintSettings(
        brush=str(brush), brush_sizes=(radius,), canvas_size=64, color=False, episode_length=len(ACTIONS)
    )
    picture = Program(PAINT_ID, settings.to_json(), np.array(ACTIONS)).render(size)
    return float((255 - picture.astype(np.int64)).mean() / 255)


if __name__ == "__main__":
    print_table(run())
