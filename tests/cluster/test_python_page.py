"""The code in docs/python.md runs as it stands, in one folder; what it imports costs nothing before it is used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import spiral_painter as sp

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "python.md"
FILE = re.compile(r"# (\w+\.py)\n")  # the first line of a block that is a file of its own


@pytest.mark.usefixtures("quick")
def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for module in ("ink", "dots"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    shutil.copy(ROOT / "examples" / "dots.py", tmp_path)
    known: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        if file := FILE.match(block):
            Path(file[1]).write_text(block)
        else:
            exec(compile(block, str(PAGE), "exec"), known)
    for module in ("ink", "dots"):
        monkeypatch.delitem(sys.modules, module)


def test_the_page_names_all_that_a_script_finds() -> None:
    table = re.findall(r"^\| (`[^|]*`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(table))
    assert sorted(named) == sorted(sp.__all__) == sorted(sp.PYTHON)
    for name in named:
        assert getattr(sp, name).__module__ == sp.PYTHON[name] and getattr(sp, name).__doc__
        assert name in dir(sp)


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    program = (
        "import sys, spiral_painter\n"
        "heavy = ('numpy', 'torch', 'ray', 'gymnasium', 'envs', 'spiral', 'learners', 'actors', 'cluster')\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "spiral_painter.Program\n"
        "print([name for name in ('torch', 'ray') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split("\n")[:2] == ["[]", "[]"]


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_model'; for scripts it has .*load_agent"):
        sp.load_model  # noqa: B018
