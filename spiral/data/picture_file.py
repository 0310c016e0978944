"""One picture of a person's, whatever a camera, a telephone, a scanner or a program wrote: upright and without holes.

PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF and ICO are read, HEIC where the package pillow-heif is; of several pictures in
a file the first. The size is looked at before a pixel is decoded, so that a small file that claims to be a huge picture
costs nothing.
"""

from __future__ import annotations

import importlib
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from spiral.data.pictures import DatasetCorrupt

FORMATS: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "ICO")
# PPM is told by its first two letters alone, and so is read where the file is called so.
NAMED_FORMATS = {".ppm": "PPM", ".pgm": "PPM"}
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
MOST_SIDE = 8192  # pixels of a picture in a data set
MOST_PIXELS = 89_000_000  # of a person's picture, less than where Pillow begins to warn
_EIGHT_BIT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by the orientation in EXIF data, in which 1 is upright

# Pillow warns of a picture that is too large and refuses one that is twice that; here both are refused.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class PictureError(DatasetCorrupt):
    """A file is no picture that can be used; the message names it."""


def open_picture(
    path: Path,
    color: bool,
    content: bytes | None = None,
    background: str = "white",
    longest: int | None = None,
) -> Image.Image:
    """The picture in the file, of mode RGB, or L if not `color`.

    It is turned upright as its EXIF data say, and where it is transparent a colour shows through. Of grey with more
    than 8 bits the 8 that count are kept.

    Args:
        path: of the file; of one in an archive, its name for an error.
        color: whether to keep the colours.
        content: all bytes of a file in an archive.
        background: the colour behind transparent parts, as CSS writes it.
        longest: pixels of its longer side, at most; a larger picture is reduced in proportion. None leaves it.

    Raises:
        PictureError: the file is not there, of no kind that is read, damaged or too large.
    """
    upright = _decoded(path, content, longest)
    if upright.mode in _DEEP_MODES:
        upright = _in_eight_bits(upright)
    if upright.mode not in _EIGHT_BIT_MODES:
        raise PictureError(f"{path} has pixels of kind {upright.mode}: save it in RGB with 8 bits for each channel")
    rgba = upright.convert("RGBA")
    if longest is not None:
        rgba.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    opaque = Image.alpha_composite(Image.new("RGBA", rgba.size, background), rgba)
    return opaque.convert("RGB" if color else "L")


def _decoded(path: Path, content: bytes | None, longest: int | None) -> Image.Image:
    """The picture as the file has it, and upright."""
    formats = FORMATS
    try:
        formats += _also_read(path, content)
        with Image.open(path if content is None else io.BytesIO(content), formats=formats) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _too_large(path, f"{picture.width} x {picture.height} pixels")
            if longest is not None:
                picture.draft(None, (longest, longest))  # a large JPEG is decoded at a half, a quarter or an eighth
            picture.load()
            turn = _turn(picture)
            return picture.copy() if turn is None else picture.transpose(turn)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path, str(error)) from None
    except UnidentifiedImageError:
        size = path.stat().st_size if content is None else len(content)
        kind = f"neither {' nor '.join(formats)}, whatever it is called" if size else "empty"
        raise PictureError(f"{path} cannot be read as a picture, since it is {kind}: give another file") from None
    except PictureError:
        raise
    except Exception as error:  # of a damaged file Pillow raises whatever its decoders do
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or repr(error)
        raise PictureError(f"{path} cannot be read as a picture ({reason}): give another file") from None


def _also_read(path: Path, content: bytes | None) -> tuple[str, ...]:
    """The formats besides `FORMATS` that the file may be of.

    Raises:
        PictureError: it is of HEIC, which nothing here reads.
    """
    if path.suffix.lower() in NAMED_FORMATS:
        return (NAMED_FORMATS[path.suffix.lower()],)
    if not _is_heic(path, content):
        return ()
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise PictureError(
            f"{path} is a HEIC picture, which the package pillow-heif reads: pip install 'spiral-painter[heic]', "
            "or save it as JPEG"
        ) from None
    return ("HEIF",)


def _is_heic(path: Path, content: bytes | None) -> bool:
    """Whether the file begins as HEIC does."""
    if content is None:
        if not path.is_file():  # a folder, or nothing, of which Pillow says what is wrong
            return False
        with path.open("rb") as file:
            content = file.read(12)
    return content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Grey of 16 bits, 32 bits or numbers as mode L: 16 bits are taken whole, else the largest pixel is white."""
    grey = np.nan_to_num(np.asarray(picture, np.float64), posinf=0.0, neginf=0.0)
    most = max(float(grey.max(initial=0)), 1e-9)
    if picture.mode != "F" and most <= 0xFFFF:
        most = 0xFFFF
    return Image.fromarray(np.rint(np.clip(grey / most, 0, 1) * 255).astype(np.uint8))


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """What turns the picture upright; None where its EXIF data say nothing of it, or cannot be read."""
    try:
        return TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # cameras and editors write all sorts of EXIF data, and the pixels are there without them
        return None


def _too_large(path: Path, how: str) -> PictureError:
    return PictureError(f"{path} is too large ({how}): make it smaller, of {MOST_PIXELS:,} pixels at most")
