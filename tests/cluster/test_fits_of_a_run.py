"""A run finds the fits of its rewards wherever its processes work, and that of the package in no folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.run.launch import with_whole_paths
from spiral.config import parse_config
from spiral.presets import PRESETS


def test_folders_are_named_from_the_root_and_the_packages_own_fit_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`shipped` was looked for as a folder below the one in which the run began."""
    monkeypatch.chdir(tmp_path)
    rewards = [{"name": "rift", "from": "runs/rift"}, {"name": "self_defence", "from": "shipped"}, {"name": "blank"}]
    document = PRESETS["mnist-small-conditional"]() | {"rewards": rewards}
    whole = with_whole_paths(parse_config(document)).rewards
    assert [term.fitted_in for term in whole] == [str(tmp_path / "runs" / "rift"), "shipped", None]
