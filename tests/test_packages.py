"""What is installed tells type checkers that it is typed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
PACKAGES = [pattern.removesuffix("*") for pattern in SETUPTOOLS["packages"]["find"]["include"]]


def test_every_file_of_the_live_page_is_installed():
    folder = ROOT / "cluster" / "watch"
    installed = {path for pattern in SETUPTOOLS["package-data"]["cluster.watch"] for path in folder.glob(pattern)}
    assert {path for path in folder.glob("page/**/*") if path.is_file()} <= installed


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_marked_as_typed_and_the_mark_is_installed(package):
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in SETUPTOOLS["package-data"]["*"]
