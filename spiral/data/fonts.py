"""Fonts that write digits: those that the package matplotlib carries, so that no picture depends on the machine's own.

A folder with other fonts may be added by name, for more kinds of digits.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from spiral.data.package import Package
from spiral.data.pictures import DatasetCorrupt, DatasetMissing

MATPLOTLIB = Package("matplotlib", "matplotlib/mpl-data/fonts/ttf", "fonts")
CARRIED = (
    *(f"DejaVu{name}" for name in ("Sans", "Sans-Bold", "Sans-Oblique", "Sans-BoldOblique")),
    *(f"DejaVu{name}" for name in ("SansMono", "SansMono-Bold", "SansMono-Oblique", "SansMono-BoldOblique")),
    *(f"DejaVu{name}" for name in ("Serif", "Serif-Bold", "Serif-Italic", "Serif-BoldItalic")),
    *(f"STIXGeneral{name}" for name in ("", "Bol", "Italic", "BolIta")),
    *(f"cm{name}10" for name in ("b", "r", "ss", "ti", "tt")),
)
SUFFIXES = (".ttf", ".otf")
SMALL = 16  # pixels, to see whether a font has digits

Font = ImageFont.FreeTypeFont


@lru_cache
def font_files(folder: Path | None = None) -> list[Path]:
    """The fonts of the package, and then those below a folder that have ten different digits, by path.

    Raises:
        DatasetMissing: the package is not installed, or the folder has no such font.
    """
    carried = [MATPLOTLIB.path() / f"{name}.ttf" for name in CARRIED]
    if folder is None:
        return carried
    added = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and _has_digits(path)]
    if not added:
        raise DatasetMissing(f"{folder} has no font with digits ({', '.join(SUFFIXES)}): name a folder of fonts")
    return carried + added


@lru_cache(1024)  # sizes of fonts; to open one takes longer than to write with it
def font_of(file: Path, size: int) -> Font:
    """The font in a file, for digits of so many pixels.

    Raises:
        DatasetCorrupt: the file is damaged.
    """
    try:
        return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DatasetCorrupt(f"{file} cannot be read as a font ({error}): install matplotlib again") from None


def _has_digits(file: Path) -> bool:
    try:
        font = font_of(file, SMALL)
        return len({bytes(font.getmask(digit)) for digit in "0123456789"}) == 10
    except (DatasetCorrupt, OSError, ValueError):
        return False
