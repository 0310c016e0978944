"""One picture of a person's: a PNG, JPEG or PPM file of any kind with 8 bits a channel, upright and without holes.

The size is looked at before a pixel is decoded, so that a small file that claims to be a huge picture costs nothing.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from spiral.data.pictures import DatasetCorrupt

FORMATS = ("PNG", "JPEG")  # and PPM, which is told by its first two letters, where the file is called so
MOST_SIDE = 8192  # pixels, less than where Pillow begins to warn
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
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


def open_picture(path: Path, color: bool, content: bytes | None = None, background: str = "white") -> Image.Image:
    """The picture in the file, of mode RGB, or L if not `color`.

    It is turned upright as its EXIF data say, and where it is transparent a colour shows through.

    Args:
        path: of the file; of one in an archive, its name for an error.
        color: whether to keep the colours.
        content: all bytes of a file in an archive.
        background: the colour behind transparent parts, as CSS writes it.

    Raises:
        PictureError: the file is not there, no PNG, JPEG or PPM, damaged, too large, or has more than 8 bits a channel.
    """
    formats = (*FORMATS, "PPM") if path.suffix.lower() == ".ppm" else FORMATS
    try:
        with Image.open(path if content is None else io.BytesIO(content), formats=formats) as picture:
            if max(picture.size) > MOST_SIDE:
                raise _too_large(path, f"{picture.width} x {picture.height} pixels")
            picture.load()
            upright = picture.transpose(turn) if (turn := _turn(picture)) is not None else picture.copy()
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
    if upright.mode not in _EIGHT_BIT_MODES:
        raise PictureError(f"{path} has pixels of kind {upright.mode}: save it with 8 bits for each channel")
    rgba = upright.convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", rgba.size, background), rgba)
    return opaque.convert("RGB" if color else "L")


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """What turns the picture upright; None where its EXIF data say nothing of it, or cannot be read."""
    try:
        return TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # cameras and editors write all sorts of EXIF data, and the pixels are there without them
        return None


def _too_large(path: Path, how: str) -> PictureError:
    return PictureError(f"{path} is too large ({how}): make it {MOST_SIDE} pixels wide and high at most")
