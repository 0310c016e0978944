"""DeepWarp as it is fitted: its experiments in small, resumed and drawn, and the page that turns eyes."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from spiral.methods.deepwarp.compared import STUDIED
from spiral.methods.deepwarp.model import HEIGHT, WIDTH
from spiral.methods.fitting import read_results
from spiral.methods.lpips import lpips_at_hand
from tests.eye_photos import columbia
from tests.spiral.methods.tiny_fits import fit_tiny

CPU = torch.device("cpu")
TINY = {
    "steps": 3,
    "lightness_steps": 2,
    "persons": 3,
    "held_out": 2,
    "shots": 1,
    "measured": 1,
    "bins": 1,
    "easy": 1,
    "hard": 1,
}
SMALL: dict[str, dict[str, Any]] = {
    "vertical": TINY,
    "both": TINY | {"held_out": 1},
    "models": TINY | {"pairs": 3, "finder_steps": 2},
    "registration": TINY | {"k": 1},
}


def fitted(folder: Path, name: str, changes: dict[str, Any], *stops: int) -> list[Any]:
    """The tables of an experiment."""
    fit_tiny("deepwarp", name, changes, folder, *stops)
    return read_results(folder)


@pytest.mark.parametrize("name", SMALL)
def test_an_experiment_in_small_gives_tables_and_pictures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))  # without LPIPS and faces, which take their time
    tables = fitted(tmp_path / "run", name, SMALL[name])
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert np.isfinite([value for row in table.rows for value in row if isinstance(value, float)]).all()
    made = {path.name for path in (tmp_path / "run").glob("*.*")}
    if name in ("vertical", "both"):
        directions = ("up",) if name == "vertical" else ("up", "aside", "up_and_aside")
        for direction in directions:
            assert {f"turned_{direction}.png", f"breaking_{direction}.png", f"true_{direction}.png"} < made
            with Image.open(tmp_path / "run" / f"turning_{direction}.gif") as animation:
                assert getattr(animation, "n_frames", 1) == 48, "25 there and 23 back"
        assert "lightness.png" in made
        assert tables[1].rows[0][1] <= 250, "kB of weights"
        subjects = shown_on(tmp_path / "run" / "eyes.html")
        steps = (31, 1) if name == "vertical" else (13, 13)
        assert [(each["up"], each["right"]) for each in subjects] == min(2, SMALL[name]["held_out"]) * [steps]
    elif name == "models":
        assert {"ordered_errors.png", "error_over_angle.png", "samples.png"} < made
        ordered, over, study = tables
        assert [row[0] for row in ordered.rows] == ["RF", "SS (15° only)", "SS", "MS", "CFW", "CFW + LCM"]
        assert all(row[2] <= row[3] <= row[4] for row in ordered.rows) and all(
            row[5] <= 250 for row in ordered.rows[1:]
        )
        assert len(over.rows) == 16 and over.note.endswith("of 15 bins")
        assert [row[:3:2] for row in study.rows[:4]] == list(STUDIED.items())
        assert all(0 <= row[1] <= 40 for row in study.rows[:4])
    else:
        assert [row[0] for row in tables[0].rows] == ["input", "exact", "misaligned", "registered"]
        assert all(row[2] <= row[1] + 1e-6 for row in tables[0].rows), "the best shift leaves no more"


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first network, and in the finder that learns from what all of them make."""
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    whole, resumed = (
        json.dumps([table.rows for table in fitted(tmp_path / folder, "models", SMALL["models"], *stops)])
        for folder, stops in (("whole", ()), ("resumed", (2, 15)))
    )
    assert whole == resumed


def test_photos_of_the_columbia_set_are_learned_from(tmp_path: Path) -> None:
    columbia(tmp_path / "set")
    options = TINY | {"folder": str(tmp_path / "set"), "axis": "vertical"}
    (table,) = fitted(tmp_path / "run", "photos", options)
    assert table.rows and all(len(row) == 3 for row in table.rows)
    assert (tmp_path / "run" / "photos.png").is_file()
    assert shown_on(tmp_path / "run" / "eyes.html")


def test_lpips_is_told_where_its_weights_are_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lpips = lpips_at_hand()
    if lpips is None:
        pytest.skip("needs the weights of LPIPS in $SPIRAL_DATA/weights")
    eyes = torch.rand(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    assert torch.equal(lpips(eyes, eyes), torch.zeros(2))
    assert (lpips(eyes, eyes.flip(-1)) > 0.01).all()
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    assert lpips_at_hand() is None


def shown_on(page: Path) -> list[dict[str, Any]]:
    """The subjects of a page, whose sheets hold as many frames as it says."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r"const subjects = (\[.*\]);", text)
    assert found and text.count('<input type="range">') == 2
    assert "http" not in text, "it needs no server"
    subjects: list[dict[str, Any]] = json.loads(found[1])
    for each in subjects:
        sheet = Image.open(io.BytesIO(base64.b64decode(each["sheet"].split(",")[1])))
        assert sheet.size == (each["right"] * each["width"], each["up"] * each["height"])
    return subjects
