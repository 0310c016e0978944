"""What the command answers to odd files, numbers and paths: one line with a way out, and what is empty is said."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageDraw

from benchmarks.fuzz.damage import document
from cluster.cli import app
from cluster.commands.error_messages import LONGEST_WORD
from envs import PAINT_ID
from envs.program import Program
from spiral.config import MOST_SEED, RunConfig

from .untrained import untrained

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def copier(tiny_copying: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained(tiny_copying, tmp_path_factory.mktemp("agents") / "copier")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    settings: dict[str, Any] = {"canvas_size": 16, "grid_size": 8, "color": False, "brush": "classic/pen"}
    Program(PAINT_ID, settings, [[0, 12, 0, 9, 0], [20, 30, 1, 9, 1]]).save(tmp_path / "program.json")  # type: ignore[arg-type]
    return tmp_path / "program.json"


def odd_exif(path: Path) -> Path:
    """A photograph that lies on its side, as its EXIF data say, with a fraction that no writer accepts."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHII", 0x9204, 10, 1, 38)
    tiff = b"II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<Iii", 0, -1, 3)
    content = b"Exif\0\0" + tiff
    Image.new("RGB", (40, 20), "white").save(path, exif=content)
    return path


def test_odd_exif_data_are_no_obstacle(spiral, copier, tmp_path):
    picture = odd_exif(tmp_path / "odd.jpg")
    status, _, err = spiral("parse", picture, "--run", copier, "--samples", 2, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    odd_exif(tmp_path / "other.jpg")
    assert spiral("eval", "--run", copier, "--data", f"folder:{tmp_path}")[0] == 0


@pytest.mark.parametrize("place", ["actions", "settings"])
def test_a_number_of_5000_digits_is_no_number(spiral, program, tmp_path, place):
    text = program.read_text()
    old, new = ("30", "9" * 5000) if place == "actions" else ('"canvas_size": 16', f'"canvas_size": {"9" * 5000}')
    assert old in text
    program.write_text(text.replace(old, new, 1))
    status, _, err = spiral("render", program, "--out", tmp_path / "o.png")
    assert status == 2 and err.count("\n") == 1 and str(program) in err and len(err) < 1000


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seed", "99999999999999999999"), ("--seed", "-1"), ("--seed", "9" * 5000), ("--seed", "1.5"), ("--count", "0"),
     ("--count", "9" * 20), ("--temperature", "nan"), ("--temperature", "inf")],
)  # fmt: skip
def test_a_number_out_of_range_is_named_in_one_line(spiral, copier, tmp_path, option, value):
    status, _, err = spiral("sample", "--run", copier, "--out", tmp_path / "o.npz", option, value)
    assert status == 2 and err.count("\n") == 1 and err.startswith("spiral: ") and option in err and value[:50] in err
    assert len(err) < 1000 and LONGEST_WORD < 1000


def test_the_largest_seed_is_taken_and_a_setting_is_no_way_around(spiral, copier, tmp_path):
    assert spiral("sample", "--run", copier, "--count", 1, "--seed", MOST_SEED, "--out", tmp_path / "o.npz")[0] == 0
    status, _, err = spiral(
        "train", "--preset", "mnist-small", "--set", f"seed={MOST_SEED + 1}", "--out", tmp_path / "r"
    )
    assert status == 2 and str(MOST_SEED) in err


def test_a_fault_of_ours_is_one_line_too_and_its_story_is_kept(spiral, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("cluster.studio.info.list_presets", lambda: dict[str, str]()["nothing"])
    status, _, err = spiral("info")
    (story,) = tmp_path.iterdir()
    assert status == 70 and err.count("\n") == 1 and "KeyError: 'nothing'" in err and str(story) in err
    assert "Traceback" in story.read_text() and app is not None


def test_a_full_disk_behind_the_output_is_told():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "cluster.cli", "info"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "make room" in done.stderr


@pytest.mark.parametrize("words", [["render"], ["sample", "--run", "{copier}", "--count", "1"], ["edit"]])
def test_a_folder_that_is_named_as_output_stays(spiral, program, copier, tmp_path, words):
    victim = tmp_path / ("victim.json" if words == ["edit"] else "victim.png")
    victim.mkdir()
    (victim / "kept").write_text("kept")
    given = [word.format(copier=copier) for word in words]
    given += [] if "--run" in words else [str(program)]
    given += ["--remove", "0"] if words == ["edit"] else []
    status, _, err = spiral(*given, "--out", victim)
    assert status == 2 and err.count("\n") == 1 and "is a folder" in err
    assert os.listdir(victim) == ["kept"]


def test_inputs_are_not_written_over_unless_they_are_edited(spiral, program, copier, tmp_path):
    (tmp_path / "p.png").write_bytes(program.read_bytes())
    status, _, err = spiral("render", tmp_path / "p.png", "--out", tmp_path / "p.png")
    assert status == 2 and "is the program itself" in err
    Image.new("L", (8, 8), 0).save(tmp_path / "strokes.png")
    status, _, err = spiral("parse", tmp_path / "strokes.png", "--run", copier, "--out", tmp_path)
    assert status == 2 and "would be written over" in err
    assert spiral("edit", program, "--remove", 0, "--out", program)[0] == 0
    assert len(Program.load(program).actions) == 1


def said_of(spiral: Any, copier: Path, picture: Image.Image, place: Path, *words: str) -> str:
    picture.save(place / "picture.png")
    status, out, _ = spiral(
        "parse", place / "picture.png", "--run", copier, "--samples", 2, "--out", place / "o", *words
    )
    assert status == 0
    return str(out)


def test_a_picture_without_a_drawing_is_told(spiral, copier, tmp_path):
    for grey in (0, 128, 255):
        assert "nothing is drawn in the picture" in said_of(spiral, copier, Image.new("L", (50, 50), grey), tmp_path)
    faint = Image.new("L", (50, 50), 250)
    faint.paste(240, (10, 10, 40, 40))
    assert "try it with --contrast" in said_of(spiral, copier, faint, tmp_path)
    assert "nothing is drawn" not in said_of(spiral, copier, faint, tmp_path, "--contrast")


def test_white_ink_on_transparent_ground_is_told_and_has_a_way_out(spiral, copier, tmp_path):
    ink = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    ImageDraw.Draw(ink).rectangle((10, 10, 30, 30), (255, 255, 255, 255))
    assert "--background black with --invert" in said_of(spiral, copier, ink, tmp_path)
    assert "nothing is drawn" not in said_of(spiral, copier, ink, tmp_path, "--background", "black", "--invert")


def test_ink_that_the_agent_cannot_see_is_told(spiral, copier, tmp_path):
    scan = Image.new("L", (2000, 2000), 255)
    ImageDraw.Draw(scan).line((100, 300, 1900, 300), 0, 1)
    assert "is lost at 16 x 16 pixels" in said_of(spiral, copier, scan, tmp_path)
    colors = Image.new("RGB", (40, 40), (255, 0, 0))
    colors.paste((0, 130, 0), (10, 10, 30, 30))
    assert "but the same grey" in said_of(spiral, copier, colors, tmp_path)


def test_programs_without_strokes_and_changes_without_effect_are_told(spiral, program, tmp_path):
    out = tmp_path / "o.json"
    assert "as it was" in spiral("edit", program, "--move", "0=0,0", "--out", out)[1]
    assert "paints nothing now" in spiral("edit", program, "--remove", 0, "--remove", 1, "--out", out)[1]
    for suffix in ("png", "svg"):
        assert "the program paints nothing" in spiral("render", out, "--out", tmp_path / f"o.{suffix}")[1]
        assert "note" not in spiral("render", program, "--out", tmp_path / f"o.{suffix}")[1]


def test_runs_without_figures_have_no_curves(spiral, tiny, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        document = {"config": tiny.model_dump(mode="json"), "length": {"frames": 1}}
        (tmp_path / name / "config.json").write_text(json.dumps(document))
    status, _, err = spiral("curves", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "c.png")
    assert status == 2 and "no figures were written yet by a, b" in err and not (tmp_path / "c.png").exists()
    (tmp_path / "b" / "metrics.jsonl").write_text('{"frames": 1, "policy/return": 2.0}\n{"fra\n{"frames": 2}\n[]\n')
    status, said, _ = spiral("curves", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "c.png")
    assert status == 0 and "1 curves" in said and "no figures were written yet by a" in said
    status, _, err = spiral("curves", tmp_path / "b", "--out", tmp_path / "b" / "metrics.jsonl")
    assert status == 2 and "must end in .png" in err


def test_the_fuzzer_finds_nothing():
    command = [sys.executable, "-m", "benchmarks.fuzz", "--inputs", "100", "--seed", "12"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    assert "100 inputs" in done.stdout


def test_a_temporary_folder_that_is_too_long_for_rays_sockets_gives_way(monkeypatch, tmp_path):
    from cluster.on_ray.start import prepare_environment

    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    for place, expected in ((str(deep), "/tmp"), (str(tmp_path / "gone"), "/tmp"), ("/tmp", None)):
        monkeypatch.setenv("RAY_TMPDIR", "")  # so that it is put back afterwards
        monkeypatch.delenv("RAY_TMPDIR")
        monkeypatch.setenv("TMPDIR", place)
        prepare_environment()
        assert os.environ.get("RAY_TMPDIR") == expected


def test_an_input_of_the_fuzzer_depends_on_its_seed_alone():
    whole = {str(i): {"x": [i]} for i in range(4)}
    once, again = ([document(Random(seed), whole) for seed in range(300)] for _ in range(2))
    assert once == again, "lists that replace a value are not changed by later inputs"
