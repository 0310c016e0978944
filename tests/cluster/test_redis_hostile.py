"""A thousand values that nobody of the run has made, in every key that it reads: none gets through, the run goes on."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.seal import seal, unseal
from learners.replay import ReplayError
from spiral.contracts import EmptyReplayError, Renders
from spiral.program_space import ProgramSpace
from tests.tiny import SPEC

SHAPE = (4, 4, 1)
COUNT = 1000


class Bomb:
    """Whoever unpickles it raises."""

    def __reduce__(self) -> tuple[object, ...]:
        return eval, ("1 / 0",)


def malformed(seed: int, whole: bytes) -> Iterator[bytes]:
    """Values that look more or less like `whole`: noise, parts, pickles, damaged bytes, other sizes and types."""
    rng = np.random.default_rng(seed)
    others = [
        b"",
        pickle.dumps(Bomb()),
        save({"w": np.full(3, np.nan, np.float32)}),
        save({"w": np.zeros((2, 2), np.int8)}),
        (2**62).to_bytes(8, "little") + b'{"w":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,399999999996]}}',
        b"SPR1" + (65535).to_bytes(2, "little") * 3 + b"\x01\x00",
        seal(b"another run's secret", "place", whole[16:]),
        bytes(16) + whole[16:],
        whole + whole,
        bytes(1_000_000),
    ]
    for index in range(COUNT):
        match index % 4:
            case 0:
                yield rng.bytes(int(rng.integers(1, 2 * len(whole))))
            case 1:
                yield whole[: int(rng.integers(len(whole)))]
            case 2:
                place = int(rng.integers(len(whole)))
                yield whole[:place] + bytes([whole[place] ^ int(rng.integers(1, 256))]) + whole[place + 1 :]
            case _:
                yield others[index // 4 % len(others)]


@pytest.fixture
def sealed(address: RedisAddress) -> RedisAddress:
    return replace(address, secret=b"known to the run alone")


def test_of_a_thousand_records_in_the_replay_none_is_drawn(sealed):
    replay, client, rng = RedisReplay(sealed, 8, SHAPE, False), sealed.connect(), np.random.default_rng(0)
    replay.add(Renders(np.full((8, *SHAPE), 7, np.uint8), None))
    key = sealed.key("replay:slots")
    whole = client.hget(key, "0")
    for index, value in enumerate(malformed(1, whole)):
        client.hset(key, "0", value)
        drawn = replay.sample(16, rng)
        assert (drawn.renders == 7).all() and len(drawn) == 16
        assert len(replay.state()["renders"]) == 7
        assert replay.refused > index, "each was met and counted"
    replay.add(Renders(np.full((8, *SHAPE), 9, np.uint8), None))
    before = replay.refused
    assert (replay.sample(64, rng).renders == 9).all() and replay.refused == before


def test_a_program_with_an_action_that_there_is_not_is_not_drawn(sealed):
    """Not even under the run's own seal: a worker with other settings may have left it."""
    programs = ProgramSpace(SPEC, 3)
    replay, client, rng = RedisReplay(sealed, 4, SHAPE, False, programs), sealed.connect(), np.random.default_rng(0)
    replay.add(Renders(np.full((4, *SHAPE), 7, np.uint8), None, np.ones((4, *programs.shape), np.int64)))
    key = sealed.key("replay:slots")
    whole = unseal(sealed.secret, key, client.hget(key, "0"))
    assert whole is not None
    for head, choices in enumerate(SPEC.nvec):
        for value, refused in ((choices - 1, False), (choices, True), (2**32 - 1, True)):
            at = len(whole) - 4 * (len(SPEC.heads) - head)
            damaged = whole[:at] + int(value).to_bytes(4, "little") + whole[at + 4 :]
            client.hset(key, "0", seal(sealed.secret, key, damaged))
            replay.refused = 0
            drawn = replay.sample(32, rng)
            assert (replay.refused > 0) == refused
            assert (
                drawn.actions is not None
                and (drawn.actions < SPEC.nvec).all()
                and (drawn.renders == 7).all()
                and len(drawn) == 32
            )
            assert len(replay.state()["actions"]) == 4 - refused


def test_records_of_a_replay_without_programs_are_none_of_one_with_them(sealed):
    plain = RedisReplay(sealed, 4, SHAPE, False)
    plain.add(Renders(np.full((4, *SHAPE), 7, np.uint8), None))
    replay = RedisReplay(sealed, 4, SHAPE, False, ProgramSpace(SPEC, 3))
    with pytest.raises(ReplayError, match=r"this run has pictures of .* without targets and programs of 3 actions"):
        replay.sample(2, np.random.default_rng(0))


def test_of_a_thousand_counts_in_the_replay_none_stops_it(sealed):
    replay, client, rng = RedisReplay(sealed, 8, SHAPE, False), sealed.connect(), np.random.default_rng(0)
    counts = [b"-1", b"1e3", b"0x10", b"nan", b"inf", b" 8", b"8 ", b"9" * 15, b"9" * 400, b"8.5", b"+8", b"\xd9\xa1"]
    for index, value in enumerate(malformed(2, b"8" * 40)):
        client.set(sealed.key("replay:added"), counts[index // 2 % len(counts)] if index % 2 else value)
        with suppress(EmptyReplayError, ReplayError):  # where nothing can be drawn, which the rollouts mend
            assert (replay.sample(4, rng).renders == 7).all()
        assert 0 <= replay.size <= 8
        for _ in range(2):  # fifteen digits are a count, after which the ring may begin anew in its middle
            replay.add(Renders(np.full((8, *SHAPE), 7, np.uint8), None))
        drawn = replay.sample(16, rng)
        assert replay.size == 8 and (drawn.renders == 7).all() and len(drawn) == 16


@pytest.mark.parametrize(
    "command", ["SET KEY x", "RPUSH KEY x", "SADD KEY x", "ZADD KEY 1 x", "XADD KEY * 0 x", "HSET KEY 0 x"]
)
def test_keys_of_another_type_are_taken_back(sealed, command):
    client = sealed.connect()
    replay = RedisReplay(sealed, 8, SHAPE, False)
    for name in ("replay:added", "replay:slots"):
        key = sealed.key(name)
        client.delete(key)
        client.execute_command(*(key if word == "KEY" else word for word in command.split()))
        assert replay.size <= 8 and len(replay.state()["renders"]) <= 8
        replay.add(Renders(np.full((8, *SHAPE), 7, np.uint8), None))
        assert (replay.sample(8, np.random.default_rng(0)).renders == 7).all()


def test_a_seal_fits_its_own_value_place_and_secret_alone():
    sealed_value = seal(b"secret", "place", b"value")
    assert unseal(b"secret", "place", sealed_value) == b"value"
    assert unseal(b"secret", "place", seal(b"secret", "place", b"")) == b""
    for secret, place, value in [
        (b"other", "place", sealed_value),
        (b"secret", "plac", sealed_value),
        (b"secret", "placev", sealed_value[:16] + b"alue"),
        (b"secret", "place", sealed_value[:-1]),
        (b"secret", "place", sealed_value + b"\x00"),
        (b"secret", "place", b""),
    ]:
        assert unseal(secret, place, value) is None
