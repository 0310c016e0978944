"""Paintings from coarse to fine: any picture that a person has, with a real brush."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from rich.console import Console

from cluster.studio.agents import FinishedAgent, load_agent
from cluster.studio.painting.colors import with_colors_under
from cluster.studio.painting.painter import Painter, Painting
from cluster.studio.painting.preview import UPPER_HALF, Preview, in_letters
from cluster.studio.painting.pyramid import SIDE, Level, shares, squares
from cluster.studio.sketch import on_page
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.strokes import StrokeTable
from spiral.begun import LEVELS
from spiral.config import RunConfig
from spiral.picture_error import mean_squared_error

from ..tiny import CONDITIONAL, tiny_config
from .conftest import only_error
from .untrained import untrained

pytestmark = pytest.mark.usefixtures("quick")
FILES = {"program.json", "painting.png", "painting.svg", "painting.gif", "comparison.png"}
SETTINGS = {
    "canvas_size": 16, "grid_size": 8, "brush": "deevad/brush", "brush_sizes": [1, 2, 4], "color": True,
}  # fmt: skip


def copying() -> RunConfig:
    return tiny_config(CONDITIONAL, {"environment": {"settings": SETTINGS}, "agent": {"level": True}})


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """An agent that knows nothing yet: what its strokes are good for, the easel finds out."""
    return untrained(copying(), tmp_path / "agent")


@pytest.fixture
def paint(spiral, agent: Path, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Paints the picture at a path with the fewest files' sizes."""
    return lambda picture, *words: spiral(
        "paint", picture, "--out", tmp_path / "out", "--agent", agent, "--size", 64, *words
    )


def scene(width: int, height: int) -> Image.Image:
    """A dark house on a field."""
    picture = Image.new("RGB", (width, height), (150, 190, 230))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * 3 // 4, width, height), (70, 120, 60))
    draw.rectangle((width // 3, height // 2, width * 2 // 3, height * 7 // 8), (200, 80, 60))
    return picture


# Plans.


@pytest.mark.parametrize("shape", [(512, 512), (512, 341), (70, 512), (512, 1), (1, 512)])
def test_the_squares_of_a_level_cover_the_page_and_stay_on_the_canvas(shape):
    width, height = shape
    for level in range(LEVELS):
        covered = np.zeros((SIDE, SIDE), int)
        for square in squares(shape, level):
            assert 0 <= square.left <= SIDE - square.side and 0 <= square.upper <= SIDE - square.side
            square.cut(covered[..., None])[:] += 1
        assert (covered[:height, :width] > 0).all()
        if level and min(shape) == SIDE:  # no border is the border of all squares that lie over it
            inner = covered[square.side // 2 : -square.side // 2, square.side // 2 : -square.side // 2]
            assert (inner == 4).all()


@pytest.mark.parametrize("strokes", [1, 2, 7, 100, 500, 12_345])
def test_each_level_has_twice_the_strokes_of_the_one_before(strokes):
    found = shares(strokes)
    assert sum(found) == strokes and found == sorted(found)
    assert all(abs(share - strokes * 2**level / 15) <= 1 for level, share in enumerate(found))


def test_strokes_go_where_the_error_is_and_then_elsewhere():
    level = Level((512, 512), 2)
    error = np.ones((512, 512))
    error[200:300, 400:500] = 2.0
    first = level.next(error)
    assert first is not None and first.cut(error[..., None].astype(np.uint8)).mean() > 1.5
    level.visited(first, 3)
    assert level.next(error) != first
    assert level.next(np.zeros((512, 512))) is None
    for _ in range(10):
        level.visited(first, 0)
    assert level.next(error) is None


# Paintings.


def painting_of(
    agent: FinishedAgent, picture: Image.Image, strokes: int, **changes: object
) -> tuple[Painter, Painting]:
    options: dict[str, Any] = {
        "brush": "deevad/brush",
        "colors": None,
        "seed": 0,
        "num_threads": 1,
        "follow": lambda *_: None,
    }
    painter = Painter(on_page(picture), agent, **{**options, **changes})
    return painter, painter.paint(strokes)


def test_every_stroke_brings_the_whole_nearer_and_the_program_is_the_canvas(agent):
    painter, painting = painting_of(load_agent(agent), scene(300, 200), 20)
    assert (np.diff(painting.errors) < 0).all() and len(painting.errors) == 21
    assert painting.errors[-1] < 0.7 * painting.errors[0]
    assert painting.level_ends[-1] == 20 and painting.level_ends == sorted(painting.level_ends)
    program = painting.program
    assert program.page == (512, 341) and len(program.actions) == 40
    shown = program.replay()
    np.testing.assert_array_equal(shown, painter._easel.page)
    target = np.asarray(on_page(scene(300, 200)))
    assert np.square((shown.astype(float) - target) / 255).mean() == pytest.approx(painting.errors[-1])


def test_every_second_stroke_has_the_colour_that_is_under_it():
    settings = PaintSettings(canvas_size=64, grid_size=32, brush_sizes=(4.0,))
    spec = settings.action_spec
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:, 32:] = (255, 0, 255)
    left, right = 10 * 32 + 4, 10 * 32 + 28  # cells
    stroke = [left, left, 1, 9, 7, 7, 7]
    commands = np.array(
        [stroke, stroke, [right, right, *stroke[2:]], [right, right, *stroke[2:]], [left, right, *stroke[2:]]]
    )
    commands = np.insert(commands, 4, commands[0], axis=0)
    begins = np.array([(8, 20), (8, 20), (56, 20), (56, 20), (8, 20), (8, 20)], np.float32)
    meant = StrokeTable(settings, 64).look_up(commands)
    changed = with_colors_under(commands, begins, meant, halves, spec)
    np.testing.assert_array_equal(changed[:, :4], commands[:, :4])
    np.testing.assert_array_equal(changed[::2], commands[::2])
    assert changed[1, 4:].tolist() == [0, 0, 0] and changed[3, 4:].tolist() == [19, 0, 19]
    assert 5 <= changed[5, 4] <= 14 and changed[5, 5] == 0  # from one half to the other


def test_a_palette_is_kept_to(agent):
    _, painting = painting_of(load_agent(agent), scene(64, 64), 8, colors=3)
    spec = painting.program.parsed_settings.action_spec
    strokes = painting.program.actions[1::2]
    colors = strokes[:, [spec.index(name) for name in ("red", "green", "blue")]]
    assert len(np.unique(colors, axis=0)) <= 3
    allowed = np.array([(150, 190, 230), (70, 120, 60), (200, 80, 60)]) / 255 * 19
    assert (np.abs(colors[:, None] - allowed).max(axis=-1).min(axis=-1) <= 1).all()


def test_all_files_show_one_painting_and_the_seed_repeats_them(paint, tmp_path):
    scene(300, 200).save(tmp_path / "scene.png")
    files = []
    for seed in (3, 3, 4):
        status, said, complaints = paint(tmp_path / "scene.png", "--strokes", 6, "--seed", seed)
        assert status == 0 and not complaints and "6 strokes; error 0." in said
        assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
        files.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert files[0] == files[1] and files[0]["program.json"] != files[2]["program.json"]
    program = Program.load(tmp_path / "out" / "program.json")
    painted = np.asarray(Image.open(tmp_path / "out" / "painting.png"))
    np.testing.assert_array_equal(painted, program.render(64))
    assert painted.shape == (43, 64, 3)
    assert (tmp_path / "out" / "painting.svg").read_text().count("<path") == 6
    with Image.open(tmp_path / "out" / "painting.gif") as film:
        assert getattr(film, "n_frames", 1) == 7 and film.size == (320, 213)


def test_the_shipped_agent_copies_better_than_one_that_was_never_trained(tmp_path):
    shipped = load_agent(goal="paint")
    novice = load_agent(untrained(shipped.config, tmp_path / "novice"))
    pictures = np.repeat(np.asarray(scene(64, 64))[None], 8, axis=0)
    left = [mean_squared_error(each.copy(pictures).renders, pictures) for each in (shipped, novice)]
    assert left[0] < 0.6 * left[1]
    _, painting = painting_of(shipped, scene(300, 200), 4)
    assert painting.errors[-1] < 0.5 * painting.errors[0]


# What a person has.


def turned_photo(path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # the camera was held upright
    scene(400, 300).save(path, "JPEG", exif=exif)


def panorama(path: Path) -> None:
    scene(4000, 40).save(path, "WEBP")


def scan(path: Path) -> None:
    page = np.full((500, 360), 52000, np.uint16)
    page[100:400, 80:280] = 12000
    Image.fromarray(page).save(path, "TIFF")


def black(path: Path) -> None:
    Image.new("RGB", (3, 2)).save(path, "PNG")


@pytest.mark.parametrize(
    "make, ending, page",
    [
        (turned_photo, "jpg", (384, 512)),
        (panorama, "webp", (512, 5)),
        (scan, "tif", (369, 512)),
        (black, "png", (512, 341)),
    ],
)
def test_whatever_a_person_has_is_painted_in_its_own_ratio(make, ending, page, paint, tmp_path):
    make(tmp_path / f"picture.{ending}")
    status, said, complaints = paint(tmp_path / f"picture.{ending}", "--strokes", 4)
    assert status == 0 and not complaints and "4 strokes" in said
    assert Program.load(tmp_path / "out" / "program.json").page == page


def test_what_is_transparent_or_white_needs_no_stroke(paint, tmp_path):
    Image.new("RGBA", (1, 1), (200, 0, 0, 0)).save(tmp_path / "nothing.png")
    status, said, _ = paint(tmp_path / "nothing.png", "--strokes", 4)
    assert status == 0 and "no stroke comes nearer" in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert (np.asarray(Image.open(tmp_path / "out" / "painting.png")) == 255).all()


def test_mistakes_are_one_line_and_write_nothing(paint, spiral, tmp_path):
    scene(60, 40).save(tmp_path / "painting.png")
    (tmp_path / "text.png").write_text("no picture")
    for words, why in (
        (("none.png",), "none.png"),
        (("text.png",), "cannot be read as a picture"),
        (("painting.png", "--brush", "classic/none"), "classic/none"),
        (("painting.png", "--palette", 0), "palette is 0; give 1 to 256 colours"),
        (("painting.png", "--agent", tmp_path / "nowhere"), "nowhere"),
        (("painting.png", "--agent", untrained(tiny_config(), tmp_path / "grey")), "does not copy pictures in colour"),
    ):
        status, said, complaint = paint(tmp_path / words[0], *words[1:])
        assert status == 2 and not said and why in only_error(complaint)
        assert not (tmp_path / "out").exists()
    status, _, complaint = spiral("paint", tmp_path / "painting.png", "--out", tmp_path)
    assert status == 2 and "would be written over" in only_error(complaint)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"canvas_size": 24}, "has a canvas of 24 pixels"),
        ({"strokes": "splines"}, "draws splines: name one by --agent"),
    ],
)
def test_an_agent_whose_canvas_or_strokes_do_not_fit_is_refused(setting, message, tmp_path):
    odd = copying().with_changes({"environment.settings": {**SETTINGS, **setting}})
    with pytest.raises(Exception, match=message):
        painting_of(load_agent(untrained(odd, tmp_path / "odd")), scene(8, 8), 1)


@pytest.mark.parametrize("colors", ["truecolor", None])
def test_a_terminal_shows_how_far_it_is_and_with_colours_the_painting(colors):
    seen = StringIO()
    terminal = Console(file=seen, force_terminal=True, color_system=colors, width=80, height=60)
    with Preview(5, terminal) as preview:
        preview(np.asarray(scene(300, 200)), 3)
    assert "3/5" in seen.getvalue() and (UPPER_HALF in seen.getvalue()) == (colors is not None)


def test_nobody_watches_a_file():
    seen = StringIO()
    with Preview(5, Console(file=seen)) as preview:
        preview(np.asarray(scene(30, 20)), 3)
    assert seen.getvalue() == ""


def test_a_preview_has_a_letter_for_two_pixels():
    letters = in_letters(np.asarray(scene(300, 200)))
    lines = letters.plain.splitlines()
    assert len(lines) == 22 and {len(line) for line in lines} == {64}
