"""Drawn faces in a folder, as a person's own pictures lie there; and as the set of faces with its labels."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from spiral.methods.dtn.drawn_faces import draw_faces

LABELS = ("age", "happy", "neutral", "sad", "surprised", "angry")


def save_faces(folder: Path, count: int = 24, side: int = 32) -> str:
    """The name of a data set of drawn faces that are written into a folder of this folder."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    for i, face in enumerate(draw_faces(count, side, 9)):
        Image.fromarray(face).save(photos / f"{i:02}.png")
    return f"folder:{photos}"


def save_labelled(root: Path, count: int = 60, side: int = 32) -> None:
    """The set of faces of a data folder: i years old, and the happier the later."""
    folder = root / "faces"
    folder.mkdir(parents=True)
    happy = np.linspace(0.01, 0.99, count)
    with zipfile.ZipFile(folder / "faces128.zip", "w") as archive:
        for i, face in enumerate(draw_faces(count, side, 9)):
            written = io.BytesIO()
            Image.fromarray(face).save(written, "JPEG", quality=95)
            archive.writestr(f"{i:05}.jpg", written.getvalue())
    rows = [f"{i:05},{i},{happy[i]},{1 - happy[i]},0,0,0" for i in range(count)]
    (folder / "labels.csv").write_text("\n".join([",".join(("id", *LABELS)), *rows]) + "\n")
