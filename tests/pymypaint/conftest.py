"""Simple brushes whose pixels can be reasoned about, and libmypaint's own loop to compare with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write_brush(tmp_path: Path) -> Callable[..., Path]:
    """Writes a brush with the given settings: hard, opaque, without dynamics, 4 dabs for each radius."""

    def write(curves: dict[str, dict[str, list[list[float]]]] | None = None, **settings: float) -> Path:
        plain = {
            "opaque": 1.0,
            "opaque_multiply": 1.0,
            "hardness": 1.0,
            "anti_aliasing": 0.0,
            "dabs_per_actual_radius": 4.0,
        }
        values = {**plain, **settings}
        document = {
            "version": 3,
            "settings": {
                name: {"base_value": value, "inputs": (curves or {}).get(name, {})} for name, value in values.items()
            },
        }
        path = tmp_path / f"brush-{len(list(tmp_path.iterdir()))}.myb"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture(scope="session")
def c_loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark's plain C loop over libmypaint, compiled."""
    if shutil.which("cc") is None or shutil.which("pkg-config") is None:
        pytest.skip("no C compiler or pkg-config")
    from benchmarks.env import compile_loop

    return compile_loop(tmp_path_factory.mktemp("c_loop"))
