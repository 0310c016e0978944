"""One picture of a person's: a PNG or JPEG file of any kind that has 8 bits a channel, upright and without holes.

The size is looked at before a pixel is decoded, so that a small file that claims to be a huge picture costs nothing.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from spiral.data.pictures import DatasetCorrupt

MOST_SIDE = 8192  # pixels, less than where Pillow begins to warn
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

# Pillow warns of a picture that is too large and refuses one that is twice that; here both are refused.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class PictureError(DatasetCorrupt):
    """A file is no picture that can be used; the message names it."""


def open_picture(path: Path, color: bool, content: bytes | None = None) -> Image.Image:
    """The picture in the file, of mode RGB, or L if not `color`.

    It is turned upright as its EXIF data say, and where it is transparent white shows through. Of a file in an archive
    `content` gives the bytes, and `path` the name for an error.

    Raises:
        PictureError: the file is not there, no PNG or JPEG, damaged, too large, or has more than 8 bits a channel.
    """
    try:
        with Image.open(path if content is None else io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if max(picture.size) > MOST_SIDE:
                raise _too_large(path, f"{picture.width} x {picture.height} pixels")
            upright = ImageOps.exif_transpose(picture)
            upright.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path, str(error)) from None
    except UnidentifiedImageError:
        size = path.stat().st_size if content is None else len(content)
        kind = "neither PNG nor JPEG, whatever it is called" if size else "empty"
        raise PictureError(f"{path} cannot be read as a picture, since it is {kind}: give another file") from None
    except (OSError, SyntaxError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{path} cannot be read as a picture ({reason}): give another file") from None
    if upright.mode not in _EIGHT_BIT_MODES:
        raise PictureError(f"{path} has pixels of kind {upright.mode}: save it with 8 bits for each channel")
    rgba = upright.convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return opaque.convert("RGB" if color else "L")


def _too_large(path: Path, how: str) -> PictureError:
    return PictureError(f"{path} is too large ({how}): make it {MOST_SIDE} pixels wide and high at most")
