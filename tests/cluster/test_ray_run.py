"""A run on a real Ray and a real Redis: it learns, keeps its bounds, survives lost workers, and leaves no keys."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
import ray

from cluster.on_ray.engine import RayEngine
from cluster.on_ray.start import EngineError, gpu_share, start_ray
from cluster.on_ray.supervisor import Supervised
from cluster.on_ray.weights import RayWeights
from cluster.on_redis.connection import FAIL_AT_ONCE, RedisAddress, RedisError
from cluster.on_redis.feed import RedisFeedReader
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.engine import describe_run
from cluster.run.feed.base import News
from cluster.run.launch import begin, resume
from cluster.run.local_engine import LocalEngine
from cluster.run.machines import Machines
from cluster.run.plan import Counters, Length, Phase, Report
from envs.pymypaint import fingerprint
from learners.checkpoint import load_checkpoint
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.data import load
from spiral.section import ConfigError

from .conftest import FRAMES
from .feeds import malformed, read_until

pytestmark = pytest.mark.usefixtures("ray_session", "quick")
LEARNING = Phase("learning", 0.5)
FEED = {"feed:run", "feed:glimpses", "feed:rows", "feed:sheet"}


@pytest.fixture(scope="module")
def pictures(drawings: str) -> np.ndarray:
    return load(drawings, "train", 16, color=False)


@pytest.fixture(scope="module")
def engine(
    tiny: RunConfig, pictures: np.ndarray, redis_server: EmbeddedRedis, ray_session: None
) -> Iterator[RayEngine]:
    """Processes take seconds to start, so several tests share them; each leaves them well."""
    engine = RayEngine(tiny, pictures, Machines(redis_url=redis_server.url, workers=2))
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


def test_the_policy_lags_little_and_the_reward_keeps_under_its_ceiling(engine):
    before = engine.weights.version("agent"), engine.weights.version("discriminator")
    counters = Counters()
    while counters.policy_steps < 20:
        (report,) = reports(engine, 1)
        counters.add(report)
        assert 0 <= report.metrics["policy/lag"] <= 3
        assert report.frames == FRAMES
        # Two steps for each batch that was handed over; three may be under way beside those that are learned.
        assert counters.reward_steps["discriminator"] <= 2 * (counters.policy_steps + 3)
    for report in engine.settle():
        counters.add(report)
    assert engine.weights.version("agent") - before[0] == counters.policy_steps
    assert engine.weights.version("discriminator") > before[1]


def test_redis_has_the_renders_and_no_weights(engine):
    reports(engine, 3)
    client, address = engine.redis_info._redis, engine._parts.redis
    names = {key.decode().rpartition("}:")[2] for key in client.scan_iter(match=address.key("*"))}
    assert {"replay:added", "replay:slots"} <= names <= {"replay:added", "replay:slots", *FEED}


def test_workers_act_with_the_newest_version(engine):
    """What is published while nobody paints is what the next trajectory was made with."""
    engine.settle()
    (policy,), pool = engine._parts.policies, engine._parts.pool
    while pool.busy:
        ray.wait(pool.pending(), timeout=1.0)
        pool.take()
    version = engine.weights.version("agent")
    assert int(policy.call("state")["version"]) == version
    assert pool.request("learning")
    ray.wait(pool.pending())
    (played,) = pool.take()
    assert (ray.get(played.trajectory).versions == version).all()


def test_workers_are_told_which_brush_the_run_paints_with(engine, tiny):
    told = engine._parts.pool._manager.foreach_actor(lambda worker: worker.brush_fingerprint)
    brush = tiny.environment.settings["brush"]
    assert [answer.get() for answer in told] == [fingerprint(brush)] * engine._parts.workers


def test_workers_show_their_episodes_on_the_live_feed(engine, tiny, tmp_path):
    engine.feed.describe(describe_run(tiny, tmp_path, Length(minutes=1.0)))
    reader = RedisFeedReader(engine._parts.replay._address)

    def enough(seen: News) -> bool:
        reports(engine, 1)  # workers paint only as long as the run goes on
        return sum(glimpse.last for glimpse in seen.glimpses) > 4

    news = read_until(reader, enough)
    assert {glimpse.worker for glimpse in news.glimpses} <= {0, 1} and reader.refused == 0
    assert all(glimpse.version >= 0 for glimpse in news.glimpses)


def test_either_engine_goes_on_where_the_other_stopped(tiny, pictures, engine):
    local = LocalEngine(tiny, pictures)
    while local.policy.version <= engine.weights.version("agent") + 3:
        local.step(LEARNING)
    steps = local.policy.version
    engine.settle()
    engine.load_state(local.state())
    taken_over = engine.state()
    for part in ("agent", "policy", "rewards"):
        for name, array in local.state()[part].items():
            np.testing.assert_array_equal(array, taken_over[part][name])
    reports(engine, 2)
    engine.settle()
    local.load_state(engine.state())
    assert local.policy.version == engine.weights.version("agent") >= steps + 2
    local.close()


def test_a_worker_that_dies_is_replaced(engine):
    pool = engine._parts.pool
    victim = pool._manager.actors()[0]
    os.kill(ray.get(victim.apply.remote(lambda _: os.getpid())), signal.SIGKILL)
    while pool.restarts == 0:
        engine.step(LEARNING)
    assert all(report.frames == FRAMES for report in reports(engine, 6))
    assert pool.restarts == 1


def test_a_run_goes_on_whatever_strangers_put_into_its_keys(engine, redis_server):
    client = RedisAddress(redis_server.url, "any").connect()
    address: RedisAddress = engine._parts.replay._address
    reports(engine, 1)
    values = malformed(b"7" + bytes(300), 1000, seed=5)
    before = engine.weights.version("agent")
    for number, value in enumerate(values):
        client.set(address.key("replay:added"), value)
        client.hset(address.key("replay:slots"), mapping={str(slot): value for slot in range(32)})
        if number % 250 == 249:
            assert all(np.isfinite(list(report.metrics.values())).all() for report in reports(engine, 2))
    with client.pipeline(transaction=True) as at_once:  # or a process of the run has its key back in between
        for key in ("replay:added", "replay:slots"):
            at_once.delete(address.key(key))
            at_once.lpush(address.key(key), "a list")
        at_once.execute()
    found = reports(engine, 8)
    while not sum(report.reward_steps["discriminator"] for report in found):
        found += reports(engine, 1)
    engine.settle()
    assert engine.weights.version("agent") >= before + 16
    assert all(np.isfinite(array).all() for array in engine.state()["agent"].values())


def kill(process: Supervised) -> None:
    """Ends a learner's process as the kernel does when memory is short."""
    os.kill(ray.get(process._handle.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)


def test_a_learner_that_dies_comes_back_from_its_last_checkpoint(tiny, pictures, redis_server):
    kept: dict[str, Arrays] = {}
    engine = RayEngine(tiny, pictures, Machines(redis_url=redis_server.url, workers=1), recover=kept.get)
    (policy,), rewards = engine._parts.policies, engine._parts.rewards
    assert rewards is not None
    reports(engine, 4)
    engine.settle()
    kept |= engine.state()
    reports(engine, 4)
    versions = {name: engine.weights.version(name) for name in ("agent", "discriminator")}
    for learner in (policy, rewards):
        kill(learner)
    found = []
    while not (policy.restarts and rewards.restarts):
        found += reports(engine, 1)
    found += reports(engine, 4)
    for report in found:
        assert report.metrics["policy/lag"] >= 0 and report.frames == FRAMES
    assert found[-1].metrics["policy/restarts"] == found[-1].metrics["rewards/restarts"] == 1
    assert engine.weights.version("agent") > versions["agent"]
    assert engine.weights.version("discriminator") > versions["discriminator"]
    engine.settle()
    steps = [int(state["policy"]["optimizer/0/step"]) for state in (kept, engine.state())]
    assert steps[0] < steps[1] <= steps[0] + len(found) + 2, "it went on from what was kept"
    engine.close()


def test_a_redis_that_dies_comes_back_and_is_filled_again(tiny, pictures, monkeypatch):
    engine = RayEngine(tiny, pictures, Machines(workers=1))
    reports(engine, 4)
    version = engine.weights.version("agent")
    os.kill(engine.redis_info.read("server")["process_id"], signal.SIGKILL)
    found = reports(engine, 1)
    while found[-1].metrics["redis/restarts"] == 0:
        found += reports(engine, 1)
    found += reports(engine, 2)  # one batch may have been played before; the renders of the next are in the replay
    engine.settle()
    state = engine.state()
    assert engine.weights.version("agent") > version and len(state["replay"]["renders"]) > 0
    assert all(report.metrics["policy/lag"] >= 0 for report in found)
    client = engine.redis_info._redis
    client.set_retry(FAIL_AT_ONCE)
    monkeypatch.setattr(EmbeddedRedis, "_launch", lambda server: server._process)  # it never comes back
    os.kill(client.info("server")["process_id"], signal.SIGKILL)
    with pytest.raises(RedisError, match="no Redis answers at unix://"):
        reports(engine, 100)
    engine.close()


def test_weights_that_are_lost_with_their_holder_are_published_again(tiny, pictures, redis_server):
    engine = RayEngine(tiny, pictures, Machines(redis_url=redis_server.url, workers=1))
    before = reports(engine, 4)[-1].metrics
    assert isinstance(engine.weights, RayWeights)
    for process in (engine.weights._holder, engine._parts.pool._manager.actors()[0]):
        os.kill(ray.get(process.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)
    found: list[Report] = []
    while engine._parts.pool.restarts == 0 or len(found) < 4:
        found += reports(engine, 1)
    engine.settle()
    versions = {name: engine.weights.version(name) for name in ("agent", "discriminator")}
    assert versions["agent"] >= 8 and versions["discriminator"] >= 8
    assert all(0 <= report.metrics["policy/lag"] <= 3 for report in found)
    assert found[-1].metrics["policy/restarts"] == before["policy/restarts"] == 0
    engine.close()


def runs_in(redis_url: str) -> set[bytes]:
    """The names of the runs that have keys there."""
    client = RedisAddress(redis_url, "any").connect()
    return {key.partition(b"}")[0] for key in client.scan_iter(match="spiral:{*")}


def test_a_run_clones_learns_shows_and_resumes(tiny_copying, redis_server, tmp_path):
    others = runs_in(redis_server.url)
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=1)
    summary = begin(tiny_copying, tmp_path / "run", Length(frames=18 * FRAMES), machines)
    assert summary.over and summary.counters.frames >= 18 * FRAMES
    assert 5 <= summary.counters.cloning_steps <= 8
    assert summary.latest["held_out/error"] > 0
    parts = load_checkpoint(summary.checkpoint).parts
    assert sorted(parts) == ["agent", "policy", "replay", "rewards", "rollout-0"]
    longer = resume(tmp_path / "run", Length(frames=24 * FRAMES), Machines(engine="ray", workers=1))
    assert longer.over and longer.counters.policy_steps > summary.counters.policy_steps
    assert int(load_checkpoint(longer.checkpoint).parts["policy"]["version"]) == (
        longer.counters.policy_steps + longer.counters.cloning_steps
    )
    assert runs_in(redis_server.url) <= others, "what it had in Redis went with it"


def test_a_run_of_unrolls_clones_warms_up_learns_and_resumes(tiny_copying, redis_server, tmp_path):
    config = tiny_copying.with_changes({"policy.unroll_length": 1, "rewards.discriminator.warm_up": 10})
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=2)
    summary = begin(config, tmp_path / "run", Length(frames=9 * FRAMES), machines)
    first = summary.counters
    assert summary.over and first.frames >= 9 * FRAMES and first.frames % (FRAMES // 3) == 0
    assert first.cloning_steps >= 9 and first.policy_steps > 0 and first.reward_steps["discriminator"] >= 10
    parts = load_checkpoint(summary.checkpoint).parts
    assert 0 < int(parts["replay"]["added"][0]) <= first.frames // 3
    longer = resume(tmp_path / "run", Length(frames=12 * FRAMES), machines)
    assert longer.over and longer.counters.policy_steps > first.policy_steps


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_with_a_search_imitates_what_it_found_and_resumes(tiny_copying, redis_server, tmp_path, workers):
    config = tiny_copying.with_changes({"expert.share": 0.5, "expert.simulations": 2, "cloning.share": 0.1})
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=workers)
    first = begin(config, tmp_path / "run", Length(frames=40 * FRAMES), machines).counters
    assert first.cloning_steps > 0 and first.policy_steps > 0
    assert abs(first.expert_steps - first.policy_steps) <= 2, "half of the batches"
    assert first.searched_frames == 3 * FRAMES * first.expert_steps
    assert first.frames == FRAMES * (first.cloning_steps + first.policy_steps + 4 * first.expert_steps)
    longer = resume(tmp_path / "run", Length(frames=60 * FRAMES), machines)
    assert longer.over and longer.counters.expert_steps > first.expert_steps
    assert 0 < longer.latest["expert/improved"] <= 1


def test_a_redis_that_is_not_there_is_named_before_anything_starts(tiny, pictures, tmp_path):
    with pytest.raises(RedisError, match=r"nowhere\.sock"):
        RayEngine(tiny, pictures, Machines(redis_url=f"unix://{tmp_path}/nowhere.sock"))


def test_a_cluster_that_is_not_there_is_named(monkeypatch, unanswered):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    address = f"127.0.0.1:{unanswered}"
    with pytest.raises(EngineError, match=f"{address}.*ray start --head"), start_ray(address, 3, 0, False):
        pass


def test_an_embedded_redis_serves_one_machine_only(monkeypatch):
    nodes = [{"Alive": name != "gone", "NodeManagerHostname": name} for name in ("one", "one", "two", "gone")]
    monkeypatch.setattr("ray.nodes", lambda: nodes)
    with pytest.raises(EngineError, match="2 machines.*--redis redis://"), start_ray(None, 3, 0, embedded_redis=True):
        pass


@pytest.mark.parametrize(
    ("gpus", "learners", "wanted", "share"),
    [
        (0, 2, None, 0.0),
        (1, 3, None, 0.3333),
        (2, 3, None, 0.5),
        (4, 3, None, 1.0),
        (1, 10, None, 0.1),
        (1, 2, 0.25, 0.25),
        (4, 2, 2.0, 2.0),
        (4, 2, 0.0, 0.0),
    ],
)
def test_learners_share_the_gpus_so_that_all_of_them_fit(monkeypatch, gpus, learners, wanted, share):
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 8.0, "GPU": float(gpus)})
    assert gpu_share("auto", learners, wanted) == share
    assert gpu_share("cpu", learners, wanted) == 0.0


@pytest.mark.parametrize(("gpus", "wanted"), [(0, 0.5), (1, 2.0), (4, 1.5), (4, -1.0)])
def test_a_part_of_a_gpu_that_cannot_be_had_is_named(monkeypatch, gpus, wanted):
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 8.0, "GPU": float(gpus)})
    with pytest.raises(EngineError, match=f"--gpus-per-learner {wanted}.*{gpus} GPUs"):
        gpu_share("auto", 2, wanted)


def test_two_policy_learners_share_every_batch_and_leave_a_checkpoint_of_one(tiny, redis_server, tmp_path):
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=1, policy_learners=2)
    summary = begin(tiny, tmp_path / "run", Length(frames=6 * FRAMES), machines)
    assert summary.over and summary.counters.frames == FRAMES * summary.counters.policy_steps
    longer = resume(tmp_path / "run", Length(frames=8 * FRAMES), Machines(engine="local"))
    assert int(load_checkpoint(longer.checkpoint).parts["policy"]["version"]) == longer.counters.policy_steps


def test_a_policy_learner_that_dies_is_named_and_not_those_who_waited_for_it(tiny, pictures, redis_server):
    engine = RayEngine(tiny, pictures, Machines(redis_url=redis_server.url, workers=1, policy_learners=2))
    reports(engine, 1)
    kill(engine._parts.policies[1])
    with pytest.raises(EngineError, match="a process of the run died.*--resume"):
        reports(engine, 20)
    engine.close()


def test_a_batch_that_does_not_divide_among_the_policy_learners_is_refused(tiny, pictures, redis_server):
    with pytest.raises(ConfigError, match="batch_size=8 cannot be shared by 3 policy learners"):
        RayEngine(tiny, pictures, Machines(redis_url=redis_server.url, policy_learners=3))
