"""The command: it answers at once, does what it says, and every mistake is one line and exit status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cluster.cli import USER_ERRORS
from cluster.run.contact_sheet import contact_sheet
from cluster.run.launch import begin
from cluster.run.machines import Machines
from cluster.run.plan import Length
from envs.program import Program
from learners.checkpoint import latest_checkpoint
from spiral.config import RunConfig
from spiral.data import load

from .conftest import only_error

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def copying_run(tiny_copying: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "copying"
    begin(tiny_copying, folder, Length(frames=48), Machines(engine="local"))
    return folder


@pytest.fixture(scope="module")
def inventing_run(tiny: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "inventing"
    begin(tiny, folder, Length(frames=48), Machines(engine="local"))
    return folder


def test_help_comes_at_once_because_nothing_heavy_is_imported():
    script = (
        "import sys\nsys.argv = ['spiral', '--help']\nfrom cluster.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('heavy:', [m for m in ('torch', 'ray', 'gymnasium', 'numpy', 'redis') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert "heavy: []" in answer.stdout
    for command in ("train", "watch", "info", "submit", "sample", "parse", "edit", "render", "eval", "data", "bench"):
        assert command in answer.stdout


def test_info_counts_the_published_agent(spiral):
    status, out, _ = spiral("info", "--preset", "reference")
    assert status == 0
    assert "agent: 1,613,329 parameters" in out
    assert "control       1024 choices  32 x 32 cells" in out
    status, out, _ = spiral("info")
    assert "mnist-small-conditional" in out


def test_data_lists_what_there_is(spiral, monkeypatch, tmp_path):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    status, out, _ = spiral("data")
    assert status == 0 and str(tmp_path) in out and "mnist5k" in out and "missing  mnist " in out
    status, out, _ = spiral("data", "prepare", "mnist5k")
    assert status == 0 and "mnist5k is ready" in out


def test_how_soon_strokes_appear_is_measured_in_a_browser_which_is_asked_for_where_there_is_none(spiral, monkeypatch):
    monkeypatch.setattr("benchmarks.browser.EXECUTABLE", None)
    status, _, err = spiral("bench", "strokes")
    assert status == 2 and "no Chromium" in err and ".ci/system-packages browser" in err


def test_samples_of_a_copying_agent_stand_beside_the_held_out_pictures_in_their_order(
    spiral, copying_run, drawings, tmp_path
):
    status, out, _ = spiral("sample", "--run", copying_run, "--count", 3, "--out", tmp_path / "s.npz")
    assert status == 0 and "renders uint8 (3, 16, 16, 1)" in out
    with np.load(tmp_path / "s.npz") as arrays:
        assert sorted(arrays) == ["renders", "targets"]
        np.testing.assert_array_equal(arrays["targets"], load(drawings, "test", 16)[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_samples_to_look_at_are_a_sheet(spiral, copying_run, tmp_path):
    assert spiral("sample", "--run", copying_run, "--count", 3, "--out", tmp_path / "s.npz")[0] == 0
    status, out, _ = spiral("sample", "--run", copying_run, "--count", 3, "--out", tmp_path / "s.png")
    assert status == 0 and "3 pictures, below those that they copy" in out
    with np.load(tmp_path / "s.npz") as arrays, Image.open(tmp_path / "s.png") as sheet:
        np.testing.assert_array_equal(sheet, contact_sheet(arrays["renders"], arrays["targets"]))


def test_samples_repeat_with_their_seed(spiral, inventing_run, tmp_path):
    pictures = []
    for name, seed in (("a.npz", 0), ("b.npz", 0), ("c.npz", 1)):
        assert (
            spiral("sample", "--run", inventing_run, "--count", 300, "--seed", seed, "--out", tmp_path / name)[0] == 0
        )
        with np.load(tmp_path / name) as arrays:
            assert list(arrays) == ["renders"]
            pictures.append(arrays["renders"])
    assert pictures[0].shape == (300, 16, 16, 1) and pictures[0].dtype == np.uint8
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any()


def test_eval_measures_copies_of_any_pictures(spiral, copying_run):
    status, out, _ = spiral("eval", "--run", copying_run)
    assert status == 0 and "4 held-out pictures" in out and "of an empty canvas" in out
    assert "same digit" not in out, "there are no digits to read in drawings"
    checkpoint = latest_checkpoint(copying_run / "checkpoints")
    assert spiral("eval", "--run", checkpoint)[1] == out, "a checkpoint can be named as well as a run"


def test_eval_measures_copies_of_another_kind_of_pictures(spiral):
    status, out, _ = spiral("eval", "--goal", "copy", "--data", "characters-nib", "--count", 20)
    assert status == 0 and "20 held-out pictures" in out
    assert "same digit" not in out, "there are no digits to read in characters"


@pytest.mark.parametrize(("data", "known"), [("digits8", True), ("syn-signs", False), ("characters", False)])
def test_eval_reads_what_was_painted_beside_the_digits_that_a_set_is_labelled_with(data, known, spiral):
    """The reader knows written digits alone: it would misread numbers on clutter, but not what was painted of them."""
    status, out, _ = spiral("eval", "--goal", "copy", "--data", data, "--count", 40)
    assert status == 0 and "40 held-out pictures" in out and "same digit" not in out
    assert ("read as the digit shown" in out) == known


def test_eval_reads_and_judges_digits(spiral):
    status, out, _ = spiral("eval", "--goal", "copy", "--count", 20)
    assert status == 0 and "20 held-out pictures" in out and "read as the same digit" in out
    status, out, _ = spiral("eval", "--goal", "invent", "--count", 20)
    assert status == 0 and "20 inventions" in out and "accepted as digits" in out


def test_eval_of_one_invention_says_what_cannot_be_measured(spiral):
    status, out, _ = spiral("eval", "--goal", "invent", "--count", "1")
    assert status == 0 and "1 inventions" in out and "not measured" in out
    assert "Fréchet distance" in spiral("eval", "--goal", "invent", "--count", "2")[1]


def test_eval_has_no_judge_for_other_inventions(spiral, inventing_run):
    status, _, error = spiral("eval", "--run", inventing_run)
    assert status == 2 and "only digits have a judge" in error and "spiral sample" in error
    status, _, error = spiral("eval", "--goal", "invent-characters")
    assert status == 2 and "the shipped agent of --goal invent-characters invents pictures like" in error


def test_a_program_is_painted_at_any_size(spiral, inventing_run, tmp_path):
    program = inventing_run / "programs" / "0.json"
    status, out, _ = spiral("render", program, "--size", 160, "--out", tmp_path / "big.png")
    assert (status, out) == (0, f"{tmp_path / 'big.png'}: 160 x 160\n")
    with Image.open(tmp_path / "big.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), Program.load(program).render(160)[..., 0])
    assert spiral("render", program, "--brush", "classic/charcoal", "--size", 64, "--out", tmp_path / "c.png")[0] == 0
    assert spiral("render", program, "--out", tmp_path / "lines.svg")[0] == 0
    assert (tmp_path / "lines.svg").read_text().startswith("<svg")


def test_changes_reach_the_run_and_stay_with_it(spiral, drawings, tmp_path):
    words = ["--set", f"data.name={drawings}", "--set", "policy.batch_size=4", "--set", "policy.entropy=0.5"]
    words += ["--set", "rewards.discriminator.warm_up=0", "--set", "rewards.0.options.width=4"]
    status, out, _ = spiral(
        "train", "--preset", "mnist-small", "--engine", "local", "--frames", 48, "--seed", 3, *words,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert status == 0 and "Done: " in out
    assert "48 frames, 2 policy steps, 8 steps of the reward discriminator" in out
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert (config["seed"], config["policy"]["entropy"], config["preset"]) == (3, 0.5, "mnist-small")
    assert (config["rewards"][0]["warm_up"], config["rewards"][0]["options"]["width"]) == (0, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train"], "--preset is missing; there are reference, mnist"),
        (["train", "--preset", "minst"], "no preset 'minst'; there are"),
        (["train", "--preset", "mnist-small", "--minutes", "0"], "give more than 0"),
        (["train", "--preset", "mnist-small", "--set", "policy.entropy"], "name=value"),
        (["train", "--preset", "mnist-small", "--set", "policy.entropy=much"], "policy.entropy"),
        (["train", "--preset", "mnist-small", "--set", "data.name=cats"], "no data set is called 'cats'"),
        (["train", "--preset", "mnist-small", "--redis", "http://x"], "redis://host:6379/0"),
        (["train", "--preset", "mnist-small", "--out", "{full}"], "is not empty: go on with --resume"),
        (["train", "--preset", "mnist-small", "--out", "{file}/x"], "cannot be made"),
        (["train", "--resume"], "--resume needs --out"),
        (["train", "--resume", "--out", "{full}"], "holds no run"),
        (["train", "--resume", "--out", "{full}", "--seed", "1"], "leave out --preset, --seed, --env and --set"),
        (["info", "--preset", "x"], "no preset 'x'"),
        (["sample", "--run", "{full}/none", "--out", "{full}/s.npz"], "there is no folder"),
        (["sample", "--run", "{full}", "--out", "{full}/s.npz"], "no checkpoint in"),
        (["sample", "--run", "{run}", "--out", "{full}/s.jpg"], "s.jpg must end in .npz, for arrays, or .png"),
        (["sample", "--run", "{run}", "--count", "99", "--out", "{full}/s.npz"], "there are 4 held-out pictures"),
        (["eval", "--run", "{run}", "--count", "5"], "there are 4 held-out pictures"),
        (["eval", "--data", "kanji"], "kanji"),
        (["eval", "--goal", "invent", "--data", "digits"], "for agents that copy pictures"),
        (["render", "{full}/none.json", "--out", "{full}/x.png"], "No such file"),
        (["render", "{file}", "--out", "{full}/x.png"], "not JSON"),
        (["render", "{program}", "--out", "{full}/x.gif"], "must end in .png, .svg or .gcode"),
        (["render", "{program}", "--brush", "classic/broom", "--out", "{full}/x.png"], "classic/broom"),
        (["render", "{program}", "--brush", "classic/pen", "--out", "{full}/x.svg"], "no brushes"),
        (["render", "{program}", "--size", "99999", "--out", "{full}/x.png"], "99999"),
        (["train", "--preset", "mnist-small", "--engine", "local", "--watch"], "--watch needs --engine ray"),
        (["watch", "--redis", "http://x"], "redis://host:6379/0"),
        (["watch", "--redis", "unix://{full}/none.sock"], "no Redis answers at unix://"),
        (["watch", "--host", "192.0.2.1"], "or give --host 127.0.0.1"),
        (["data", "prepare", "cats"], "no data set is called 'cats'"),
        (["data", "prepare", "mnist", "--from", "{full}"], "lacks train-images"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_one_line_and_status_2(spiral, copying_run, tmp_path, monkeypatch, words, message):
    (tmp_path / "file").write_text("text")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path / "data"))
    places = {
        "full": tmp_path,
        "file": tmp_path / "file",
        "run": copying_run,
        "program": copying_run / "programs/0.json",
    }
    status, _, err = spiral(*(word.format(**places) for word in words))
    assert status == 2
    line = only_error(err)
    assert line.startswith("spiral: ") and message in line
    assert not (tmp_path / "runs").exists(), "nothing was begun"


@pytest.mark.parametrize("words", [["trian"], ["sample"], ["train", "--engine", "spark"], ["render"]])
def test_words_that_it_does_not_know_are_refused(spiral, words):
    status, _, err = spiral(*words)
    assert status == 2 and "Usage:" in err and "Traceback" not in err


def test_every_named_error_exists():
    import importlib

    for name in USER_ERRORS:
        module, _, kind = name.partition(":")
        assert issubclass(getattr(importlib.import_module(module), kind), Exception)
