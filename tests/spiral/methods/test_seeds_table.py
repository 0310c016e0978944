"""The tables of several seeds as one: medians with all values behind them, and no mixing of experiments."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.seeds import joined, markdown
from spiral.methods.experiment import Table
from spiral.methods.fitting import RESULTS


def folder(path: Path, accuracy: float, title: str = "digits", figure: float | str | None = None) -> Path:
    table = Table(title, ("method", "accuracy", "figure", "paper"), [("ours", accuracy, figure, 0.5)])
    path.mkdir()
    (path / RESULTS).write_text(json.dumps([asdict(table)]), encoding="utf-8")
    return path


def test_what_differs_is_a_median_with_all_values_and_what_is_alike_stands_once(tmp_path: Path):
    folders = [folder(tmp_path / str(seed), accuracy) for seed, accuracy in enumerate((0.9, 0.7, 0.8))]
    (table,) = joined(folders)
    assert table.rows == [("ours", "0.8 (0.9, 0.7, 0.8)", "–", "0.5")]
    assert markdown(table).splitlines()[-1] == "| ours | 0.8 (0.9, 0.7, 0.8) | – | 0.5 |"


def test_what_is_not_a_number_everywhere_has_no_median(tmp_path: Path):
    folders = [folder(tmp_path / "a", 0.5, figure=0.25), folder(tmp_path / "b", 0.5, figure=None)]
    assert joined(folders)[0].rows == [("ours", "0.5", "0.25, –", "0.5")]


def test_fits_of_different_experiments_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="'faces' and 'digits' are not tables of one experiment"):
        joined([folder(tmp_path / "a", 0.5), folder(tmp_path / "b", 0.5, title="faces")])
