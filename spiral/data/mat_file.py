"""Arrays of numbers from MATLAB's files of version 5, plain or compressed.

`scipy.io.loadmat` reads them too, but a damaged one may crash it and with it the process. Here each length is checked.

A file is a header of 128 bytes and then elements: a tag with a type and a length, and the content. An array is an
element that holds others: flags, the shape, the name, and the numbers, first index first.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

HEADER = 128
ARRAY, COMPRESSED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x0800

Element = tuple[int, memoryview]


def read_arrays(content: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of real numbers in a file, by name, in the order that MATLAB keeps them in memory.

    Raises:
        ValueError: the file is damaged or of another version.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[HEADER - 2 : HEADER])
    if order is None:
        raise ValueError("it is no MATLAB 5.0 MAT-file")
    found = {}
    for kind, body in _elements(memoryview(content)[HEADER:], order):
        if kind == COMPRESSED:
            (kind, body), *_ = _elements(memoryview(_inflated(body)), order)
        if kind == ARRAY and (named := _array(body, order)) is not None:
            found[named[0]] = named[1]
    return found


def _elements(rest: memoryview, order: str) -> Iterator[Element]:
    """The types and contents of elements that follow each other; a short one has its length beside its type."""
    while len(rest):
        if len(rest) < 8:
            raise ValueError("it is cut off")
        kind, length = struct.unpack(f"{order}II", rest[:8])
        start, padded = 8, length if kind == COMPRESSED else -(-length // 8) * 8
        if kind >> 16:
            kind, length, start, padded = kind & 0xFFFF, kind >> 16, 4, 4
        if len(rest) < start + length or (start == 4 and length > 4):
            raise ValueError("it is cut off")
        yield kind, rest[start : start + length]
        rest = rest[start + padded :]


def _inflated(body: memoryview) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise ValueError(str(error)) from None


def _array(body: memoryview, order: str) -> tuple[str, NDArray[np.generic]] | None:
    """The name and the numbers of an array; None of one that holds something else."""
    flags, shape, name, *numbers = _elements(body, order)
    if len(flags[1]) != 8:
        raise ValueError("an array has no flags")
    flag, _ = struct.unpack(f"{order}II", flags[1])
    if flag & 0xFF not in CLASSES or flag & COMPLEX:
        return None
    if len(numbers) != 1 or numbers[0][0] not in STORED:
        raise ValueError("an array has no numbers")
    stored = np.frombuffer(numbers[0][1], order + STORED[numbers[0][0]])
    with np.errstate(invalid="ignore"):  # of a damaged file, in which numbers are stored as another type
        array = stored.astype(CLASSES[flag & 0xFF])
    return bytes(name[1]).decode("ascii"), array.reshape(np.frombuffer(shape[1], f"{order}i4"), order="F")
