"""The code and the commands in docs/programs.md run as they stand, from top to bottom."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "programs.md"


def test_the_page_runs_and_writes_the_pictures_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    known: dict[str, Any] = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(compile(block, str(PAGE), "exec"), known)
            continue
        for line in block.splitlines():
            name, *words = shlex.split(line)
            assert name == "spiral"
            result = CliRunner().invoke(app, words, catch_exceptions=False)
            assert result.exit_code == 0, result.output
    shown = re.findall(r"\]\(images/programs/(.*?)\)", text)
    assert len(shown) == 15
    for picture in shown:
        assert (tmp_path / picture).is_file(), f"no command of the page writes {picture}"
        assert (PAGE.parent / "images" / "programs" / picture).is_file()
