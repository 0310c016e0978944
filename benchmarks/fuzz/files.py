"""One file that is read, and may be damaged: programs, pictures and brushes; and what may stand where one goes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

from benchmarks.fuzz.damage import VALUES, WORDS, Whole, damaged, document, picture_bytes

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/fd/99", "/dev/urandom", "/proc/self/mem", "/proc/version", "/")


def program(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A program, to be rendered or edited."""
    path = place / "p.json"
    marked = {**whole.program, "brush_fingerprint": rng.choice(VALUES)}
    path.write_bytes(document(rng, marked if rng.random() < 0.2 else whole.program))
    read = rng.choice(DEVICES) if rng.random() < 0.05 else str(path)
    number = str(rng.choice((0, 1, 2, -1, 99)))
    return rng.choice(
        (
            ["render", read, "--size", str(rng.choice((1, 16, 33))), "--out", str(place / "o.png")],
            ["render", read, "--out", str(place / "o.svg")],
            ["edit", read, "--remove", number, "--out", str(place / "o.json")],
            ["edit", str(path), "--move", f"{number}={rng.choice(WORDS)}", "--out", str(path)],
            ["edit", read, "--recolor", f"{number}={rng.choice(WORDS)}", "--out", str(place / "o.json")],
        )
    )


def picture(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A picture, to be parsed."""
    path = place / f"picture{rng.choice(('.png', '.jpg', ''))}"
    path.write_bytes(picture_bytes(rng))
    read = rng.choice(DEVICES) if rng.random() < 0.1 else str(path)
    flags = [flag for flag in ("--invert", "--contrast", "--crop") if rng.random() < 0.3]
    words = ["parse", read, "--run", str(whole.agent), "--samples", "1", "--out", str(place / "o"), *flags]
    color = rng.choice(("black", "#123456", "none", "#12345678", "hsl(0,0%,0%)", rng.choice(WORDS)))
    return [*words, "--background", color] if rng.random() < 0.2 else words


def brush(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A brush, to render a program with."""
    path = place / "b.myb"
    path.write_bytes(document(rng, json.loads(whole.brush)) if rng.random() < 0.7 else damaged(rng, whole.brush))
    return _painted_with(str(path), place, whole)


def brush_name(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The name or the path of a brush, with folders of brushes that hold links, loops and strange names."""
    folder = place / rng.choice(("brushes", "Br ushes", "\u00e9", "x" * 200, "brushes.myb"))
    (folder / "Set").mkdir(parents=True)
    (folder / "Set" / "Pen.MYB").write_bytes(whole.brush)
    (folder / "pen.myb").write_bytes(whole.brush)
    os.symlink(rng.choice(("pen.myb", "link.myb", "/dev/zero", "nowhere", "Set")), folder / "link.myb")
    os.symlink(rng.choice((".", "..", "loop", "/dev", "Set")), folder / "loop")
    (place / "up.myb").write_bytes(whole.brush)
    places = (str(folder), "brushes", "/dev/null", "/proc/self/mem", "", str(place / "gone"), rng.choice(WORDS))
    name = rng.choice(
        (
            "pen", "PEN", "pen.myb", "pen.myb.myb", "Set/Pen", "Set/pen", "Set", "../up", "Set/../pen", "loop/pen",
            "link", "loop", "./pen", "../brushes/pen", "/pen", "//pen", "pen/", "classic/pen", "Classic/Pen",
            "classic/../classic/pen", "classic\\pen", "~/pen", str(folder / "pen"), str(folder / "link.myb"),
            f"{folder}/./pen.myb", str(folder), rng.choice(DEVICES), rng.choice(WORDS),
        )
    )  # fmt: skip
    searched = os.pathsep.join(rng.choices(places, k=rng.choice((0, 1, 2))))
    return [f"MYPAINT_BRUSHES={searched}", *_painted_with(name, place, whole)]


def _painted_with(name: str, place: Path, whole: Whole) -> list[str]:
    (place / "p.json").write_text(json.dumps(whole.program))
    return ["render", str(place / "p.json"), "--size", "16", "--brush", name, "--out", str(place / "o.png")]


def output(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Paths to write to, with something of a person's there."""
    (place / "p.json").write_text(json.dumps(whole.program))
    suffix = rng.choice((".png", ".svg", ".npz", ".json"))
    out = place / f"o{suffix}"
    kind = rng.choice(("folder", "full", "dangling", "loop", "link", "null", "below", "deep", "long", "word", "itself"))
    if kind in ("folder", "full"):
        out.mkdir()
        if kind == "full":
            (out / "kept").write_text("kept")
    elif kind in ("dangling", "loop", "null"):
        out.symlink_to({"dangling": "nowhere", "loop": out.name, "null": "/dev/null"}[kind])
    elif kind == "link":
        (place / "real").write_text("replaced")
        out.symlink_to("real")
    elif kind != "itself":
        names = {
            "below": "p.json/o",
            "deep": "a/b/o",
            "long": "x" * rng.choice((240, 251, 300)),
            "word": "o" + rng.choice(WORDS),
        }
        out = place / f"{names[kind]}{suffix}"
    else:
        out = place / "p.json"
    return rng.choice(
        (
            ["render", str(place / "p.json"), "--size", "16", "--out", str(out)],
            ["edit", str(place / "p.json"), "--remove", "0", "--out", str(out)],
            ["sample", "--run", str(whole.agent), "--count", "1", "--out", str(out)],
            ["curves", str(whole.run), "--out", str(out)],
        )
    )
