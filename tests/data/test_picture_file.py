"""A picture of a person's is read whatever it is, or refused by name."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiral.data.picture_file import MOST_SIDE, PictureError, open_picture


def claiming(width: int, height: int) -> bytes:
    """A PNG file of a few bytes whose header claims so many pixels."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    data = b"IDAT" + zlib.compress(b"")
    chunks = [header, data, b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") for chunk in chunks
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_png_with_eight_bits_is_read(mode, tmp_path):
    path = tmp_path / "p.png"
    Image.new("RGB", (6, 4), "white").convert(mode).save(path)
    for color, channels in ((True, "RGB"), (False, "L")):
        picture = open_picture(path, color)
        assert (picture.mode, picture.size) == (channels, (6, 4))
        assert (np.asarray(picture) == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_is_read(mode, tmp_path):
    path = tmp_path / "p.jpg"
    Image.new("L", (16, 16), 100).convert("RGB").convert(mode).save(path)
    assert np.abs(np.asarray(open_picture(path, color=False)).astype(int) - 100).max() <= 2


def test_the_content_counts_and_not_the_name(tmp_path):
    path = tmp_path / "photo.png"
    Image.new("L", (8, 8), 0).save(path, format="JPEG")
    assert open_picture(path, color=False).size == (8, 8)
    Image.new("L", (8, 8), 0).save(path, format="GIF")
    with pytest.raises(PictureError, match="neither PNG nor JPEG"):
        open_picture(path, color=False)


def test_the_largest_picture_is_read(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("1", (MOST_SIDE, 2)).save(path)
    assert open_picture(path, color=False).size == (MOST_SIDE, 2)


@pytest.mark.parametrize("size", [(20_000, 20_000), (20_000, 5_000), (20_000, 2), (2, MOST_SIDE + 1)])
def test_too_large_a_picture_is_refused_before_it_is_decoded(size, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(claiming(*size))
    with pytest.raises(PictureError, match=r"large\.png is too large .* make it 8192 pixels wide and high at most"):
        open_picture(path, color=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"this is text", "neither PNG nor JPEG"),
        (claiming(100, 100), "cannot be read as a picture"),
        (None, "No such file"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_file(content, message, tmp_path):
    path: Path = tmp_path / "wrong.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=message) as caught:
        open_picture(path, color=True)
    assert str(path) in str(caught.value)
    with pytest.raises(PictureError, match="Is a directory"):
        open_picture(tmp_path, color=True)
