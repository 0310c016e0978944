"""What every store of weights promises, checked on the one in memory and on the one in Ray's object store."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import ray
from ray._private.internal_api import get_memory_info_reply, get_state_from_address

from cluster.on_ray.weights import RayWeights, weights_of_a_run
from learners.weights import MemoryWeights
from spiral.contracts import Arrays, WeightsError
from spiral.newest import load_newest
from tests.patience import wait_until

MEGABYTE = 10**6


@pytest.fixture
def on_ray(ray_session: None) -> Iterator[RayWeights]:
    with weights_of_a_run() as weights:
        yield weights


@pytest.fixture(params=["memory", "ray"])
def store(request: pytest.FixtureRequest) -> MemoryWeights | RayWeights:
    return MemoryWeights() if request.param == "memory" else request.getfixturevalue("on_ray")


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


def test_version_and_numbers_always_belong_together(on_ray):
    def publish() -> None:
        for version in range(1, 40):
            on_ray.publish("agent", version, {"w": np.full(2000, version)})

    on_ray.publish("agent", 0, {"w": np.zeros(2000, np.int64)})
    with ThreadPoolExecutor(1) as thread:
        writing, seen = thread.submit(publish), [0]
        while not writing.done():
            version, weights = on_ray.fetch("agent")
            assert (weights["w"] == version).all()
            seen.append(version)
        writing.result()
    assert seen == sorted(seen)


def bytes_in_the_object_store() -> int:
    state = get_state_from_address(ray.get_runtime_context().gcs_address)  # type: ignore[no-untyped-call]
    used: int = get_memory_info_reply(state).store_stats.object_store_bytes_used  # type: ignore[no-untyped-call]
    return used


def test_only_the_newest_version_and_those_that_are_read_are_kept(on_ray):
    before = bytes_in_the_object_store()
    held = None
    for version in range(30):
        on_ray.publish("agent", version, {"w": np.full(MEGABYTE, version, np.uint8)})
        if version == 3:
            held = on_ray.fetch("agent")[1]["w"]
    wait_until(lambda: bytes_in_the_object_store() - before < 2.5 * MEGABYTE, "older versions to be freed")
    assert held is not None and (held == 3).all() and (on_ray.fetch("agent")[1]["w"] == 29).all()
    del held
    wait_until(lambda: bytes_in_the_object_store() - before < 1.5 * MEGABYTE, "the version that was read to be freed")


class Publisher:
    """A learner's process."""

    def publish(self, weights: RayWeights, version: int) -> int:
        weights.publish("agent", version, {"w": np.full(MEGABYTE, version, np.uint8)})
        return os.getpid()


def test_what_was_published_outlives_whoever_did(on_ray):
    publisher: Any = ray.remote(Publisher).options(num_cpus=0).remote()
    process: int = ray.get(publisher.publish.remote(on_ray, 7))
    assert process != os.getpid()
    ray.kill(publisher)
    version, weights = on_ray.fetch("agent")
    assert version == 7 and (weights["w"] == 7).all()


def test_a_holder_that_dies_comes_back_and_those_who_follow_keep_what_they_have(on_ray):
    on_ray.publish("agent", 5, {"w": np.zeros(MEGABYTE, np.uint8)})
    taken: list[Arrays] = []
    version = load_newest(taken.append, -1, on_ray, "agent")
    os.kill(ray.get(on_ray._holder.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)
    wait_until(lambda: on_ray.version("agent") == -1, "a new holder")
    assert load_newest(taken.append, version, on_ray, "agent") == version == 5
    on_ray.publish("agent", 6, {"w": np.ones(3)})
    assert load_newest(taken.append, version, on_ray, "agent") == 6 and len(taken) == 2
