"""Variables of the environment, which are words of a person's as well."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from benchmarks.fuzz.damage import WORDS, Whole

HERE = (
    "SPIRAL_DATA",
    "TMPDIR",
    "MYPAINT_BRUSHES",
    "XDG_DATA_HOME",
    "XDG_DATA_DIRS",
    "HOMEBREW_PREFIX",
    "HOME",
    "COLUMNS",
)
# They are read when a library is imported, so that they need a process of their own.
AT_IMPORT = {
    "MUJOCO_GL": ("egl", "EGL ", "osmesa", "glfw", "wgl", "disable", "off", "0", "x"),
    "MUJOCO_EGL_DEVICE_ID": ("0", "-1", "99", "x", ""),
    "PYOPENGL_PLATFORM": ("egl", "osmesa", "x", ""),
    "DISPLAY": (":987", "x", ":", "localhost:10.0", ""),
    "MPLBACKEND": ("Agg", "x", "TkAgg", "module://x", ""),
    "MPLCONFIGDIR": ("/dev/null", "/gone", "/proc", ""),
    "TMPDIR": ("/dev/null", "/gone", "/proc", ""),
    "LP_NUM_THREADS": ("x", "-1", ""),
    "COLUMNS": ("x", "0", "-1"),
    "TERM": ("x", ""),
}


def variables(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Where data, brushes and temporary files are."""
    (place / "p.json").write_text(json.dumps(whole.program))
    made = str(place / "p.json")
    values = (*WORDS, made, f"{made}:{made}", f"{place}:/gone")
    given = [f"{name}={rng.choice(values)}" for name in rng.sample(HERE, rng.choice((1, 1, 2)))]
    asked = (
        ["render", made, "--size", "16", "--out", str(place / "o.png")],
        ["render", made, "--size", "16", "--out", "/dev/null/o.png"],
        ["render", made, "--size", "16", "--brush", "clasic/pen", "--out", str(place / "o.png")],
        ["sample", "--run", str(whole.agent), "--count", "1", "--out", str(place / "o.npz")],
        ["eval", "--run", str(whole.agent), "--data", rng.choice(("mnist", "scenes", "faces")), "--count", "1"],
        ["data"],
        ["info"],
        ["info", "--preset", "mnist-small"],
    )
    return [*given, *rng.choice(asked)]


def at_import(rng: Random, place: Path, whole: Whole) -> list[str]:
    """What chooses a display, an OpenGL or a backend of matplotlib."""
    scene = {"format": "spiral-program", "version": 1, "environment": "spiral/Scenes-v0", "settings": {}}
    heads = ["shape", "place", "size", "red", "green", "blue", "kind"]
    (place / "p.json").write_text(json.dumps({**scene, "heads": heads, "actions": []}))
    given = [f"{name}={rng.choice(AT_IMPORT[name])}" for name in rng.sample(list(AT_IMPORT), rng.choice((1, 2)))]
    asked = (
        ["render", str(place / "p.json"), "--size", "64", "--out", str(place / "o.png")],
        ["curves", str(whole.run), "--out", str(place / "o.png")],
        ["train", "--preset", "scenes", "--engine", "local", "--out", "/dev/null/x"],
        ["train", "--help"],
    )
    return [*given, *rng.choice(asked)]
