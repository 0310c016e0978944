"""Compiling says what is missing, and how to get it on each system."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pybind11", reason="only a build needs pybind11")

from setuptools.errors import CompileError  # noqa: E402

from envs.pymypaint._build import libmypaint_flags  # noqa: E402


def test_flags_come_from_pkg_config() -> None:
    compiler, linker = libmypaint_flags()
    assert any("mypaint" in flag for flag in compiler) and "-lmypaint" in linker


def test_without_pkg_config_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match="(?s)pkg-config was not found.*apt-get install libmypaint-dev.*dnf.*brew"):
        libmypaint_flags()


def test_without_libmypaint_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(tmp_path))
    monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))
    with pytest.raises(CompileError, match="(?s)libmypaint 1.5 or later was not found.*apt-get.*dnf.*brew"):
        libmypaint_flags()
