"""The code and the commands in docs/programs.md and docs/sketch.md run as they stand, from top to bottom."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.cli import app

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("page, pictures", [("programs", 16), ("sketch", 1)])
def test_the_page_runs_and_writes_the_pictures_that_it_shows(
    page: str, pictures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page == "sketch":
        pytest.importorskip("vpype_gcode", reason="G-code is written by the extra plot")
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    known: dict[str, Any] = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(compile(block, page, "exec"), known)
            continue
        for line in block.splitlines():
            name, *words = shlex.split(line)
            assert name == "spiral"
            result = CliRunner().invoke(app, words, catch_exceptions=False)
            assert result.exit_code == 0, result.output
    shown = re.findall(rf"\]\(images/{page}/(.*?)\)", text)
    assert len(shown) == pictures
    for picture in shown:
        assert (tmp_path / picture).is_file(), f"no command of the page writes {picture}"
        assert (DOCS / "images" / page / picture).is_file()
