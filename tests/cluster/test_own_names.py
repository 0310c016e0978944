"""Our packages have plain names. Whoever has others of the same names trains with ours, from a clone or a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.foreign import foreign_folder

from .conftest import FRAMES, set_words

ROOT = Path(__file__).parents[2]
OURS = ["envs", "spiral", "learners", "actors", "cluster", "benchmarks", "examples"]


def python(program: str, folder: Path, *path: Path) -> str:
    """What a program prints that Python runs in the folder with these on its search path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.parametrize("on_path", [True, False], ids=["on PYTHONPATH", "added later"])
def test_our_names_mean_our_packages(on_path, tmp_path):
    folder = foreign_folder(tmp_path)
    path = [folder, ROOT] if on_path else [ROOT]
    program = f"import spiral_painter, sys\nsys.path.insert(0, {str(folder)!r})\n"
    program += "".join(f"import {name}; print(*{name}.__path__)\n" for name in OURS)
    assert python(program, tmp_path, *path).split() == [str(ROOT / name) for name in OURS]


def test_our_packages_stay_ours_when_the_search_path_changes(tmp_path):
    """A package without `__init__.py` is sought anew then, and others are called so too: one of torchrl's."""
    for name in OURS:
        (tmp_path / "theirs" / name).mkdir(parents=True)
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport spiral_painter; sys.path.remove({str(ROOT)!r})\n"
    program += "".join(f"import {name}\n" for name in OURS)
    program += f"sys.path.append({str(tmp_path / 'theirs')!r})\n"
    program += "".join(f"print(*{name}.__path__)\n" for name in OURS)
    assert python(program, tmp_path).split() == [str(ROOT / name) for name in OURS]


def test_what_is_installed_comes_before_what_is_added_and_that_is_found_too(tmp_path):
    folder = foreign_folder(tmp_path)
    (folder / "mine.py").write_text("")
    program = (
        f"import spiral_painter, sys\nsys.path.insert(0, {str(folder)!r})\nimport redis, mine; print(mine.__file__)"
    )
    assert python(program, ROOT, ROOT).strip() == str(folder / "mine.py")


@pytest.mark.parametrize("path", [[ROOT], [Path(), ROOT]], ids=["by the program", "by an empty part of PYTHONPATH"])
def test_the_current_folder_comes_last_wherever_python_has_put_it(path, tmp_path):
    folder = foreign_folder(tmp_path)
    (folder / "mine.py").write_text("")
    program = "import spiral_painter, redis, mine; print(redis.__file__, mine.__file__)"
    theirs, mine = python(program, folder, *path).split()
    assert not theirs.startswith(str(folder)) and mine == str(folder / "mine.py")


@pytest.mark.skipif(shutil.which("c++") is None, reason="the wheel has a compiled part, and there is no C++ compiler")
def test_an_installed_wheel_trains_in_a_folder_with_packages_of_the_same_names(tiny, tmp_path):
    source = tmp_path / "source"
    left_out = shutil.ignore_patterns(".*", "build", "runs", "tests", "docs", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=left_out)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(source)], check=True)
    shutil.rmtree(source)
    venv.create(tmp_path / "venv", symlinks=True)
    binary = tmp_path / "venv" / "bin"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(binary / "python"),
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    ]
    subprocess.run([*install, "--no-index", *map(str, tmp_path.glob("*.whl"))], check=True)
    installed = next((tmp_path / "venv" / "lib").iterdir()) / "site-packages"
    # What it depends on is that of the tests, but for the project itself, which may be there from a clone.
    (installed / "dependencies.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")
    folder = foreign_folder(tmp_path / "work")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "RAY_ADDRESS")}

    def spiral(*words: str) -> str:
        command = [str(binary / "spiral"), *words]
        answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    assert "mnist-small" in spiral("info")
    train = ["train", "--preset", "mnist-small", "--frames", str(2 * FRAMES), "--workers", "1", "--out", "run"]
    assert "Done: " in spiral(*train, *set_words(tiny))
