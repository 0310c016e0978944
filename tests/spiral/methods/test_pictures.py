"""Pictures of experiments: what stands where, and that a file is there whole or as it was."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import pyplot
from PIL import Image, ImageSequence

import spiral.methods
from spiral.methods.pictures import GAP, as_pixels, save_animation, save_figure, save_rows, sheet


def flat(level: float, channels: int = 1, side: int = 4) -> torch.Tensor:
    return torch.full((1, channels, side, side), level)


@pytest.mark.parametrize(("black", "levels"), [(0.0, [0, 0.5, 1, 2]), (-1.0, [-1, 0, 1, 3])])
def test_levels_are_rounded_and_cut_off(black, levels):
    pictures = torch.tensor(levels).view(-1, 1, 1, 1)
    assert as_pixels(pictures, black).ravel().tolist() == [0, 128, 255, 255]
    every = torch.linspace(black, 1, 256).view(-1, 1, 1, 1)
    assert as_pixels(every, black).ravel().tolist() == list(range(256))


def test_rows_stand_below_each_other_with_gaps_and_grey_ones_beside_colours_are_grey():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    pixels = sheet([torch.cat((flat(0), flat(1))), torch.cat((red, flat(0.2, channels=3)))])
    assert pixels.shape == (2 * (4 + GAP), 2 * (4 + GAP), 3)
    down = 4 + GAP
    assert (pixels[:4, :4] == 0).all() and (pixels[:4, down : down + 4] == 255).all()
    assert (pixels[down : down + 4, :4] == [255, 0, 0]).all() and (pixels[down : down + 4, down : down + 4] == 51).all()
    assert (pixels[4:down] == 255).all() and (pixels[:, 4:down] == 255).all()


def test_small_pictures_are_enlarged_and_large_ones_are_not(tmp_path):
    for side, shown in ((20, 4 * (20 + GAP)), (64, 64 + GAP), (100, 100 + GAP)):
        save_rows([flat(0, side=side)], tmp_path / "rows.png")
        with Image.open(tmp_path / "rows.png") as picture:
            assert picture.size == (shown, shown)


def test_an_animation_goes_there_and_back_and_rests_at_both_ends(tmp_path):
    save_animation([[flat(level, side=64)] for level in (0, 0.5, 1)], tmp_path / "way.gif", frame_ms=100, rest_ms=400)
    with Image.open(tmp_path / "way.gif") as film:
        seen = [
            (round(float(np.asarray(frame.convert("L"))[0, 0]) / 127), frame.info["duration"])
            for frame in ImageSequence.Iterator(film)
        ]
    assert seen == [(0, 500), (1, 100), (2, 500), (1, 100)]


def test_a_figure_that_cannot_be_drawn_leaves_what_was_there(tmp_path):
    path = tmp_path / "figure.png"
    figure, axes = pyplot.subplots()
    save_figure(figure, path)
    before = path.read_bytes()
    assert not pyplot.fignum_exists(figure.number)
    figure, axes = pyplot.subplots()
    axes.set_title(r"$\frac{$")
    with pytest.raises(ValueError, match="frac"):
        save_figure(figure, path)
    pyplot.close(figure)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_every_method_writes_its_pictures_in_this_way():
    """Whoever writes into a file by himself leaves half of it behind when he is ended."""
    by_itself = re.compile(r"savefig\(|\.save\((path|folder)")
    files = [file for folder in spiral.methods.__path__ for file in Path(folder).rglob("*.py")]
    found = {file.name for file in files if by_itself.search(file.read_text(encoding="utf-8"))}
    assert len(files) > 50 and found == {"pictures.py"}
