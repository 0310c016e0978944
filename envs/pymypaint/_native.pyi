"""The types of the compiled extension; `canvases` checks what goes in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SETTINGS: int
INPUTS: int

class TooManyDabs(ValueError): ...

class Recipe:
    def __init__(
        self, values: Sequence[float], curves: Sequence[tuple[int, int, Sequence[tuple[float, float]]]]
    ) -> None: ...
    @property
    def shareable(self) -> bool: ...

class Batch:
    def __init__(
        self,
        count: int,
        width: int,
        height: int,
        channels: int,
        background: Sequence[int],
        scale: float,
        recipe: Recipe,
        seconds: float,
        threads: int,
        /,
    ) -> None: ...
    def reset(self, indices: NDArray[np.int64], /) -> None: ...
    def step(
        self,
        active: NDArray[np.uint8],
        paint: NDArray[np.uint8],
        control: NDArray[np.float32],
        end: NDArray[np.float32],
        pressure: NDArray[np.float32],
        radius: NDArray[np.float32],
        color: NDArray[np.float32],
        out: NDArray[np.uint8] | None,
        factor: int,
        /,
    ) -> None: ...
    def read(self, out: NDArray[np.uint8], factor: int, /) -> None: ...
    def load(self, pictures: NDArray[np.uint8], channels: int, /) -> None: ...
    def take(self, other: Batch, sources: NDArray[np.int64], /) -> None: ...
    def set_brush(self, radius: float, rgb: Sequence[float], /) -> None: ...
    def move(self, x: float, y: float, /) -> None: ...
    def stroke_to(self, x: float, y: float, pressure: float, seconds: float, /) -> None: ...

def setting_from_name(name: str, /) -> int: ...
def input_from_name(name: str, /) -> int: ...
def setting_default(setting: int, /) -> float: ...
