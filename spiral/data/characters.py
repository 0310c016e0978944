"""Characters with their strokes, from KanjiVG (Ulrich Apel) as the package kanjivg carries it.

They stand in for OMNIGLOT (Lake et al., 2015), which no package carries: line drawings of about 1,600 kinds, each by
several hands. The strokes are SVG paths; here they are drawn with pens of many widths. Letters, kana and the simpler
kanji are taken, up to 8 strokes, so that an agent with 20 commands can draw them. Held-out characters are held out in
every drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from fontTools.pens.recordingPen import RecordingPen
from fontTools.svgLib.path import parse_path
from numpy.typing import NDArray

from spiral.data.line_drawing import Pen, Stroke, by_hand, draw
from spiral.data.package import Package
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted, part_of

KANJIVG = Package("kanjivg", "kanji", "characters")  # a folder of SVG files
DRAWINGS = 8  # of each character
MOST_STROKES = 8
SEED = 1623
FRAME = 109.0  # width and height of KanjiVG's pictures
CURVE_POINTS = 8  # that a Bézier curve becomes
PATH = "{http://www.w3.org/2000/svg}path"


@dataclass(frozen=True)
class Characters:
    """The data set, drawn with the pens that `pen` draws from a random generator."""

    pen: Callable[[np.random.Generator], Pen]
    size = "11,528 + 1,288"
    where = "the package kanjivg"

    @property
    def what(self) -> str:
        """Which characters, and how they are drawn."""
        return f"1,602 Latin and Japanese characters, drawn by a {self.pen.__name__.replace('_', ' ')}"

    def missing(self) -> str:
        """What to do where the package is not there."""
        return KANJIVG.missing()

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The drawings of a split, labelled by the character's code point.

        All characters by the first hand come first, then all by the second, so that any few show many characters.
        """
        characters = part_of(sorted(read_strokes().items()), split)
        drawings = np.empty((DRAWINGS, len(characters), canvas_size, canvas_size, 1), np.uint8)
        for hand in range(DRAWINGS):
            for i, (character, strokes) in enumerate(characters):
                rng = np.random.default_rng((SEED, hand, character))
                drawings[hand, i, ..., 0] = draw(by_hand(strokes, rng), self.pen(rng), canvas_size)
        labels = np.tile(np.array([character for character, _ in characters]), DRAWINGS)
        return Pictures(fitted(drawings.reshape(-1, canvas_size, canvas_size, 1), canvas_size, color), labels)

    def prepare(self, source: Path | None) -> Path:
        """The folder of the strokes; there is nothing to copy."""
        read_strokes()
        return KANJIVG.path()


def read_strokes() -> dict[int, list[Stroke]]:
    """The strokes of each character with `MOST_STROKES` or fewer, in the order of writing, by its code point.

    A stroke is float [n, 2], x and y in widths of the picture, both from 0 to 1.

    Raises:
        DatasetMissing: the package is not installed.
        DatasetCorrupt: one of its files is damaged.
    """
    return _strokes_in(KANJIVG.path())


@cache  # both splits, and every pen, have the same strokes
def _strokes_in(folder: Path) -> dict[int, list[Stroke]]:
    characters = {}
    for file in folder.glob("?????.svg"):  # longer names are variants of a character
        try:
            outlines = [element.attrib["d"] for element in ElementTree.parse(file).iter(PATH)]
            if len(outlines) <= MOST_STROKES:
                characters[int(file.stem, 16)] = [_points(outline) for outline in outlines]
        except (ElementTree.ParseError, ValueError, KeyError) as error:
            raise DatasetCorrupt(f"{file} is damaged ({error}): install kanjivg again") from None
    return characters


def _points(outline: str) -> Stroke:
    """The points along an SVG path of cubic curves."""
    pen = RecordingPen()
    parse_path(outline, pen)
    points: list[NDArray[np.float64]] = []
    t = np.linspace(0, 1, CURVE_POINTS)[:, None]
    for command, corners in pen.value:
        if command == "moveTo":
            points.append(np.array(corners))
        elif command == "curveTo":
            a, (b, c, d) = points[-1][-1], np.array(corners)
            curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
            points.append(curve[1:])
    return np.concatenate(points) / FRAME
