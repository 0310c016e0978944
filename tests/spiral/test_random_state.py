"""The state of a random generator as an array: the numbers go on as if nothing had happened."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spiral.random_state import generator_array, load_generator


def test_another_generator_goes_on_with_the_same_numbers():
    rng, other = np.random.default_rng(1), np.random.default_rng(2)
    rng.integers(10, size=3, dtype=np.uint32)  # leaves half of a 64-bit number for the next draw
    array = generator_array(rng)
    assert array.dtype == np.uint8 and array.ndim == 1
    load_generator(other, array)
    assert rng.integers(10, size=9, dtype=np.uint32).tolist() == other.integers(10, size=9, dtype=np.uint32).tolist()
    assert rng.standard_normal() == other.standard_normal()


def test_the_array_holds_the_moment_it_was_made():
    rng = np.random.default_rng(1)
    array = generator_array(rng)
    first = rng.random()
    load_generator(rng, array)
    assert rng.random() == first


def test_the_state_of_another_kind_of_generator_is_refused():
    state = json.dumps({"bit_generator": "SFC64", "state": {}}).encode()
    with pytest.raises(ValueError, match="PCG64"):
        load_generator(np.random.default_rng(0), np.frombuffer(state, np.uint8))
