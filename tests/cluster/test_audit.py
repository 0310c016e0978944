"""`spiral audit`, as it is typed: shipped agents are audited, and what cannot be audited is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.run.folder import RunError
from cluster.studio.audit import audit_agents


@pytest.fixture(autouse=True)
def _only_what_packages_carry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))


def test_the_shipped_copyist_of_digits_is_audited() -> None:
    table = audit_agents([], ["copy"], None, 8, 0, 0.0)
    assert table.columns[:5] == ("agent", "copied", "again", "RH", "RH, fitted reader")
    (row,) = table.rows
    name, copied, twice, honesty, _, *sensitivity, finding = row
    assert name == "copy" and finding in ("hides nothing", "hides what a fitted reader finds")
    assert isinstance(copied, float) and isinstance(twice, float) and 5 < copied < 80 and 5 < twice < 120
    assert isinstance(honesty, str) and "±" in honesty
    assert all(isinstance(value, float) and np.isfinite(value) and value < 100 for value in sensitivity)


def test_several_agents_have_a_row_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    result = CliRunner().invoke(app, ["audit", "--goal", "copy", "--goal", "characters", "--count", "8"])
    assert result.exit_code == 0, result.output
    assert "What is hidden in 8 copies" in result.output and "characters" in result.output


@pytest.mark.parametrize(
    ("goal", "data", "count", "message"),
    [
        ("invent", None, 8, "invents pictures, and only a copy can hide something"),
        ("copy", None, 5000, "--count 5000: there are 1000 held-out pictures"),
    ],
)
def test_what_cannot_be_audited_is_refused_by_name(goal: str, data: str | None, count: int, message: str) -> None:
    with pytest.raises(RunError, match=message):
        audit_agents([], [goal], data, count, 0, 0.0)


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["audit", "--run", str(tmp_path / "none")])
    assert isinstance(result.exception, RunError) and "there is no folder" in str(result.exception)
