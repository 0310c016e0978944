"""A run on a real Ray and a real Redis: it learns, keeps its bounds, survives lost workers, and leaves no keys."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import numpy as np
import pytest
import ray

from cluster.local import LocalEngine
from cluster.plan import Counters, Length, Phase, Report
from cluster.ray_run import RayEngine
from cluster.ray_start import EngineError, gpu_share, has_gpu, start_ray
from cluster.ray_supervisor import Supervised
from cluster.redis_connection import FAIL_AT_ONCE, RedisAddress, RedisError
from cluster.redis_server import EmbeddedRedis
from cluster.run import Machines, begin, resume
from learners.checkpoint import load_checkpoint
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.data import load

from .conftest import FRAMES

pytestmark = pytest.mark.usefixtures("ray_session", "quick")
LEARNING = Phase("learning", 0.5)


@pytest.fixture(scope="module")
def pictures(drawings: str) -> np.ndarray:
    return load(drawings, "train", 16, color=False)


@pytest.fixture(scope="module")
def engine(
    tiny: RunConfig, pictures: np.ndarray, redis_server: EmbeddedRedis, ray_session: None
) -> Iterator[RayEngine]:
    """Processes take seconds to start, so several tests share them; each leaves them well."""
    engine = RayEngine(tiny, pictures, redis_server.url, workers=2)
    yield engine
    engine.close()


def reports(engine: RayEngine, count: int) -> list[Report]:
    """The next `count` steps of the policy learner."""
    found: list[Report] = []
    while len(found) < count:
        report = engine.step(LEARNING)
        if report is not None:
            found.append(report)
    return found


def test_the_policy_lags_little_and_the_discriminator_keeps_under_its_ceiling(engine):
    before = engine.weights.version("agent"), engine.weights.version("discriminator")
    counters = Counters()
    for report in reports(engine, 20):
        counters.add(report)
        assert 0 <= report.metrics["policy/lag"] <= 3
        assert report.frames == FRAMES
        # Two steps for each batch that was handed over; three may be under way beside those that are learned.
        assert counters.discriminator_steps <= 2 * (counters.policy_steps + 3)
    for report in engine.settle():
        counters.add(report)
    assert counters.discriminator_steps > 0
    assert engine.weights.version("agent") - before[0] == counters.policy_steps
    assert engine.weights.version("discriminator") > before[1]


def test_renders_and_weights_meet_in_redis(engine, redis_server):
    reports(engine, 3)
    client = RedisAddress(redis_server.url, "any").connect()
    names = {key.decode().rpartition("}:")[2] for key in client.scan_iter(match="spiral:*")}
    assert {"replay:added", "replay:slots", "weights:agent", "weights:discriminator"} <= names


def test_either_engine_goes_on_where_the_other_stopped(tiny, pictures, engine):
    local = LocalEngine(tiny, pictures)
    while local.policy.version <= engine.weights.version("agent") + 3:
        local.step(LEARNING)
    steps = local.policy.version
    engine.settle()
    engine.load_state(local.state(), discriminator_steps=2 * steps, policy_steps=steps)
    taken_over = engine.state()
    for part in ("agent", "policy", "discriminator"):
        for name, array in local.state()[part].items():
            np.testing.assert_array_equal(array, taken_over[part][name])
    reports(engine, 2)
    engine.settle()
    local.load_state(engine.state(), discriminator_steps=0, policy_steps=0)
    assert local.policy.version == engine.weights.version("agent") >= steps + 2
    local.close()


def test_a_worker_that_dies_is_replaced(engine):
    pool = engine._parts.pool
    victim = pool._manager.actors()[0]
    os.kill(ray.get(victim.apply.remote(lambda _: os.getpid())), signal.SIGKILL)
    steps = 0
    while pool.restarts == 0:
        steps += engine.step(LEARNING) is not None
    assert steps > 0, "the other worker goes on meanwhile"
    assert all(report.frames == FRAMES for report in reports(engine, 6))


def kill(process: Supervised) -> None:
    """Ends a learner's process as the kernel does when memory is short."""
    os.kill(ray.get(process._handle.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)


def test_a_learner_that_dies_comes_back_from_its_last_checkpoint(tiny, pictures, redis_server):
    kept: dict[str, Arrays] = {}
    engine = RayEngine(tiny, pictures, redis_server.url, workers=1, recover=kept.get)
    policy, discriminator = engine._parts.policy, engine._parts.discriminator
    assert discriminator is not None
    reports(engine, 4)
    engine.settle()
    kept |= engine.state()
    reports(engine, 4)
    versions = {name: engine.weights.version(name) for name in ("agent", "discriminator")}
    for learner in (policy, discriminator):
        kill(learner)
    found = []
    while not (policy.restarts and discriminator.restarts):
        found += reports(engine, 1)
    found += reports(engine, 4)
    for report in found:
        assert report.metrics["policy/lag"] >= 0 and report.frames == FRAMES
    assert found[-1].metrics["policy/restarts"] == found[-1].metrics["discriminator/restarts"] == 1
    assert engine.weights.version("agent") > versions["agent"]
    assert engine.weights.version("discriminator") > versions["discriminator"]
    engine.settle()
    steps = [int(state["policy"]["optimizer/0/step"]) for state in (kept, engine.state())]
    assert steps[0] < steps[1] <= steps[0] + len(found) + 2, "it went on from what was kept"
    engine.close()


def test_a_redis_that_dies_comes_back_and_is_filled_again(tiny, pictures, monkeypatch):
    engine = RayEngine(tiny, pictures, workers=1)
    reports(engine, 4)
    version = engine.weights.version("agent")
    os.kill(engine.weights._redis.info("server")["process_id"], signal.SIGKILL)
    found = reports(engine, 1)
    while found[-1].metrics["redis/restarts"] == 0:
        found += reports(engine, 1)
    engine.settle()
    state = engine.state()
    assert engine.weights.version("agent") > version and len(state["replay"]["renders"]) > 0
    assert all(report.metrics["policy/lag"] >= 0 for report in found)
    client = engine.weights._redis
    client.delete(*client.scan_iter(match="*weights*"))
    reports(engine, 2)
    assert engine.weights.version("agent") > version
    client.set_retry(FAIL_AT_ONCE)
    monkeypatch.setattr(EmbeddedRedis, "_launch", lambda server: server._process)  # it never comes back
    os.kill(client.info("server")["process_id"], signal.SIGKILL)
    with pytest.raises(RedisError, match="no Redis answers at unix://"):
        reports(engine, 100)
    engine.close()


def test_a_run_clones_learns_shows_and_resumes(tiny_copying, redis_server, tmp_path):
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=1)
    summary = begin(tiny_copying, tmp_path / "run", Length(frames=18 * FRAMES), machines)
    assert summary.over and summary.counters.frames >= 18 * FRAMES
    assert 5 <= summary.counters.cloning_steps <= 8
    assert summary.latest["held_out/error"] > 0
    parts = load_checkpoint(summary.checkpoint).parts
    assert sorted(parts) == ["agent", "discriminator", "policy", "replay", "rollout-0"]
    longer = resume(tmp_path / "run", Length(frames=24 * FRAMES), Machines(engine="ray", workers=1))
    assert longer.over and longer.counters.policy_steps > summary.counters.policy_steps
    assert int(load_checkpoint(longer.checkpoint).parts["policy"]["version"]) == (
        longer.counters.policy_steps + longer.counters.cloning_steps
    )
    client = RedisAddress(redis_server.url, "any").connect()
    runs = {key.decode().partition("}")[0] for key in client.scan_iter(match="spiral:*")}
    assert len(runs) <= 1, "only the run of the shared engine is left"


def test_a_redis_that_is_not_there_is_named_before_anything_starts(tiny, pictures, tmp_path):
    with pytest.raises(RedisError, match=r"nowhere\.sock"):
        RayEngine(tiny, pictures, f"unix://{tmp_path}/nowhere.sock")


def test_a_cluster_that_is_not_there_is_named(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(EngineError, match=f"{address}.*ray start --head"), start_ray(address, 3, 0, False):
        pass


def test_an_embedded_redis_serves_one_machine_only(monkeypatch):
    nodes = [{"Alive": name != "gone", "NodeManagerHostname": name} for name in ("one", "one", "two", "gone")]
    monkeypatch.setattr("ray.nodes", lambda: nodes)
    with pytest.raises(EngineError, match="2 machines.*--redis redis://"), start_ray(None, 3, 0, embedded_redis=True):
        pass


@pytest.mark.parametrize(
    ("gpus", "processes", "share"), [(0, 3, 0.0), (1, 3, 0.3333), (2, 3, 0.5), (4, 3, 1.0), (1, 10, 0.1)]
)
def test_processes_share_the_gpus_so_that_all_of_them_fit(monkeypatch, gpus, processes, share):
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 8.0, "GPU": float(gpus)})
    assert has_gpu("auto") == (gpus > 0)
    assert not has_gpu("cpu")
    if gpus:
        assert gpu_share(processes) == share
