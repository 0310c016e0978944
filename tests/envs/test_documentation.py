"""The code in docs/environments.md runs as it stands, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {
        "seven.png",
        "seven.json",
        "seven-large.png",
        "seven.svg",
        "scene.png",
    }
