"""What a person can hand to the command, and what may be wrong with it: the inputs of `benchmarks/fuzz.py`.

Each function writes the files of one input into a folder and returns the words of a command that reads them: whole
files that were damaged, and made-up ones.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F", "HSV", "LAB", "YCbCr", "PA", "La", "RGBa")
FORMATS = ("PNG", "JPEG", "PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO")
WORDS = (
    "", " ", "0", "-1", "1", "nan", "inf", "-inf", "1e308", "1e-320", "9" * 20, "9" * 5000, "-" + "9" * 30, "0x10",
    "1_0", "true", "null", "[]", "{}", "[1,2", '"', "\u00e9", "\u202e", "\U0001f600", "a\nb", "a" * 300, "a/" * 3000,
    "../..", "~", "/dev/null", "/proc/self/mem", "file://", "http://127.0.0.1:1/x", "http://[::1", "s3://",
    "redis://127.0.0.1:1", "redis://u:p@:/x", "unix:///none.sock", "rediss://127.0.0.1:1", "redis://127.0.0.1:99999",
    "memory://", "zip://x", "::", "folder:", "folder:.", "mnist", "spiral/Paint-v0",
    "os:path", "dots:Dots", "a:b:c", ":", "--help", "--", "=", "a=b", "1=2,3", "1=red", "-0", "None", "\udcff", "%s",
    "{}", "$HOME", "*", "\\", "\t",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, 2**64, 10**30, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "", "x", "white", "#123", "\u0000", "\ud800", "a" * 5000, [], [0], [[]], [[[0]]], [None], {},
    {"a": 1}, ["x"], [1e400], "spiral/Scenes-v0", "os:path", [[0] * 6] * 30,
)  # fmt: skip

ARCHIVES = {
    "faces": ("faces128",),
    "omniglot": ("images_background", "images_evaluation"),
    "celeba": ("img_align_celeba",),
}


@dataclass(frozen=True)
class Whole:
    """What is not damaged: the folder of an agent, of its run, a program and a brush."""

    agent: Path
    run: Path
    program: dict[str, Any]
    brush: bytes


def program(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A program, to be rendered or edited."""
    path = place / "p.json"
    path.write_bytes(document(rng, whole.program))
    number = str(rng.choice((0, 1, 2, -1, 99)))
    return rng.choice(
        (
            ["render", str(path), "--size", str(rng.choice((1, 16, 33))), "--out", str(place / "o.png")],
            ["render", str(path), "--out", str(place / "o.svg")],
            ["edit", str(path), "--remove", number, "--out", str(place / "o.json")],
            ["edit", str(path), "--move", f"{number}={rng.choice(WORDS)}", "--out", str(path)],
            ["edit", str(path), "--recolor", f"{number}={rng.choice(WORDS)}", "--out", str(place / "o.json")],
        )
    )


def picture(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A picture, to be parsed."""
    path = place / f"picture{rng.choice(('.png', '.jpg', ''))}"
    path.write_bytes(picture_bytes(rng))
    flags = [flag for flag in ("--invert", "--contrast", "--crop") if rng.random() < 0.3]
    words = ["parse", str(path), "--run", str(whole.agent), "--samples", "1", "--out", str(place / "o"), *flags]
    return [*words, "--background", rng.choice(("black", "#123456", "none"))] if rng.random() < 0.2 else words


def brush(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A brush, to render a program with."""
    path = place / "b.myb"
    path.write_bytes(document(rng, json.loads(whole.brush)) if rng.random() < 0.7 else damaged(rng, whole.brush))
    (place / "p.json").write_text(json.dumps(whole.program))
    return ["render", str(place / "p.json"), "--size", "16", "--brush", str(path), "--out", str(place / "o.png")]


def checkpoint(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a checkpoint, to let its agent paint."""
    file = rng.choice(("run.json", "agent.safetensors"))
    for name in ("run.json", "agent.safetensors"):
        content = (whole.agent / name).read_bytes()
        if name == file:
            content = (
                document(rng, json.loads(content))
                if name == "run.json" and rng.random() < 0.8
                else damaged(rng, content)
            )
        (place / name).write_bytes(content)
    out = str(place / rng.choice(("o.png", "o.npz")))
    return rng.choice((["sample", "--run", str(place), "--count", "1", "--out", out], ["eval", "--run", str(place)]))


def run_folder(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The folder of a run, to draw its curves or to go on with it."""
    for name in ("config.json", "metrics.jsonl"):
        (place / name).write_bytes((whole.run / name).read_bytes())
    if rng.random() < 0.5:
        (place / "config.json").write_bytes(document(rng, json.loads((whole.run / "config.json").read_text())))
        return ["train", "--resume", "--engine", "local", "--frames", "1", "--out", str(place / rng.choice((".", "x")))]
    rows = [json.loads(line) for line in (whole.run / "metrics.jsonl").read_text().splitlines()]
    (place / "metrics.jsonl").write_bytes(b"\n".join(document(rng, row) for row in rows))
    return ["curves", str(place), "--out", str(place / "o.png")]


def data_set(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The files of a data set, to be prepared or copied by an agent."""
    name = rng.choice(("folder", "folder", "mnist", "faces", "scenes", "omniglot", "celeba"))
    folder = place / name
    folder.mkdir()
    if name == "folder":
        for number in range(rng.choice((0, 1, 2, 3))):
            (folder / f"{number}{rng.choice(('.png', '.jpg', '.txt'))}").write_bytes(picture_bytes(rng))
        return ["eval", "--run", str(whole.agent), "--data", f"folder:{folder}"]
    if name == "mnist":
        for file in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
            content = bytes(rng.randrange(256) for _ in range(40))
            (folder / f"{file}-ubyte{rng.choice(('', '.gz'))}").write_bytes(damaged(rng, gzip.compress(content)))
    elif name == "scenes":
        for split in ("train", "test"):
            arrays = {rng.choice(("images", "x")): array(rng), "actions": array(rng)}
            stream = io.BytesIO()
            np.savez(stream, **arrays)  # type: ignore[arg-type]
            (folder / f"{split}.npz").write_bytes(maybe_damaged(rng, stream.getvalue()))
    else:
        archives = {
            "faces": ("faces128",),
            "omniglot": ("images_background", "images_evaluation"),
            "celeba": ("img_align_celeba",),
        }
        for archive in archives[name]:
            (folder / f"{archive}.zip").write_bytes(maybe_damaged(rng, zipped(rng)))
        ids = "\n".join(str(rng.choice((0, 1, 2, "x", "", "-1", "../x"))) + f",{rng.choice(WORDS)}" for _ in range(3))
        (folder / "labels.csv").write_bytes(maybe_damaged(rng, f"id,age\n{ids}\n".encode("utf-8", "surrogatepass")))
        for file in ("list_attr_celeba.txt", "list_eval_partition.txt"):
            (folder / file).write_bytes(damaged(rng, b"2\na b\n000001.jpg 0\n000002.jpg 2\n"))
    return (
        ["data", "prepare", name, "--from", str(folder)]
        if rng.random() < 0.5
        else ["eval", "--run", str(whole.agent), "--data", name]
    )


def settings(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Settings of a run, whose folder cannot be made, so that none begins."""
    names = (
        "seed", "policy.entropy", "agent.hidden", "agent.channels", "rewards", "environment.settings", "environment.id",
        "environment.settings.brush", "environment.settings.canvas_size", "data.name", "discriminator.loss", "device",
        "cloning.share", "sample_temperature", "preset", "policy.minibatches", rng.choice(WORDS),
    )  # fmt: skip
    words = ["train", "--preset", "mnist-small", "--engine", "local", "--out", "/dev/null/x"]
    for _ in range(rng.randint(1, 2)):
        value = json.dumps(rng.choice(VALUES)) if rng.random() < 0.6 else rng.choice(WORDS)
        words += ["--set", f"{rng.choice(names)}={value}"]
    return words + (["--env", rng.choice(WORDS)] if rng.random() < 0.2 else [])


def options(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Options and numbers, of commands that take no time."""
    (place / "p.json").write_text(json.dumps(whole.program))
    made, out, agent = str(place / "p.json"), str(place / "o.png"), str(whole.agent)
    word = rng.choice(WORDS)
    train = ["--preset", "mnist-small", "--out", "/dev/null/x"]
    asked: tuple[tuple[list[str], tuple[str, ...]], ...] = (
        (["render", made, "--out", out], ("--size",)),
        (["render", made, "--out", out, "--size", "16"], ("--brush",)),
        (["edit", made, "--out", str(place / "o.json")], ("--remove", "--move", "--recolor")),
        (["sample", "--run", agent, "--out", out], ("--seed", "--count", "--temperature", "--data")),
        (["parse", made, "--run", agent, "--out", str(place / "o")], ("--samples", "--seed", "--temperature")),
        (["eval"], ("--run", "--goal", "--data", "--count")),
        (["train", *train], ("--minutes", "--frames", "--seed", "--workers", "--policy-learners")),
        (["train", "--resume", "--out", str(place)], ("--checkpoints", "--frames", "--preset")),
        (["population", *train], ("--members", "--seed", "--rounds", "--minutes")),
        (["info"], ("--preset",)),
        (["data"], ("prepare",)),
        (["data", "make", rng.choice(("scenes", word)), "--train", "1", "--held-out", "0"], ("--seed",)),
        (["curves", "--out", out], ("--",)),
        (["submit", "--address", word, "--"], ("train",)),
        ([], (word,)),
    )
    words, names = rng.choice(asked)
    return [*words, rng.choice(names), word]


def address(rng: Random, place: Path, whole: Whole) -> list[str]:
    """Addresses at which nobody answers."""
    url = rng.choice(WORDS)
    return ["watch", "--redis", url if "redis" in url or "unix" in url else f"{url}://"]


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


KINDS = (program, picture, brush, checkpoint, run_folder, data_set, settings, options, address, output)


def document(rng: Random, whole: Any) -> bytes:
    """A JSON document with one to three of its values replaced, removed or renamed, or with damaged bytes."""
    if rng.random() < 0.15:
        return damaged(rng, json.dumps(whole).encode())
    changed = json.loads(json.dumps(whole))
    for _ in range(rng.randint(0, 3)):
        _change(rng, changed)
    text = json.dumps(changed)
    return (text if rng.random() < 0.95 else text.replace("0", "7" * 5000, 1)).encode()


def _change(rng: Random, document: Any) -> None:
    """Change one value somewhere in a document, the deeper the more often."""
    while isinstance(document, dict | list) and document:
        key = rng.choice(list(document) if isinstance(document, dict) else range(len(document)))
        if isinstance(document[key], dict | list) and document[key] and rng.random() < 0.8:
            document = document[key]
            continue
        if rng.random() < 0.7:
            document[key] = rng.choice(VALUES)
        elif isinstance(document, dict) and rng.random() < 0.5:
            document[rng.choice(("x", "", "\u0000"))] = document.pop(key)
        else:
            del document[key]
        return


def damaged(rng: Random, content: bytes) -> bytes:
    """Bytes cut off, flipped, doubled or replaced."""
    changed = bytearray(content)
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(changed[: rng.randrange(len(changed) + 1)])
    if kind == 1:
        return bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 8, 100))))
    for _ in range(rng.choice((1, 1, 3, 30))):
        if changed:
            at = rng.randrange(min(len(changed), rng.choice((16, 64, len(changed)))) or 1)
            changed[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(changed * 2 if kind == 2 else changed)


def maybe_damaged(rng: Random, content: bytes) -> bytes:
    """The same bytes, or damaged ones."""
    return content if rng.random() < 0.5 else damaged(rng, content)


def picture_bytes(rng: Random) -> bytes:
    """A picture file of any kind, whole or damaged."""
    size = rng.choice(((1, 1), (16, 16), (40, 7), (1, 300), (64, 64), (8193, 1)))
    picture = Image.effect_noise(size, 90) if rng.random() < 0.5 else Image.new("L", size, rng.choice((0, 128, 255)))
    options: dict[str, Any] = {}
    if rng.random() < 0.4:
        exif = Image.Exif()
        exif[0x0112] = rng.choice((1, 3, 6, 8, 9, 0))
        options["exif"] = damaged(rng, exif.tobytes()) if rng.random() < 0.7 else exif
    if rng.random() < 0.1:
        options |= {"save_all": True, "append_images": [picture]}
    stream = io.BytesIO()
    try:
        picture.convert("RGB").convert(rng.choice(MODES)).save(stream, format=rng.choice(FORMATS), **options)
    except Exception:  # a format that has no such mode
        picture.convert("RGB").save(stream, format=rng.choice(("PNG", "JPEG")))
    return maybe_damaged(rng, stream.getvalue())


def array(rng: Random) -> NDArray[Any]:
    """An array such as a data set has, or another one."""
    shape = rng.choice(((2, 8, 8, 3), (2, 5, 7), (0, 8, 8, 3), (0, 5, 7), (2,), (), (1, 8, 8, 1)))
    return np.zeros(shape, rng.choice((np.uint8, np.int64, np.float32)))


def zipped(rng: Random) -> bytes:
    """An archive of pictures."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(rng.choice((0, 1, 3))):
            archive.writestr(
                rng.choice((f"{number}.jpg", f"faces128/{number}.jpg", f"a/b/{number}.png")), picture_bytes(rng)
            )
    return stream.getvalue()
