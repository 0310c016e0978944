"""`spiral blend`: arithmetic on three pictures of a person's, by the codes of a ladder autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.folder import RunError
from cluster.studio.preprocessing import LONGEST, Preprocessing, resized
from spiral.data.picture_file import open_picture
from spiral.methods.pictures import as_pixels
from spiral.methods.vlae.arithmetic import blended
from spiral.methods.vlae.blending import read_autoencoder
from spiral.methods.vlae.model import Layout


def blend(words: Sequence[str], run: Path, out: Path, row: bool, preprocessing: Preprocessing) -> str:
    """Writes a − b + c of three pictures into a .png file, and says so.

    Args:
        words: `A - B + C`, one by one, where A, B and C are files.
        run: the folder of a fit of `vlae`.
        out: a .png file.
        row: whether the three pictures stand beside what was made of them, as the autoencoder sees them.
        preprocessing: what is done to each picture first.

    Raises:
        RunError: the words are others, or the file is of another kind or one of the pictures.
        PictureError: one of these cannot be read.
        ConfigError: the folder holds no fit of `vlae` that is done.
    """
    files = _files(words)
    if out.suffix.lower() != ".png":
        raise RunError(f"--out {out} must end in .png")
    if any(out.exists() and file.exists() and out.samefile(file) for file in files):
        raise RunError(f"--out {out} is one of the pictures, which would be written over: name another file")
    network = read_autoencoder(run)
    seen = [_seen(file, network.layout, preprocessing) for file in files]
    pictures = (torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in seen)
    pixels = as_pixels(blended(network, *pictures))[0]
    save_picture(out, contact_sheet(np.stack([*seen, pixels]), columns=4) if row else pixels)
    notes = preprocessing.advice(seen[0], np.full_like(seen[0], 255))
    what = "the three pictures, and what they make" if row else f"{pixels.shape[1]} x {pixels.shape[0]}"
    return "\n".join((f"{out}: {what}", *notes))


def _files(words: Sequence[str]) -> tuple[Path, Path, Path]:
    """A, B and C."""
    if len(words) != 5 or (words[1], words[3]) != ("-", "+"):
        raise RunError(
            f"{' '.join(words)!r} is no arithmetic on three pictures: write A.png - B.png + C.png, with a space on "
            "either side of each sign"
        )
    return Path(words[0]), Path(words[2]), Path(words[4])


def _seen(file: Path, layout: Layout, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The picture as the autoencoder sees it, uint8 [side, side, C]: of a photo the middle, a drawing as a whole."""
    picture = open_picture(file, layout.channels == 3, background=preprocessing.background, longest=LONGEST)
    if layout.channels == 3 and not preprocessing.crop:
        picture = ImageOps.fit(picture, (min(picture.size),) * 2)
    return resized(preprocessing.apply(picture), layout.side, Image.Resampling.BILINEAR)
