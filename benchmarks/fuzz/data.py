"""The files of data sets: folders of pictures, archives, tables and arrays."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.fuzz.damage import WORDS, Whole, array, damaged, maybe_damaged, picture_bytes, zipped

NAMES = ("mnist", "faces", "scenes", "omniglot", "celeba")
ARCHIVES = {
    "faces": ("faces128",),
    "omniglot": ("images_background", "images_evaluation"),
    "celeba": ("img_align_celeba",),
}


def pictures(rng: Random, place: Path, whole: Whole) -> list[str]:
    """A folder of pictures, to be copied by an agent, with folders, links and devices among them."""
    folder = place / "folder"
    folder.mkdir()
    for number in range(rng.choice((0, 1, 2, 3))):
        (folder / f"{number}{rng.choice(('.png', '.jpg', '.txt'))}").write_bytes(picture_bytes(rng))
    if rng.random() < 0.5:
        (folder / "a.png").mkdir()
        name = rng.choice(("b.PNG", "b.jpeg", "\udcff.png", "b" * 200 + ".png", "b\n.png"))
        os.symlink(rng.choice(("/dev/zero", "/dev/null", "gone", name, "0.png", "..", "a.png")), folder / name)
        os.symlink(rng.choice((".", "..", "/dev/fd", "up")), folder / "up")
    named = rng.choice((f"folder:{folder}", f"folder:{folder}/0.png", f"folder:{folder}/up", f"folder: {folder}"))
    return rng.choice(
        (
            ["eval", "--run", str(whole.agent), "--data", named],
            ["sample", "--run", str(whole.agent), "--data", named, "--count", "1", "--out", str(place / "o.png")],
            ["data", "prepare", named],
        )
    )


def data_set(rng: Random, place: Path, whole: Whole) -> list[str]:
    """The files of a data set that has a name, to be prepared or copied by an agent."""
    name = rng.choice(NAMES)
    folder = place / name
    folder.mkdir()
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
        for archive in ARCHIVES[name]:
            (folder / f"{archive}.zip").write_bytes(maybe_damaged(rng, zipped(rng)))
        ids = "\n".join(str(rng.choice((0, 1, 2, "x", "", "-1", "../x"))) + f",{rng.choice(WORDS)}" for _ in range(3))
        (folder / "labels.csv").write_bytes(maybe_damaged(rng, f"id,age\n{ids}\n".encode("utf-8", "surrogatepass")))
        for file in ("list_attr_celeba.txt", "list_eval_partition.txt"):
            (folder / file).write_bytes(damaged(rng, b"2\na b\n000001.jpg 0\n000002.jpg 2\n"))
    if rng.random() < 0.5:
        return ["data", "prepare", name, "--from", str(folder)]
    return [f"SPIRAL_DATA={rng.choice((str(place), str(folder)))}", "eval", "--run", str(whole.agent), "--data", name]
