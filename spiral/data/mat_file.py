"""Arrays of numbers, and cells and structures that hold them, from MATLAB's files of version 5, plain or compressed.

`scipy.io.loadmat` reads them too, but a damaged one may crash it and with it the process. Here each length is checked.

A file is a header of 128 bytes and then elements: a tag with a type and a length, and the content. An array is an
element that holds others: flags, the shape, the name, and the numbers, first index first. In place of the numbers, a
cell array has an array for each cell, and a structure the names of its fields and then an array for each.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

HEADER = 128
ARRAY, COMPRESSED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x0800
CELLS, STRUCTURE = 1, 2
DEEPEST = 8  # cells within cells

Element = tuple[int, memoryview]
Value = NDArray[np.generic] | list["Value"] | Mapping[str, "Value"]


def read_arrays(content: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of real numbers in a file, by name, in the order that MATLAB keeps them in memory.

    Raises:
        ValueError: the file is damaged or of another version.
    """
    return {name: value for name, value in read_values(content).items() if isinstance(value, np.ndarray)}


def read_values(content: bytes) -> dict[str, Value]:
    """The arrays of real numbers, the cells in their order, and the single structures in a file, by name.

    Raises:
        ValueError: the file is damaged or of another version.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[HEADER - 2 : HEADER])
    if order is None:
        raise ValueError("it is no MATLAB 5.0 MAT-file")
    found: dict[str, Value] = {}
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


def _array(body: memoryview, order: str, depth: int = 0) -> tuple[str, Value] | None:
    """The name and what is in an array; None of one that holds something else."""
    flags, shape, name, *numbers = _elements(body, order)
    if len(flags[1]) != 8:
        raise ValueError("an array has no flags")
    flag, _ = struct.unpack(f"{order}II", flags[1])
    if flag & 0xFF in (CELLS, STRUCTURE):
        if depth == DEEPEST:
            raise ValueError("cells lie too deep in each other")
        fields = _fields(numbers, order) if flag & 0xFF == STRUCTURE else None
        return bytes(name[1]).decode("ascii"), _held(numbers, fields, order, depth)
    if flag & 0xFF not in CLASSES or flag & COMPLEX:
        return None
    if len(numbers) != 1 or numbers[0][0] not in STORED:
        raise ValueError("an array has no numbers")
    stored = np.frombuffer(numbers[0][1], order + STORED[numbers[0][0]])
    with np.errstate(invalid="ignore"):  # of a damaged file, in which numbers are stored as another type
        array = stored.astype(CLASSES[flag & 0xFF])
    return bytes(name[1]).decode("ascii"), array.reshape(np.frombuffer(shape[1], f"{order}i4"), order="F")


def _held(elements: list[Element], fields: list[str] | None, order: str, depth: int) -> Value:
    """What the cells hold, or the fields of a structure; what holds anything else than numbers is left out."""
    bodies = [body for kind, body in elements if kind == ARRAY]
    inner = [_array(body, order, depth + 1) if len(body) else None for body in bodies]
    if fields is None:
        return [value[1] for value in inner if value is not None]
    if len(inner) != len(fields):
        raise ValueError("a structure is not a single one")
    return {name: value[1] for name, value in zip(fields, inner, strict=True) if value is not None}


def _fields(elements: list[Element], order: str) -> list[str]:
    """The names of a structure's fields."""
    if len(elements) < 2 or len(elements[0][1]) != 4:
        raise ValueError("a structure has no fields")
    (length,) = struct.unpack(f"{order}i", elements[0][1])
    names = bytes(elements[1][1])
    if length <= 0 or len(names) % length:
        raise ValueError("a structure has no fields")
    parts = (names[start : start + length] for start in range(0, len(names), length))
    return [part.partition(b"\0")[0].decode("ascii") for part in parts]
