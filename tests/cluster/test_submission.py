"""Runs sent to a cluster of two Ray nodes on this machine: followed, fetched, stopped, and refused in one line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.folder import RunFolder
from cluster.run.logbook import read_rows
from cluster.submit.job_folder import folder_of
from learners.checkpoint import latest_checkpoint, load_checkpoint
from tests.foreign import foreign_folder
from tests.patience import PATIENCE_S, wait_until

from .conftest import FRAMES, set_words

ROOT = Path(__file__).parents[2]


class Nodes:
    """A cluster that takes jobs, and the command as its user would start it.

    Attributes:
        url: the address of the job server.
        home: of who executes the jobs.
    """

    def __init__(self, process: subprocess.Popen[str], environment: dict[str, str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.environment = environment
        self.home = Path(environment["HOME"])
        self.url = process.stdout.readline().strip()

    def start(self, *words: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "cluster.cli", "submit", "--address", self.url, *map(str, words)],
            cwd=ROOT,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: object, **environment: str) -> tuple[int, str, str]:
        command = self.start(*words, **environment)
        out, err = command.communicate()
        return command.returncode, out, err

    def ask(self, what: str, **parameters: bool) -> list[dict[str, Any]]:
        """What Ray says of its nodes or its actors."""
        token = {"Authorization": f"Bearer {self.environment['RAY_AUTH_TOKEN']}"}
        answer = requests.get(f"{self.url}/api/v0/{what}", headers=token, params=parameters, timeout=PATIENCE_S)
        answer.raise_for_status()
        return list(answer.json()["data"]["result"]["result"])


def figures(nodes: Nodes, run: str) -> dict[str, float]:
    """What Prometheus would find of a run at the addresses that Ray names to it, as soon as there is a row."""
    listed = Path(nodes.environment["RAY_TMPDIR"], "ray", "prom_metrics_service_discovery.json")
    found: dict[str, float] = {}

    def complete() -> bool:
        for address in [address for group in json.loads(listed.read_text()) for address in group["targets"]]:
            text = requests.get(f"http://{address}/metrics", timeout=PATIENCE_S).text
            for family in text_string_to_metric_families(text):
                samples = [sample for sample in family.samples if sample.labels.get("run") == run]
                found.update((sample.name, sample.value) for sample in samples)
        return "ray_spiral_policy_lag" in found

    wait_until(complete, "the figures of a row")
    return found


@pytest.fixture(scope="module")
def nodes(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    client = RedisAddress(redis_server.url, "any").connect()
    client.acl_setuser("painter", enabled=True, passwords=["+hunter2"], keys=["*"], commands=["+@all"])
    client.close()
    ray_folder = tempfile.mkdtemp(prefix="ray-")  # its name must be short, for the sockets in it
    environment = os.environ | {
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
        "RAY_TMPDIR": ray_folder,
        "RAY_metrics_report_interval_ms": "500",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "a-token-of-the-tests-0123456789abcdef",
        "SPIRAL_REDIS": redis_server.url.replace("unix://", "unix://painter:hunter2@"),
    }
    environment.pop("RAY_ADDRESS", None)
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("two_nodes.py"))],
        cwd=foreign_folder(tmp_path_factory.mktemp("work")),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    nodes = Nodes(process, environment)
    if not nodes.url:
        pytest.fail(f"the cluster did not start: {process.communicate()[1][-2000:]}")
    yield nodes
    process.communicate()
    shutil.rmtree(ray_folder, ignore_errors=True)


def test_a_run_is_sent_to_two_nodes_and_its_output_and_files_come_back(nodes, tiny, tmp_path):
    words = ["train", "--preset", "mnist-small", "--workers", 2, "--policy-learners", 2, "--frames", 12 * FRAMES]
    words += [*set_words(tiny), "--set", "device=auto"]
    # Ray itself would prefer this address to the one that was asked for.
    status, out, err = nodes.run("--out", tmp_path / "run", "--", *words, RAY_ADDRESS="127.0.0.1:1")
    assert (status, err) == (0, ""), out
    assert "data set: folder:" in out and "Done: " in out, "its output"
    assert re.search(rf"Results: \d+ files in {tmp_path / 'run'}", out)
    folder = RunFolder(tmp_path / "run")
    assert read_rows(folder)[-1]["frames"] >= 12 * FRAMES
    assert folder.picture.is_file() and (folder.programs / "0.json").is_file()
    checkpoint = load_checkpoint(latest_checkpoint(folder.checkpoints))
    assert checkpoint.document["counters"]["policy_steps"] >= 12
    assert int(checkpoint.part("rewards")["discriminator/version"]) > 0
    (there,) = (nodes.home / "runs").iterdir()
    assert sorted(path.name for path in folder.path.rglob("*")) == sorted(path.name for path in there.rglob("*"))
    assert "hunter2" not in out
    places = {node["node_id"]: node["resources_total"].get("GPU", 0) for node in nodes.ask("nodes")}
    found = sorted((actor["class_name"], places[actor["node_id"]]) for actor in nodes.ask("actors", detail=True))
    learners = [("PolicyWorker", 1.0), ("PolicyWorker", 1.0), ("RewardWorker", 1.0)]
    parts = [*learners, ("RolloutWorker", 0), ("RolloutWorker", 0), ("WeightHolder", 0)]
    assert [actor for actor in found if actor[0] != "JobSupervisor"] == parts


def test_the_exit_status_is_that_of_the_job(nodes, tmp_path):
    status, out, err = nodes.run("--out", tmp_path / "run", "--", "train", "--preset", "mnist-large")
    assert status == 2 and "mnist-large" in out.replace("--preset mnist-large", ""), "it says what was wrong"
    assert "failed" in err and "has no files" in out
    assert not (tmp_path / "run").exists()


def test_ctrl_c_leaves_the_job_at_work_and_says_how_to_go_on(nodes, tiny, tmp_path):
    words = ["train", "--preset", "mnist-small", "--engine", "local", "--minutes", 60, *set_words(tiny)]
    command = nodes.start("--out", tmp_path / "run", "--", *words)
    assert command.stdout is not None
    while "% learning" not in command.stdout.readline():
        assert command.poll() is None
    os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate()
    assert command.returncode == 130 and "The job goes on." in err
    found = re.search(r"--job (\w+) --out", err)
    assert found and f"ray job stop --address {nodes.url} {found[1]}" in err
    measured = figures(nodes, found[1])
    assert measured["ray_spiral_frames_total"] > 0 and measured["ray_spiral_speed_frames_per_s"] > 0
    assert measured["ray_spiral_policy_lag"] == 0, "of a run in one process"
    assert measured["ray_spiral_reward_discriminator_steps_total"] > 0
    status, out, _ = nodes.run("--job", found[1], "--no-wait", "--out", tmp_path / "now")
    assert status == 0 and RunFolder(tmp_path / "now").settings.is_file(), out
    stop = [sys.executable, "-m", "ray.scripts.scripts", "job", "stop", "--address", nodes.url, found[1]]
    subprocess.run(stop, env=nodes.environment, check=True, capture_output=True)
    status, out, err = nodes.run("--job", found[1], "--out", tmp_path / "run")
    assert status == 1 and f"Job {found[1]} stopped" in err
    assert RunFolder(tmp_path / "run").metrics.is_file()


def test_a_job_that_is_not_there_and_a_wrong_token_are_named(nodes, tmp_path):
    status, _, err = nodes.run("--job", "none", "--out", tmp_path / "run")
    assert status == 2 and "correct --address or --job" in err and err.count("\n") == 1
    status, _, err = nodes.run("--job", "none", "--out", tmp_path / "run", RAY_AUTH_TOKEN="another")
    assert status == 2 and "asks for its token: export RAY_AUTH_MODE=token" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--address", "head:8265", "--", "train"], "give http://HEAD:8265"),
        (["--address", "http://127.0.0.1:{port}", "--", "train"], "ray start --head"),
        (["--address", "http://head", "--", "sample", "--out", "x"], "after -- comes `train`"),
        (["--address", "http://head"], "after -- comes `train`"),
        (["--address", "http://head", "--job", "a1", "--", "train"], "leave out 'train'"),
        (["--address", "http://head", "--out", "{full}", "--", "train"], "not empty"),
        (["--address", "http://head", "--", "train", "--redis", "redis://:hunter2@host"], "SPIRAL_REDIS"),
        (["--address", "http://head", "--", "train", "--redis=redis://host?password=hunter2"], "SPIRAL_REDIS"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_one_line(spiral, tmp_path, monkeypatch, unanswered, words, message):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    status, _, err = spiral("submit", *(word.format(port=unanswered, full=tmp_path) for word in words))
    assert status == 2 and message in err and err.count("\n") == 1
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["train"], Path.home() / "runs/a1"),
        (["train", "--out", "/shared/x"], Path("/shared/x")),
        (["train", "--out=/shared/x", "--resume"], Path("/shared/x")),
        (["train", "--out"], Path.home() / "runs/a1"),
    ],
)
def test_the_folder_of_the_run_is_known_before_it_begins(words, folder):
    assert folder_of("a1", words) == folder
