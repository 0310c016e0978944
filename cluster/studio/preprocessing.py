"""How a picture of a person's comes to an agent's canvas: dark on light, cut to what is drawn, square, small."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps

from cluster.run.folder import RunError
from spiral.data.picture_file import open_picture

CUTOFF = 1.0  # per cent of the pixels, at either end, that `contrast` lets go
DRAWN_SHARE = 20 / 28  # of the side of the square that `crop` leaves, as in MNIST
LONGEST = 2048  # pixels, to which a larger picture is reduced while it is read: it becomes a square of this side
SMALL = 0.5  # of the side: what is drawn is lost in the picture
MIDDLE, NEAR = 127.5, 24.0  # of 255 grey levels: as good as the other colour, as good as the same

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a picture before an agent sees it.

    Attributes:
        invert: whether dark turns light and light dark.
        contrast: whether its lightest parts become white and its darkest black.
        crop: whether it is cut to what is drawn, in the middle and as large as a digit of MNIST.
        background: the colour behind its transparent parts, as CSS writes it.

    Raises:
        RunError: the background is no colour.
    """

    invert: bool = False
    contrast: bool = False
    crop: bool = False
    background: str = "white"

    def __post_init__(self) -> None:
        try:
            ImageColor.getrgb(self.background)
        except ValueError:
            raise RunError(
                f"--background {self.background} is no colour: give white, black, #rrggbb or any that CSS has"
            ) from None

    def apply_to_file(self, picture: Path, color: bool) -> Image.Image:
        """The picture in a file as a square in its own background, in grey if not `color`.

        Raises:
            PictureError: the file is no picture that can be used.
        """
        return self.apply(open_picture(picture, color, background=self.background, longest=LONGEST))

    def apply(self, picture: Image.Image) -> Image.Image:
        """The picture, of mode L or RGB, as a square in its own background."""
        if self.invert:
            picture = ImageOps.invert(picture)
        if self.contrast:
            picture = ImageOps.autocontrast(picture, CUTOFF, preserve_tone=True)
        drawn = drawn_box(as_array(picture)) if self.crop else None
        if drawn is None:
            return squared(picture, (0, 0, *picture.size), 1.0)
        return squared(picture, drawn, DRAWN_SHARE)

    def advice(self, target: NDArray[np.uint8], empty: NDArray[np.uint8]) -> list[str]:
        """A line for each option that might help an agent that paints in grey.

        Args:
            target: the picture as the agent sees it, [H, W, C].
            empty: its empty canvas, of the same shape.
        """
        if empty.shape[-1] != 1:
            return []
        notes = []
        difference = edge_color(target).mean() - edge_color(empty).mean()
        if abs(difference) > NEAR:
            how = "darker" if difference < 0 else "lighter"
            way_out = "try it with --invert, or without" if abs(difference) > MIDDLE else "try it with --contrast"
            notes.append(f"note: the background of the picture is {how} than the agent's canvas: {way_out}")
        drawn = None if self.crop else drawn_box(target)
        if drawn is not None:
            share = max(drawn[2] - drawn[0], drawn[3] - drawn[1]) / len(target)
            if share < SMALL:
                notes.append(f"note: what is drawn fills {share:.0%} of the picture's side: try it with --crop")
        return notes


def drawn_box(picture: NDArray[np.uint8]) -> Box | None:
    """Where a picture [H, W, C] differs from its background by more than half of the most there; None if nowhere."""
    difference = np.abs(picture - edge_color(picture).astype(np.float32)).max(axis=2)
    if difference.max() <= NEAR:
        return None
    return Image.fromarray(difference > difference.max() / 2).getbbox()


def squared(picture: Image.Image, box: Box, share: float) -> Image.Image:
    """A square of the picture with `box` in its middle, whose longer side is this share of the square's.

    What lies outside of the picture has the colour that is the median of its edge.
    """
    left, top, right, bottom = box
    side = max(1, round(max(right - left, bottom - top) / share))
    background = tuple(round(level) for level in edge_color(as_array(picture)))
    square = Image.new(picture.mode, (side, side), background if picture.mode == "RGB" else background[0])
    square.paste(picture, ((side - left - right) // 2, (side - top - bottom) // 2))
    return square


def resized(square: Image.Image, size: int, filter: Image.Resampling) -> NDArray[np.uint8]:
    """The picture as uint8 [size, size, C]."""
    return as_array(square.resize((size, size), filter))


def edge_color(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The median of the outermost pixels of a picture [H, W, C] in each channel, [C]."""
    edge = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    return np.asarray(np.median(np.concatenate(edge), axis=0), np.float64)


def as_array(picture: Image.Image) -> NDArray[np.uint8]:
    """The picture as uint8 [H, W, C]."""
    return np.atleast_3d(np.asarray(picture))
