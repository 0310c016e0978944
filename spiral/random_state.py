"""The state of numpy's random generator as an array, so that a checkpoint holds nothing but arrays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray


def generator_array(rng: np.random.Generator) -> NDArray[np.uint8]:
    """The generator's state as the bytes of a JSON document, uint8."""
    return np.frombuffer(json.dumps(rng.bit_generator.state).encode(), np.uint8)


def load_generator(rng: np.random.Generator, array: NDArray[np.generic]) -> None:
    """Take over what `generator_array` gave."""
    state: dict[str, Any] = json.loads(array.tobytes())
    rng.bit_generator.state = state
