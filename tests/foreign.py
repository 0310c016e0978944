"""A folder of somebody else's, whose packages and modules have the names of ours and of what we need."""

from __future__ import annotations

from pathlib import Path


def foreign_folder(folder: Path) -> Path:
    """The folder, which is made; whatever is imported from it says so and fails."""
    for name in ("envs/__init__", "learners/__init__", "benchmarks/__init__", "redis/__init__"):
        write(folder, name)
    for name in ("spiral", "actors", "cluster", "examples", "torch"):
        write(folder, name)
    return folder


def write(folder: Path, name: str) -> None:
    """Write one module that cannot be imported."""
    path = folder / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"raise ImportError('{name} of somebody else')\n", encoding="utf-8")
