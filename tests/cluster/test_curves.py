"""Curves of one run and of several, from whatever their rows hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from PIL import Image

from cluster.run.folder import RunError, RunFolder
from cluster.run.learning_curve import Rows, save_curves
from cluster.run.plan import Length
from cluster.studio.curves import compare
from spiral.config import parse_config
from tests.tiny import TINY

ROWS = [{"frames": 1, "policy/return": 0.5}, {"frames": 2, "held_out/error_ratio": 1.0, "policy/return": 0.7}]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS])
def test_a_curve_is_drawn_from_whatever_rows_there_are(tmp_path, rows):
    save_curves(tmp_path / "curve.png", {"": rows})
    with Image.open(tmp_path / "curve.png") as curve:
        assert curve.size == (840, 480)


def test_several_runs_show_what_all_of_them_measured(tmp_path, monkeypatch):
    labels = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_ylabel", lambda axes, label: labels.append(label))
    save_curves(tmp_path / "curve.png", {"a": ROWS, "b": ROWS})
    save_curves(tmp_path / "curve.png", {"a": ROWS, "b": ROWS[:1]})
    assert labels == ["error on held-out pictures (1 = empty canvas)", "return"]


def drawn_by(runs: Mapping[str, Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Axes:
    """The axes of the picture of these runs."""
    kept: list[Axes] = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_xlabel", lambda axes, label: kept.append(axes))
    save_curves(tmp_path / "curve.png", runs)
    return kept[0]


def test_the_seeds_of_an_arm_have_one_colour_and_one_name(tmp_path, monkeypatch):
    axes = drawn_by({"l2-0": ROWS, "l2-1": ROWS, "d-0": ROWS, "d": ROWS, "l2-x": ROWS}, tmp_path, monkeypatch)
    assert [line.get_color() for line in axes.get_lines()] == ["C0", "C0", "C1", "C1", "C2"]
    assert axes.get_legend_handles_labels()[1] == ["l2", "d", "l2-x"]


@pytest.mark.parametrize(("errors", "scale"), [((3.8, 0.6), "log"), ((0.9, 0.6), "linear"), ((1.0, 0.0), "linear")])
def test_errors_of_an_untrained_agent_do_not_flatten_the_rest(tmp_path, monkeypatch, errors, scale):
    rows = [{"frames": place, "held_out/error_ratio": error} for place, error in enumerate(errors)]
    assert drawn_by({"": rows}, tmp_path, monkeypatch).get_yscale() == scale


def test_runs_go_by_the_names_of_their_folders(tmp_path):
    for name in ("a", "b"):
        RunFolder(tmp_path / name).begin(parse_config(TINY), Length(minutes=None, frames=10))
        RunFolder(tmp_path / name).metrics.write_text('{"frames": 1, "policy/return": 0.5}\n')
    out = tmp_path / "both.png"
    assert compare([tmp_path / "a", tmp_path / "b"], out) == f"2 curves are in {out}" and out.is_file()
    with pytest.raises(RunError, match="two of the runs are called 'a'"):
        compare([tmp_path / "a", tmp_path / "a"], out)
    with pytest.raises(RunError, match="holds no run"):
        compare([tmp_path / "c"], out)


def test_matplotlib_does_not_speak_of_a_folder_that_cannot_be_written_to(tmp_path):
    drawn = (
        "from pathlib import Path; from cluster.run.learning_curve import save_curves; "
        "save_curves(Path('o.png'), {'': []})"
    )
    environment = os.environ | {"MPLCONFIGDIR": "/dev/null"}
    said = subprocess.run([sys.executable, "-c", drawn], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "") and (tmp_path / "o.png").is_file()


def test_a_backend_for_windows_that_is_not_there_does_not_matter(tmp_path):
    RunFolder(tmp_path / "run").begin(parse_config(TINY), Length(minutes=None, frames=10))
    (tmp_path / "run" / "metrics.jsonl").write_text('{"frames": 1, "policy/return": 0.5}\n')
    command = [sys.executable, "-m", "cluster.cli", "curves", "run", "--out", "o.png"]
    environment = os.environ | {"MPLBACKEND": "no_backend"}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "") and (tmp_path / "o.png").is_file()
