"""The files for clusters, and the page about them, name commands, options, packages and paths that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cluster.cli import app
from spiral.presets import PRESETS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "cluster" / "deploy"
PAGE = ROOT / "docs" / "deploy.md"

# What KubeRay's reference of its API lists for v1.5.
FIELDS: dict[str, set[str]] = {
    "RayJobSpec": {"entrypoint", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"},
    "RayClusterSpec": {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"},
    "HeadGroupSpec": {"rayStartParams", "template"},
    "WorkerGroupSpec": {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"},
}


def understands(line: str) -> list[str]:
    """The words of a command of `spiral` or `ray` that it parses without complaint, up to the last subcommand."""
    from ray.scripts.scripts import cli as ray

    name, *words = shlex.split(line)
    command: Any = {"spiral": get_command(app), "ray": ray}[name]
    path = [name]
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, words)
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        path.append(name)
    command.make_context(name, words)
    return path


def commands_of(text: str) -> list[str]:
    """The lines that begin with `spiral` or `ray` in the blocks of commands of a page."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(("spiral ", "ray "))]


@pytest.fixture(scope="module")
def manifests() -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "rayjob.yaml").read_text(encoding="utf-8"))
    return {document["kind"]: document for document in documents}


def containers(manifests: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the nodes of Ray, the head's first."""
    cluster = manifests["RayJob"]["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [container for group in groups for container in group["template"]["spec"]["containers"]]


def constraint(package: str) -> str:
    """The version of a package that `constraints.txt` pins."""
    found = re.search(rf"^{package}==(.*)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def test_the_commands_of_the_page_are_understood():
    lines = commands_of(PAGE.read_text(encoding="utf-8"))
    found = {" ".join(understands(line)) for line in lines}
    assert {
        "spiral train",
        "spiral submit",
        "ray start",
        "ray up",
        "ray dashboard",
        "ray metrics launch-prometheus",
    } <= found
    for sent in (line.partition(" -- ")[2] for line in lines if " -- " in line):
        assert understands(f"spiral {sent}") == ["spiral", "train"]
    for preset in re.findall(r"--preset (\S+)", PAGE.read_text(encoding="utf-8")):
        assert preset in PRESETS


def test_a_command_that_is_wrong_is_noticed():
    with pytest.raises(Exception, match="--workrs"):
        understands("spiral train --workrs 3")
    with pytest.raises(Exception, match="strat"):
        understands("ray strat --head")


def test_the_page_links_to_what_there_is():
    text = PAGE.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (PAGE.parent / target).exists(), target
    for named in re.findall(r"cluster/deploy/[\w.-]*\w", text):
        assert (ROOT / named).is_file(), named


def test_the_image_copies_all_packages_and_what_builds_them():
    recipe = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [words for line in re.findall(r"^COPY (.*)$", recipe, re.MULTILINE) for words in line.split()[:-1]]
    for path in copied:
        assert (ROOT / path).exists(), path
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = re.findall(r'"(\w+)\*"', re.search(r"^include = .*$", project, re.MULTILINE)[0])  # type: ignore[index]
    module = re.search(r'^py-modules = \["(\w+)"\]$', project, re.MULTILINE)[1]  # type: ignore[index]
    files = {f"{module}.py", ".ci", "pyproject.toml", "constraints.txt", "README.md"}
    assert packages and {*packages, *files} == set(copied)
    assert {"openssh-client", "rsync", "wget"} <= set(recipe.split()), "the head of `ray up` and KubeRay need them"
    assert set(re.findall(r"^requires = \[\"(\w+).*\"(\w+)", project, re.MULTILINE)[0]) <= set(recipe.split())
    for line in re.findall(r"spiral \w+[^&\n]*", recipe.partition("USER")[2]):
        if "--help" not in line:
            understands(line.strip())


def test_the_manifest_has_the_fields_that_kuberay_knows(manifests):
    job = manifests["RayJob"]
    assert job["apiVersion"] == "ray.io/v1"
    cluster = job["spec"]["rayClusterSpec"]
    assert set(job["spec"]) <= FIELDS["RayJobSpec"]
    assert set(cluster) <= FIELDS["RayClusterSpec"]
    assert set(cluster["headGroupSpec"]) <= FIELDS["HeadGroupSpec"]
    for group in cluster["workerGroupSpecs"]:
        assert set(group) <= FIELDS["WorkerGroupSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        options = " ".join(f"--{name}={value}" for name, value in group["rayStartParams"].items())
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        assert understands(f"ray start --head {options}") == ["ray", "start"]
    assert cluster["rayVersion"] == constraint("ray"), "that of the image"
    assert cluster["authOptions"] == {"mode": "token"}


def test_the_job_of_the_manifest_fits_its_cluster(manifests):
    spec = manifests["RayJob"]["spec"]
    assert understands(spec["entrypoint"]) == ["spiral", "train"]
    words = shlex.split(spec["entrypoint"])
    assert words[words.index("--preset") + 1] in PRESETS
    head, *workers = containers(manifests)
    (mount,) = head["volumeMounts"]
    assert Path(mount["mountPath"]) in Path(words[words.index("--out") + 1]).parents, "runs outlive the cluster"
    cores = sum(
        group["replicas"] * int(container["resources"]["limits"]["cpu"])
        for group, container in zip(spec["rayClusterSpec"]["workerGroupSpecs"], workers, strict=True)
    )
    assert (int(words[words.index("--workers") + 1]) + 2) / 2 <= cores, "half a core a process"


def test_redis_is_reached_with_the_password_of_its_secret(manifests):
    (redis,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    head, *workers = containers(manifests)
    of_redis = {entry["name"]: entry for entry in redis["env"]}
    of_head = {entry["name"]: entry for entry in head["env"]}
    assert of_redis["REDIS_PASSWORD"] == of_head["REDIS_PASSWORD"]
    assert list(of_head).index("REDIS_PASSWORD") < list(of_head).index("SPIRAL_REDIS"), "or it is not filled in"
    service = manifests["Service"]
    port = service["spec"]["ports"][0]["port"]
    assert of_head["SPIRAL_REDIS"]["value"] == f"redis://:$(REDIS_PASSWORD)@{service['metadata']['name']}:{port}/0"
    assert redis["args"][redis["args"].index("--requirepass") + 1] == "$(REDIS_PASSWORD)"
    secret = of_redis["REDIS_PASSWORD"]["valueFrom"]["secretKeyRef"]
    made = re.search(r"create secret generic (\S+) --from-literal=(\w+)=", PAGE.read_text(encoding="utf-8"))
    assert made and made.groups() == (secret["name"], secret["key"])


def test_all_nodes_have_the_image_that_the_page_builds(manifests):
    tag = re.search(r"docker build .*--tag (\S+)", PAGE.read_text(encoding="utf-8"))
    cluster = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text(encoding="utf-8"))
    assert tag
    assert {container["image"] for container in containers(manifests)} == {tag[1]}
    assert cluster["docker"]["image"] == tag[1]
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version and tag[1].endswith(f":{version[1]}")


def test_ray_itself_accepts_the_cluster_file():
    from ray.autoscaler._private.util import prepare_config, validate_config

    cluster = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text(encoding="utf-8"))
    validate_config(prepare_config(cluster))
    with pytest.raises(Exception, match="contaner_name"):
        validate_config(prepare_config(cluster | {"docker": {"contaner_name": "spiral"}}))
    for kind in ("head", "worker"):
        for line in cluster[f"{kind}_start_ray_commands"]:
            assert understands(line.removeprefix("RAY_enable_autoscaler_v2=0 "))[0] == "ray"
    assert cluster["auth"]["ssh_private_key"], "the head is given it to reach the others"
    assert cluster["head_start_ray_commands"][-1].startswith("RAY_enable_autoscaler_v2=0 "), (
        "the second adds no machine"
    )
    volume = next(option for option in cluster["docker"]["run_options"] if option.startswith("--volume"))
    home = re.search(r"^WORKDIR (/home/.*)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert home and volume.endswith(f":{home[1]}/runs"), "where the runs of jobs are"
