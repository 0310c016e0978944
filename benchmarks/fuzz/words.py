"""Words of the command line: settings, options, addresses and URLs, of commands that do nothing but refuse them.

`bench` and `chaos` take minutes where they are asked rightly, and `watch` waits for Ctrl-C: they have their own tests.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

from benchmarks.fuzz.damage import VALUES, WORDS, Whole
from benchmarks.fuzz.folders import NOBODY

REDIS = (
    "redis://127.0.0.1:1",
    "rediss://127.0.0.1:1/x",
    "unix:///none",
    "redis://127.0.0.1:1?x=1",
    "redis://:p@[::1]:1",
)
# Those that are numbers are addresses of machines, which may be there.
HOSTS = tuple(word for word in WORDS if not re.fullmatch(r"[-+0-9a-fx_.]*", word))


def settings(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Settings of a run, whose folder cannot be made, so that none begins."""
    names = (
        "seed", "policy.entropy", "agent.hidden", "agent.channels", "rewards", "environment.settings", "environment.id",
        "environment.settings.brush", "environment.settings.canvas_size", "data.name", "device", "rewards.0.when",
        "rewards.discriminator.options.loss", "rewards.0.pace", "cloning.share", "sample_temperature", "preset",
        "policy.minibatches", rng.choice(WORDS),
    )  # fmt: skip
    words = ["train", "--preset", "mnist-small", "--engine", "local", "--out", "/dev/null/x"]
    for _ in range(rng.randint(1, 2)):
        value = json.dumps(rng.choice(VALUES)) if rng.random() < 0.6 else rng.choice(WORDS)
        words += ["--set", f"{rng.choice(names)}={value}"]
    return words + (["--env", rng.choice(WORDS)] if rng.random() < 0.2 else [])


def options(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Options and numbers, of commands that take no time."""
    (place / "p.json").write_text(json.dumps(whole.program))
    made, out, agent = str(place / "p.json"), str(place / "o.png"), str(whole.agent)
    word = rng.choice(WORDS)
    train = ["--preset", "mnist-small", "--out", "/dev/null/x"]
    asked: tuple[tuple[list[str], tuple[str, ...]], ...] = (
        (["render", made, "--out", out], ("--size",)),
        (["render", made, "--out", out, "--size", "16"], ("--brush",)),
        (["edit", made, "--out", str(place / "o.json")], ("--remove", "--move", "--recolor")),
        (["sample", "--run", agent, "--out", out], ("--seed", "--count", "--temperature", "--data")),
        (["parse", made, "--run", agent, "--out", str(place / "o")], ("--samples", "--seed", "--temperature")),
        (["eval"], ("--run", "--goal", "--data", "--count")),
        (["train", *train], ("--minutes", "--frames", "--seed", "--workers", "--policy-learners", "--engine")),
        (["train", "--resume", "--out", str(place)], ("--checkpoints", "--frames", "--preset")),
        (["population", *train], ("--members", "--seed", "--rounds", "--minutes", "--at-a-time", "--fitness")),
        (["info"], ("--preset",)),
        (["data"], ("prepare",)),
        (["data", "make", rng.choice(("scenes", word)), "--train", "1", "--held-out", "0"], ("--seed",)),
        (["curves", "--out", out], ("--",)),
        (["bench", "search"], ("--run",)),
        (["bench", "ceiling"], ("--preset",)),
        (["watch", "--redis", REDIS[0]], ("--run", "--host", "--port")),
        ([], (word,)),
    )
    words, names = rng.choice(asked)
    return [*words, rng.choice(names), word]


def address(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Addresses of a Redis at which nobody answers."""
    word = rng.choice(HOSTS)
    url = rng.choice((*REDIS, word if "redis" in word or "unix" in word else f"{word}://", f"redis://{word}"))
    out = str(place / "x")
    return rng.choice(
        (
            ["watch", "--redis", url],
            ["train", "--preset", "mnist-small", "--out", out, "--redis", url],
            ["population", "--preset", "mnist-small", "--out", out, "--redis", url],
            [f"SPIRAL_REDIS={url or REDIS[0]}", "train", "--preset", "mnist-small", "--out", out],
        )
    )


def cluster(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Addresses of a cluster at which nobody answers; an empty one and `local` would start Ray here."""
    word = rng.choice(HOSTS)
    out = ["--out", str(place / "x")]
    train = ["train", "--preset", "mnist-small", *out]
    return rng.choice(
        (
            [*train, "--address", word],
            [*train, "--address", f"{rng.choice(('ray', 'http', 'x'))}://{word}"],
            [f"RAY_ADDRESS={word}", *train],
            [
                *train,
                "--address",
                NOBODY,
                rng.choice(("--workers", "--gpus-per-learner", "--policy-learners")),
                rng.choice(WORDS),
            ],
            ["population", "--preset", "mnist-small", *out, "--address", word],
            ["population", "--preset", "mnist-small", *out, "--address", NOBODY, "--members", rng.choice(WORDS)],
        )
    )


def job(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A command for a cluster at which nobody answers."""
    word, url = rng.choice(HOSTS), f"http://{NOBODY}"
    asked = (
        ["submit", "--address", word, "--", "train"],
        ["submit", "--address", f"{rng.choice(('http', 'https', 'ray'))}://{word}", "--", "train"],
        [f"RAY_API_SERVER_ADDRESS={word}", "submit", "--", "train"],
        ["submit", "--address", url, "--job", word],
        ["submit", "--address", url, "--out", str(place / "x"), "--job", "x", rng.choice(("--wait", "--no-wait"))],
        ["submit", "--address", url, "--out", word, "--", "train"],
        ["submit", "--address", url, "--out", str(place / "x"), "--", word],
        ["submit", "--address", url, "--out", str(place / "x"), "--", "train", "--redis", f"redis://u:p@{word}"],
    )
    return rng.choice(asked)


def store(rng: Random, place: Path, whole: Whole) -> list[str]:
    """URLs for the copies of checkpoints that cannot be had, and some that can."""
    word = rng.choice([word for word in HOSTS if word not in ("~", "../..", "file://")])
    url = rng.choice(
        (word, f"{rng.choice(('s3', 'gs', 'sftp', 'http', 'zip', 'memory', 'x', 'simplecache'))}://{word}")
    )
    out = str(place / "x")
    return rng.choice(
        (
            ["train", "--preset", "mnist-small", "--engine", "local", "--out", "/dev/null/x", "--checkpoints", url],
            ["train", "--resume", "--engine", "local", "--out", out, "--checkpoints", url],
        )
    )
