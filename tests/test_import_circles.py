"""The check for circles of imports finds them, and names every import of each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from grimp import ImportGraph

from tests.import_circles import find_circles

ROOT = Path(__file__).parents[1]
CONTRACT = """
[importlinter]
root_package = circular
contract_types =
    no_import_circles: tests.import_circles.NoImportCircles

[importlinter:contract:circles]
name = No modules import each other in a circle
type = no_import_circles
"""


@pytest.mark.parametrize(
    ("imports", "circles"),
    [
        ("ab bc ac", []),
        ("ab bc ca", [("a", "b", "c")]),
        ("ab ba bc cb", [("a", "b"), ("b", "c")]),
        ("ab bc ca ac", [("a", "c")]),  # the longer one has an import in common with it
        ("aa", []),
    ],
)
def test_the_shortest_circles_are_found(imports, circles):
    graph = ImportGraph()
    for importer, imported in imports.split():
        graph.add_import(importer=importer, imported=imported)
    assert find_circles(graph) == circles


def test_a_circle_that_is_closed_within_a_function_breaks_the_contract(tmp_path):
    package = tmp_path / "circular"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "low.py").write_text("def late():\n    from circular import high\n")
    (package / "high.py").write_text("from circular import low\n")
    (tmp_path / "contract.ini").write_text(CONTRACT)
    words = [str(Path(sys.executable).with_name("lint-imports")), "--config", "contract.ini", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "circular.high -> circular.low (line 1)" in done.stdout
    assert "circular.low -> circular.high (line 2)" in done.stdout
