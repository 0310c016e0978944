"""Fonts that write digits: those that some packages carry, so that no picture depends on the machine's own.

Among them are fonts that look written by hand, and such whose 1 is a bare stroke, as in what people write.
A folder with other fonts may be added by name, for more kinds of digits.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from spiral.data.package import Package
from spiral.data.pictures import DatasetCorrupt, DatasetMissing

MATPLOTLIB = Package("matplotlib", "matplotlib/mpl-data/fonts/ttf", "fonts")
CARRIED: dict[Package, tuple[tuple[str, ...], ...]] = {
    MATPLOTLIB: (
        tuple(f"DejaVuSans{name}.ttf" for name in ("", "-Bold", "-Oblique", "-BoldOblique")),
        tuple(
            f"DejaVu{name}.ttf" for name in ("SansMono", "SansMono-Bold", "SansMono-Oblique", "SansMono-BoldOblique")
        ),
        tuple(f"DejaVuSerif{name}.ttf" for name in ("", "-Bold", "-Italic", "-BoldItalic")),
        tuple(f"STIXGeneral{name}.ttf" for name in ("", "Bol", "Italic", "BolIta")),
        tuple(f"cm{name}10.ttf" for name in ("b", "r", "ss", "ti", "tt")),
    ),
    Package("font-amatic-sc", "font_amatic_sc/files", "fonts"): (("AmaticSC-Regular.ttf", "AmaticSC-Bold.ttf"),),
    Package("font-caladea", "font_caladea/files", "fonts"): (("Caladea-Regular.ttf", "Caladea-Italic.ttf"),),
    Package("font-fredoka-one", "font_fredoka_one/files", "fonts"): (("FredokaOne-Regular.ttf",),),
    Package("font-hanken-grotesk", "font_hanken_grotesk/files", "fonts"): (
        tuple(f"HankenGrotesk-{name}.otf" for name in ("Regular", "Bold", "LightItalic")),
    ),
    Package("font-intuitive", "font_intuitive/files", "fonts"): (("Intuitive.ttf",),),
    Package("font-manrope", "font_manrope/files", "fonts"): (
        tuple(f"Manrope-{name}.ttf" for name in ("Regular", "Bold", "Light")),
    ),
    Package("font-source-sans-pro", "font_source_sans_pro/files", "fonts"): (
        tuple(f"SourceSansPro-{name}.ttf" for name in ("Regular", "Bold", "Light", "It")),
    ),
}
SUFFIXES = (".ttf", ".otf")
SMALL, LARGE = 16, 64  # pixels, to see whether a font has digits, and what they look like
EVEN, SLENDER = 1.1, 0.6  # how wide a bare stroke is, at most: at its widest place in median widths, and in heights

Font = ImageFont.FreeTypeFont


def missing() -> str:
    """What to do where a package with fonts is not there; empty where all are."""
    return next((what for package in CARRIED if (what := package.missing())), "")


@lru_cache
def typefaces(folder: Path | None = None) -> list[list[Path]]:
    """The fonts of the packages, those of one design together, and then those below a folder, each by itself, by path.

    Of the folder's, those that have ten different digits.

    Raises:
        DatasetMissing: a package is not installed, or the folder has no such font.
    """
    carried = [[package.path() / name for name in names] for package, designs in CARRIED.items() for names in designs]
    if folder is None:
        return carried
    added = [[path] for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and _has_digits(path)]
    if not added:
        raise DatasetMissing(f"{folder} has no font with digits ({', '.join(SUFFIXES)}): name a folder of fonts")
    return carried + added


def font_files() -> list[Path]:
    """All fonts of the packages."""
    return [file for files in typefaces() for file in files]


@lru_cache(1024)  # sizes of fonts; to open one takes longer than to write with it
def font_of(file: Path, size: int) -> Font:
    """The font in a file, for digits of so many pixels.

    Raises:
        DatasetCorrupt: the file is damaged.
    """
    try:
        return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DatasetCorrupt(
            f"{file} cannot be read as a font ({error}): install the package that carries it again"
        ) from None


@lru_cache
def writes_bare(file: Path) -> bool:
    """Whether the font's I is a bare stroke, as wide everywhere, with which it can write a 1 as on many a house."""
    ink = font_of(file, LARGE).getmask("I")
    width, height = ink.size
    widths = np.asarray(ink).reshape(height, width).sum(1, dtype=float)
    return 0 < width < SLENDER * height and bool(widths.max() <= EVEN * np.median(widths))


def _has_digits(file: Path) -> bool:
    try:
        font = font_of(file, SMALL)
        return len({bytes(font.getmask(digit)) for digit in "0123456789"}) == 10
    except (DatasetCorrupt, OSError, ValueError):
        return False
