"""Compile the extension against the libmypaint that pkg-config finds.

This file runs inside of a build, where this package cannot be imported yet; pyproject.toml names its command.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pybind11
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

INSTALL = (
    "Install it with one of:\n"
    "  Debian, Ubuntu:  sudo apt-get install libmypaint-dev mypaint-brushes pkg-config g++ python3-dev\n"
    "  Fedora:          sudo dnf install libmypaint-devel mypaint-brushes pkgconf-pkg-config gcc-c++ python3-devel\n"
    "  macOS:           brew install libmypaint pkg-config"
)


def libmypaint_flags() -> tuple[list[str], list[str]]:
    """Return the flags for the compiler and for the linker.

    Raises:
        CompileError: pkg-config is not there, or does not know libmypaint 1.5 or later.
    """
    if shutil.which("pkg-config") is None:
        raise CompileError(f"pkg-config was not found; it is needed to find libmypaint. {INSTALL}")
    query = ["pkg-config", "--cflags", "libmypaint >= 1.5"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise CompileError(f"libmypaint 1.5 or later was not found ({answer.stderr.strip()}). {INSTALL}")
    libraries = subprocess.run(
        ["pkg-config", "--libs-only-L", "--libs-only-l", "libmypaint"], capture_output=True, text=True, check=True
    )
    return shlex.split(answer.stdout), shlex.split(libraries.stdout)


class BuildNative(build_ext):
    """setuptools' `build_ext` with the flags for libmypaint: for an editable install, in place, and for a wheel."""

    def build_extensions(self) -> None:
        """Compile; fused multiply-adds are off, so that every processor computes the same coordinates."""
        compiler, linker = libmypaint_flags()
        ours = ["-std=c++17", "-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden", "-pthread"]
        for extension in self.extensions:
            extension.include_dirs.append(pybind11.get_include())
            extension.extra_compile_args += [*compiler, *ours]
            extension.extra_link_args += [*linker, "-pthread"]
        super().build_extensions()
