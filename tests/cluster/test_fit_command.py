"""`spiral fit`, `spiral methods` and `spiral eval METHOD`, as they are typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TINY = ["--set", "steps=20", "--set", "alignments=2", "--set", "points=6"]


def spiral(*words: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {} if data is None else {"SPIRAL_DATA": str(data)}

    return subprocess.run(
        [sys.executable, "-m", "cluster.cli", *words],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


def test_a_method_is_fitted_measured_again_and_not_begun_twice(tmp_path: Path) -> None:
    out = tmp_path / "dual"
    done = spiral("fit", "dual_distance", "--out", str(out), *TINY)
    assert (
        done.returncode == 0 and "Share of random alignments" in done.stdout and "{name: dual_distance}" in done.stdout
    )
    assert {path.name for path in out.iterdir()} >= {"checkpoint.safetensors", "results.json", "alignment.png"}
    again = spiral("eval", "dual_distance", "--run", str(out))
    assert again.returncode == 0 and "Share of random alignments" in again.stdout
    for words, message in (
        (("fit", "dual_distance", "--out", str(out)), "is not empty, and what is in it stays: give --resume"),
        (("fit", "dann", "--resume", "--out", str(out)), "is a fit of dual_distance, not of dann"),
        (("eval", "dann", "--run", str(out)), "is a fit of dual_distance, not of dann"),
        (("eval", "dann"), "spiral eval dann needs --run"),
        (("fit", "no-such", "--out", str(tmp_path / "x")), "no method 'no-such'; there are dann, dtn, "),
    ):  # fmt: skip
        refused = spiral(*words)
        assert refused.returncode == 2 and message in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_fit_whose_data_is_missing_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "numbers"
    refused = spiral("fit", "dann", "--set", "source=svhn", "--out", str(out), data=tmp_path / "none")
    assert refused.returncode == 2 and "svhn" in refused.stderr and not out.exists()


def test_all_methods_are_listed_with_what_they_are_for() -> None:
    listed = spiral("methods")
    assert listed.returncode == 0
    for name in ("dann", "dtn", "dual_distance", "lrmf"):
        assert f"spiral fit {name}" in listed.stdout
