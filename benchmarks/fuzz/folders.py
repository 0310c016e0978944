"""Folders that the command itself wrote, of which something is damaged: agents, runs, fits, populations and copies."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from benchmarks.fuzz.damage import VALUES, WORDS, Whole, damaged, document
from spiral.methods.fitting import CHECKPOINT, METRICS, RESULTS
from spiral.methods.judgement import FILE, Judgement

NOBODY = "127.0.0.1:1"  # a cluster that is not there: whatever is wrong is told before it is looked for


def checkpoint(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a checkpoint, to let its agent paint."""
    for name in ("run.json", "agent.safetensors"):
        shutil.copy(whole.agent / name, place)
    _damage_checkpoint(rng, place)
    out = str(place / rng.choice(("o.png", "o.npz")))
    return rng.choice((["sample", "--run", str(place), "--count", "1", "--out", out], ["eval", "--run", str(place)]))


def run_folder(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a run, to go on with it, a little further than it is."""
    run = place / "run"
    shutil.copytree(whole.run, run, ignore=shutil.ignore_patterns("tensorboard", "sheets"))
    file = rng.choice(("config.json", "metrics.jsonl", "checkpoint", "checkpoint", "folders"))
    if file == "config.json":
        (run / file).write_bytes(document(rng, json.loads((run / file).read_text())))
        if rng.random() < 0.5:
            shutil.rmtree(run / "checkpoints")
    elif file == "metrics.jsonl":
        (run / file).write_bytes(_rows(rng, run / file))
    elif file == "checkpoint":
        _damage_checkpoint(rng, next((run / "checkpoints").iterdir()))
    else:
        _damage_place(rng, run / rng.choice(("metrics.jsonl", "checkpoints", "programs", "picture.png", "tensorboard")))
    return ["train", "--resume", "--engine", "local", "--frames", str(rng.choice((1, 140))), "--out", str(run)]


def curves(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The figures of a run, to be drawn."""
    shutil.copy(whole.run / "config.json", place)
    (place / "metrics.jsonl").write_bytes(_rows(rng, whole.run / "metrics.jsonl"))
    return ["curves", str(place), "--out", str(place / "o.png")]


def writer(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a run with what a writer left there, or somebody else did."""
    run = place / "run"
    shutil.copytree(whole.run, run, ignore=shutil.ignore_patterns("tensorboard", "sheets"))
    left = {"host": "elsewhere", "process": 1, "since": "2020-01-01 00:00:00+00:00"}
    (run / ".writer.json").write_bytes(document(rng, left))
    (run / ".writer.lock").write_text("")
    if rng.random() < 0.5:
        _damage_place(rng, run / rng.choice((".writer.json", ".writer.lock")))
    out = str(run)
    return rng.choice(
        (
            ["train", "--resume", "--engine", "local", "--frames", "1", "--out", out],
            ["train", "--preset", "mnist-small", "--engine", "local", "--out", out],
            ["population", "--resume", "--address", NOBODY, "--out", out],
            ["curves", out, "--out", str(place / "o.png")],
        )
    )


def population(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a population, to go on with it."""
    config = json.loads((whole.run / "config.json").read_text())
    plan = {"members": 2, "rounds": 2, "fitness": "held_out", "shared_rewards": False}
    (place / "population.json").write_bytes(document(rng, config | plan | _one_of(rng, plan)))
    row = {"event": "round", "member": 0, "round": 1, "fitness": 0.5, "frames": 130}
    (place / "population.jsonl").write_bytes(b"\n".join(document(rng, row | {"member": n}) for n in (0, 1)))
    for number in range(rng.choice((0, 1, 2))):
        member = place / "members" / f"{number:02d}"
        shutil.copytree(whole.run, member, ignore=shutil.ignore_patterns("tensorboard", "sheets"))
        _damage_checkpoint(rng, next((member / "checkpoints").iterdir()))
    length = rng.choice(([], ["--minutes", rng.choice(WORDS)], ["--frames", "200"]))
    return ["population", "--resume", "--address", NOBODY, "--out", str(place), *length]


def copies(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Copies of checkpoints at a URL, to go on from in a folder that has none."""
    shutil.copytree(whole.run / "checkpoints", place / "copies")
    _damage_checkpoint(rng, next((place / "copies").iterdir()))
    words = ["train", "--resume", "--engine", "local", "--frames", "140", "--out", str(place / "run"), "--checkpoints"]
    return [*words, rng.choice((str(place / "copies"), f"file://{place}/copies", f"dir::file://{place}/copies"))]


def fits(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a method's fit, to go on with it, to measure it again, or to be a reward's."""
    fit: dict[str, Any] = {"method": "dual_distance", "experiment": "alignment", "seed": 0, "steps": {}, "seconds": 0.0}
    fit["options"] = {"steps": 1, "alignments": 1, "points": 2, "penalty": 1.0, "width": 2.0}
    table = {"title": "Shares", "columns": ["kind", "share"], "rows": [["linear", 0.5]], "note": ""}
    Judgement("dtn", {"x": np.zeros(1, np.float32)}, {"width": 4}).save(place)
    document_of_fit = document(rng, fit).decode("utf-8", "surrogateescape") if rng.random() < 0.7 else json.dumps(fit)
    with suppress(Exception):  # what is no text goes into no such file
        save_file({"linear-dual-0.01/generator": np.zeros(1, np.uint8)}, place / CHECKPOINT, {"fit": document_of_fit})
    (place / RESULTS).write_bytes(document(rng, table))
    if rng.random() < 0.5:
        file = place / rng.choice((CHECKPOINT, FILE, RESULTS, METRICS))
        if rng.random() < 0.5 and file.exists():
            file.write_bytes(damaged(rng, file.read_bytes()))
        else:
            _damage_place(rng, file)
    reward = json.dumps([{"name": rng.choice(("dtn", "dann", "blank", rng.choice(WORDS))), "from": str(place)}])
    return rng.choice(
        (
            ["fit", rng.choice(("dual_distance", "dann", rng.choice(WORDS))), "--resume", "--out", str(place)],
            ["eval", "dual_distance", "--run", str(place)],
            [
                "train",
                "--preset",
                "mnist-small",
                "--engine",
                "local",
                "--out",
                "/dev/null/x",
                "--set",
                f"rewards={reward}",
            ],
            [
                "fit",
                "dual_distance",
                "--out",
                "/dev/null/x",
                "--set",
                f"{rng.choice(list(fit['options']))}={rng.choice(WORDS)}",
            ],
        )
    )


def _one_of(rng: Random, plan: dict[str, Any]) -> dict[str, Any]:
    return {rng.choice(list(plan)): rng.choice(VALUES)} if rng.random() < 0.5 else {}


def _rows(rng: Random, metrics: Path) -> bytes:
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    return b"\n".join(document(rng, row) for row in rows)


def _damage_checkpoint(rng: Random, folder: Path) -> None:
    """Damage one file of a checkpoint, its document half of the time."""
    file = folder / "run.json"
    if rng.random() < 0.5:
        file = rng.choice(sorted(folder.iterdir()))
    if file.suffix != ".json":
        file.write_bytes(damaged(rng, file.read_bytes()))
        return
    whole = json.loads(file.read_text())
    if rng.random() < 0.3:
        whole |= {rng.choice(("brush_fingerprint", "counters", "length", "parts", "logbook")): rng.choice(VALUES)}
    file.write_bytes(document(rng, whole))


def _damage_place(rng: Random, path: Path) -> None:
    """Put something of another kind where a file or a folder is expected."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    kind = rng.choice(("folder", "file", "gone", "dangling", "loop", "null"))
    if kind == "folder":
        path.mkdir()
        (path / "x").write_text("x")
    elif kind == "file":
        path.write_text("x")
    elif kind != "gone":
        os.symlink({"dangling": "nowhere", "loop": path.name, "null": "/dev/null"}[kind], path)
