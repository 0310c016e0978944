"""What may be wrong with words, documents, bytes and pictures."""

from __future__ import annotations

import io
import json
import zipfile
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F", "HSV", "LAB", "YCbCr", "PA", "La", "RGBa")
FORMATS = ("PNG", "JPEG", "PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO")
WORDS = (
    "", " ", "0", "-1", "1", "nan", "inf", "-inf", "1e308", "1e-320", "9" * 20, "9" * 5000, "-" + "9" * 30, "0x10",
    "1_0", "true", "null", "[]", "{}", "[1,2", '"', "\u00e9", "\u202e", "\U0001f600", "a\nb", "a" * 300, "a/" * 3000,
    "../..", "~", "/dev/null", "/proc/self/mem", "file://", "http://127.0.0.1:1/x", "http://[::1", "s3://",
    "redis://127.0.0.1:1", "redis://u:p@:/x", "unix:///none.sock", "rediss://127.0.0.1:1", "redis://127.0.0.1:99999",
    "memory://", "zip://x", "::", "folder:", "folder:.", "mnist", "spiral/Paint-v0",
    "os:path", "dots:Dots", "a:b:c", ":", "--help", "--", "=", "a=b", "1=2,3", "1=red", "-0", "None", "\udcff", "%s",
    "{}", "$HOME", "*", "\\", "\t", "[" * 50_000, "\x1b[31m", "http://", "http://127.0.0.1:1", "127.0.0.1:1",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, 2**64, 10**30, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "", "x", "white", "#123", "\u0000", "\ud800", "\x1b[31m", "a" * 5000, [], [0], [[]], [[[0]]], [None],
    {}, {"a": 1}, ["x"], [1e400], "spiral/Scenes-v0", "os:path", [[0] * 6] * 30,
)  # fmt: skip
DEEP = 50_000  # brackets, of which Python reads a thousand


@dataclass(frozen=True)
class Whole:
    """What is not damaged: the folder of an agent, of its run, a program and a brush."""

    agent: Path
    run: Path
    program: dict[str, Any]
    brush: bytes


def document(rng: Random, whole: Any) -> bytes:
    """A JSON document with one to three of its values replaced, removed or renamed, or with damaged bytes."""
    if rng.random() < 0.15:
        return damaged(rng, json.dumps(whole).encode())
    changed = json.loads(json.dumps(whole))
    for _ in range(rng.randint(0, 3)):
        _change(rng, changed)
    text = json.dumps(changed)
    if rng.random() < 0.02:
        return ("[" * DEEP + "]" * DEEP if rng.random() < 0.5 else text.replace("{", '{"x": ' + "[" * DEEP, 1)).encode()
    return (text if rng.random() < 0.95 else text.replace("0", "7" * 5000, 1)).encode()


def _change(rng: Random, document: Any) -> None:
    """Change one value somewhere in a document, the deeper the more often."""
    while isinstance(document, dict | list) and document:
        key = rng.choice(list(document) if isinstance(document, dict) else range(len(document)))
        if isinstance(document[key], dict | list) and document[key] and rng.random() < 0.8:
            document = document[key]
            continue
        if rng.random() < 0.7:
            document[key] = deepcopy(rng.choice(VALUES))  # a later change may go into a list or a dictionary of them
        elif isinstance(document, dict) and rng.random() < 0.5:
            document[rng.choice(("x", "", "\u0000"))] = document.pop(key)
        else:
            del document[key]
        return


def damaged(rng: Random, content: bytes) -> bytes:
    """Bytes cut off, flipped, doubled or replaced."""
    changed = bytearray(content)
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(changed[: rng.randrange(len(changed) + 1)])
    if kind == 1:
        return bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 8, 100))))
    for _ in range(rng.choice((1, 1, 3, 30))):
        if changed:
            at = rng.randrange(min(len(changed), rng.choice((16, 64, len(changed)))) or 1)
            changed[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(changed * 2 if kind == 2 else changed)


def maybe_damaged(rng: Random, content: bytes) -> bytes:
    """The same bytes, or damaged ones."""
    return content if rng.random() < 0.5 else damaged(rng, content)


def picture_bytes(rng: Random) -> bytes:
    """A picture file of any kind, whole or damaged."""
    size = rng.choice(((1, 1), (16, 16), (40, 7), (1, 300), (64, 64), (8193, 1)))
    picture = Image.effect_noise(size, 90) if rng.random() < 0.5 else Image.new("L", size, rng.choice((0, 128, 255)))
    options: dict[str, Any] = {}
    if rng.random() < 0.4:
        exif = Image.Exif()
        exif[0x0112] = rng.choice((1, 3, 6, 8, 9, 0))
        options["exif"] = damaged(rng, exif.tobytes()) if rng.random() < 0.7 else exif
    if rng.random() < 0.1:
        options |= {"save_all": True, "append_images": [picture]}
    stream = io.BytesIO()
    try:
        picture.convert("RGB").convert(rng.choice(MODES)).save(stream, format=rng.choice(FORMATS), **options)
    except Exception:  # a format that has no such mode
        picture.convert("RGB").save(stream, format=rng.choice(("PNG", "JPEG")))
    return maybe_damaged(rng, stream.getvalue())


def array(rng: Random) -> NDArray[Any]:
    """An array such as a data set has, or another one."""
    shape = rng.choice(((2, 8, 8, 3), (2, 5, 7), (0, 8, 8, 3), (0, 5, 7), (2,), (), (1, 8, 8, 1)))
    return np.zeros(shape, rng.choice((np.uint8, np.int64, np.float32)))


def zipped(rng: Random) -> bytes:
    """An archive of pictures."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(rng.choice((0, 1, 3))):
            archive.writestr(
                rng.choice((f"{number}.jpg", f"faces128/{number}.jpg", f"a/b/{number}.png")), picture_bytes(rng)
            )
    return stream.getvalue()
