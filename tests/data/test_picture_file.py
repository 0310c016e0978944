"""A picture of a person's is read whatever it is, or refused by name."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from spiral.data.picture_file import MOST_PIXELS, PictureError, open_picture


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
    Image.new("L", (8, 8), 0).save(path, format="PCX")
    with pytest.raises(PictureError, match="neither PNG nor JPEG"):
        open_picture(path, color=False)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "ICO", "HEIF"])
def test_every_kind_of_file_is_read_and_turned_upright_once(kind, tmp_path):
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="HEIC is read by the extra heic").register_heif_opener()
    if kind not in Image.SAVE:
        Image.init()
    lying = Image.new("RGB", (32, 64), "white")
    lying.paste("black", (0, 0, 32, 32))
    turned = kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")  # pillow-heif writes no turns, and undoes those it reads
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # what is on the left belongs on top
    path = tmp_path / "picture"
    if kind == "ICO":
        lying.save(path, kind, sizes=[(32, 64)])
    elif turned:
        lying.transpose(Image.Transpose.ROTATE_90).save(path, kind, exif=exif)
    else:
        lying.save(path, kind)
    picture = open_picture(path, color=False)
    assert picture.size == (32, 64)
    dark = np.asarray(picture) < 128
    assert dark[:28].all() and not dark[36:].any()


@pytest.mark.parametrize(
    ("pixels", "grey"),
    [
        (np.full((4, 6), 0x8000, np.uint16), 128),
        (np.array([[0, 1 << 20]], np.int32), [0, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 500, 1000, np.nan]], np.float32), [0, 128, 255, 0]),
    ],
)
def test_grey_of_many_bits_keeps_what_counts(pixels, grey, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "deep.tif")
    assert (np.asarray(open_picture(tmp_path / "deep.tif", color=False)) == grey).all()


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    frames = [Image.new("L", (8, 8), level) for level in (200, 0, 100)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (np.asarray(open_picture(tmp_path / "a.gif", color=False)) == 200).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_large_picture_is_reduced_in_proportion(kind, tmp_path):
    Image.new("CMYK" if kind == "TIFF" else "L", (2000, 1000), 0).save(tmp_path / "large", kind)
    assert open_picture(tmp_path / "large", color=True, longest=300).size == (300, 150)
    assert open_picture(tmp_path / "large", color=True, longest=3000).size == (2000, 1000)


def test_heic_without_its_library_is_one_line_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x1cftypheic" + bytes(100))
    with pytest.raises(PictureError, match=r"photo\.heic is a HEIC .* pip install 'spiral-painter\[heic\]', or save"):
        open_picture(tmp_path / "photo.heic", color=True)


def test_a_long_picture_is_read(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("1", (20_000, 2)).save(path)
    assert open_picture(path, color=False).size == (20_000, 2)


@pytest.mark.parametrize("size", [(20_000, 20_000), (20_000, 5_000), (MOST_PIXELS + 1, 1), (1, 1 << 30)])
def test_too_large_a_picture_is_refused_before_it_is_decoded(size, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(claiming(*size))
    with pytest.raises(PictureError, match=r"large\.png is too large .* make it smaller, of 89,000,000 pixels at most"):
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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "ICO"])
def test_a_damaged_file_is_a_picture_or_refused_by_name(kind, tmp_path):
    rng = np.random.default_rng(0)
    Image.init()
    Image.fromarray(rng.integers(0, 255, (24, 24, 3), np.uint8)).save(tmp_path / "whole", kind)
    whole = (tmp_path / "whole").read_bytes()
    for _ in range(40):
        content = bytearray(whole[: int(rng.integers(1, len(whole) + 1))])
        for place in rng.integers(0, len(content), 2):
            content[place] = int(rng.integers(0, 256))
        try:
            assert open_picture(tmp_path / "damaged", True, bytes(content), longest=16).mode == "RGB"
        except PictureError as error:
            assert "damaged" in str(error) and "\n" not in str(error)
