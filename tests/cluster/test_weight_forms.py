"""What every store of weights promises, checked on the in-memory form and on the one in a real Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.weights import RedisWeights
from learners.weights import MemoryWeights
from spiral.contracts import Arrays, WeightsError


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> MemoryWeights | RedisWeights:
    return MemoryWeights() if request.param == "memory" else RedisWeights(request.getfixturevalue("address"))


def test_a_name_without_weights_has_version_minus_one(store):
    assert store.version("agent") == -1
    with pytest.raises(KeyError, match="'agent'"):
        store.fetch("agent")


def test_what_was_published_comes_back(store):
    weights: Arrays = {
        "layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "count": np.array(7, np.int64),
        "none": np.zeros((0, 4), np.uint8),
    }
    store.publish("agent", 3, weights)
    version, fetched = store.fetch("agent")
    assert (version, store.version("agent"), sorted(fetched)) == (3, 3, sorted(weights))
    for name, array in weights.items():
        assert fetched[name].dtype == array.dtype
        np.testing.assert_array_equal(fetched[name], array)
        assert fetched[name].shape == array.shape


def test_a_publisher_may_go_on_writing_to_its_arrays(store):
    array = np.zeros(3)
    store.publish("agent", 1, {"w": array})
    array += 1
    np.testing.assert_array_equal(store.fetch("agent")[1]["w"], np.zeros(3))


def test_versions_never_fall(store):
    store.publish("agent", 5, {"w": np.zeros(1)})
    with pytest.raises(WeightsError, match="version 4 of 'agent' was published, but version 5"):
        store.publish("agent", 4, {"w": np.ones(1)})
    store.publish("agent", 5, {"w": np.full(1, 2.0)})
    assert store.fetch("agent")[1]["w"][0] == 2.0
    store.publish("discriminator", 0, {"w": np.ones(1)})
    assert (store.version("agent"), store.version("discriminator")) == (5, 0)


def test_version_and_numbers_always_belong_together(address):
    def publish() -> None:
        writer = RedisWeights(address)
        for version in range(1, 40):
            writer.publish("agent", version, {"w": np.full(2000, version)})

    RedisWeights(address).publish("agent", 0, {"w": np.zeros(2000, np.int64)})
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(publish)
        reader, seen = RedisWeights(address), [0]
        while not writing.done():
            version, weights = reader.fetch("agent")
            assert (weights["w"] == version).all()
            seen.append(version)
        writing.result()
    assert seen == sorted(seen)


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"\xff" * 64], ids=["empty", "a pickle", "noise"])
def test_bytes_that_are_no_weights_are_refused(address: RedisAddress, data):
    store = RedisWeights(address)
    store.publish("agent", 1, {"w": np.zeros(1)})
    address.connect().hset(address.key("weights:agent"), "weights", data)
    with pytest.raises(WeightsError, match="does not hold weights"):
        store.fetch("agent")
    address.connect().hset(address.key("weights:agent"), "version", "newest")
    assert store.version("agent") == -1
    with pytest.raises(WeightsError, match="where a version belongs"):
        store.fetch("agent")
    store.publish("agent", 2, {"w": np.ones(1)})
    assert store.fetch("agent")[0] == 2, "the next weights take its place"
