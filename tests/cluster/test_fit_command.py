"""`spiral fit`, `spiral methods` and `spiral eval METHOD`, as they are typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from spiral.methods.fitting import Fit, begin

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
        (("fit", "no-such", "--out", str(tmp_path / "x")), "no method 'no-such'; there are dann, deepwarp, "),
    ):  # fmt: skip
        refused = spiral(*words)
        assert refused.returncode == 2 and message in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_fit_that_is_not_trained_to_the_end_is_not_measured(tmp_path: Path) -> None:
    out = tmp_path / "dual"
    options = {"steps": 2}
    begin(out, Fit("dual_distance", "digits", 0, options))
    (out / "results.json").write_text("[]")
    refused = spiral("eval", "dual_distance", "--run", str(out))
    assert refused.returncode == 2 and "is not trained to the end" in refused.stderr
    assert f"go on with spiral fit dual_distance --resume --out {out}" in refused.stderr


def test_a_fit_whose_data_is_missing_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "numbers"
    refused = spiral("fit", "dann", "--set", "source=svhn", "--out", str(out), data=tmp_path / "none")
    assert refused.returncode == 2 and "svhn" in refused.stderr and not out.exists()


def test_all_methods_are_listed_with_what_they_are_for() -> None:
    listed = spiral("methods")
    assert listed.returncode == 0
    for name in ("dann", "dtn", "dual_distance", "lrmf", "vlae"):
        assert f"spiral fit {name}" in listed.stdout


def test_three_pictures_are_blended_and_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    run, out = tmp_path / "vlae", tmp_path / "blend.png"
    tiny = ("steps=2", "batch_size=8", "pictures=60", "measured=40", "triples=3", "width=4", "data=mnist5k")
    fitted = spiral("fit", "vlae", "--out", str(run), *(word for value in tiny for word in ("--set", value)))
    assert fitted.returncode == 0, fitted.stderr
    a, b, c = (tmp_path / f"{name}.png" for name in "abc")
    for place, file in enumerate((a, b, c)):
        picture = Image.new("L", (40, 30), 255)
        picture.paste(0, (5 + 8 * place, 4, 12 + 8 * place, 26))
        picture.save(file)
    asked = (str(a), "-", str(b), "+", str(c))
    done = spiral("blend", *asked, "--run", str(run), "--out", str(out), "--row")
    assert done.returncode == 0 and str(out) in done.stdout, done.stderr
    with Image.open(out) as four:
        row = four.width
    done = spiral("blend", *asked, "--run", str(run), "--out", str(out))
    with Image.open(out) as one:
        assert one.size == (32, 32) and row > 4 * 32
    kept, to = out.read_bytes(), ("--run", str(run), "--out", str(out))
    (tmp_path / "text.png").write_text("no picture")
    for words, message in (
        ((str(a), "-", str(b), *to), "is no arithmetic on three pictures: write A.png - B.png + C.png"),
        ((*asked[:4], str(tmp_path / "none.png"), *to), "none.png cannot be read as a picture"),
        ((*asked[:4], str(tmp_path / "text.png"), *to), "text.png cannot be read as a picture"),
        ((*asked, "--run", str(run), "--out", str(tmp_path / "x.gif")), "x.gif must end in .png"),
        ((*asked, "--run", str(run), "--out", str(a)), "is one of the pictures, which would be written over"),
        ((*asked, "--run", str(tmp_path), "--out", str(out)), "holds no checkpoint.safetensors"),
    ):
        refused = spiral("blend", *words)
        assert refused.returncode == 2 and message in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1 and out.read_bytes() == kept
