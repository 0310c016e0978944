"""Parsing and editing by the command: the files agree with each other, and every mistake is one line and status 2."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from actors.scene_evaluation import match, objects_of
from cluster.run.contact_sheet import GAP, LINE
from cluster.studio.parse import SHOWN
from cluster.studio.preprocessing import DRAWN_SHARE, Preprocessing, drawn_box, edge_color, resized
from cluster.studio.program_pictures import (
    STRIP,
    numbered_strip,
    painting_frames,
    save_animation,
    stroke_colors,
    strokes_picture,
)
from envs import PAINT_ID, SCENES_ID
from envs.edits import in_colors, moved, recolored, without
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.random_programs import smooth_programs
from envs.random_scenes import random_scenes
from envs.scene_settings import SceneSettings
from learners.checkpoint import DOCUMENT
from spiral.config import RunConfig
from spiral.data import load
from spiral.picture_error import mean_squared_error

from .conftest import only_error
from .untrained import untrained

PAINTED = {"program.json", "reconstruction.png", "painting.gif", "strokes.png", "program.svg"}
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def copier(tiny_copying: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained(tiny_copying, tmp_path_factory.mktemp("agents") / "copier")


@pytest.fixture(scope="module")
def inventor(tiny: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained(tiny, tmp_path_factory.mktemp("agents") / "inventor")


@pytest.fixture(scope="module")
def builder(tiny_copying: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings: dict[str, Any] = {"canvas_size": 16, "grid_size": 4, "episode_length": 3}
    config = tiny_copying.with_changes({"environment.id": SCENES_ID, "environment.settings": settings})
    return untrained(config, tmp_path_factory.mktemp("agents") / "builder")


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """A dark line on white, 40 wide and 20 high."""
    picture = Image.new("RGB", (40, 20), "white")
    ImageDraw.Draw(picture).line((5, 10, 35, 10), "black", 4)
    picture.save(tmp_path / "drawing.png")
    return tmp_path / "drawing.png"


def reconstruction(folder: Path) -> np.ndarray:
    """The right half of the pair of pictures, [size, size, 3]."""
    with Image.open(folder / "reconstruction.png") as pair:
        return np.asarray(pair)[GAP : GAP + SHOWN, 2 * GAP + SHOWN : 2 * GAP + 2 * SHOWN]


def gif(path: Path) -> list[np.ndarray]:
    frames = []
    with Image.open(path) as animation:
        for number in range(animation.n_frames):  # type: ignore[attr-defined]
            animation.seek(number)
            frames.append(np.asarray(animation.convert("RGB")))
    return frames


def test_all_files_show_one_program(spiral, copier, drawing, tmp_path):
    out = tmp_path / "deep" / "out"
    status, said, _ = spiral("parse", drawing, "--out", out, "--run", copier, "--samples", 5)
    assert status == 0 and all(name in said for name in PAINTED)
    assert {path.name for path in out.iterdir()} == PAINTED, "no temporary files are left"
    program = Program.load(out / "program.json")
    np.testing.assert_array_equal(reconstruction(out), np.repeat(program.render(SHOWN), 3, axis=-1))
    assert (out / "program.svg").read_text() == program.to_svg(SHOWN)
    frames = gif(out / "painting.gif")
    assert len(frames) == len(program.actions) + 1 == 4
    np.testing.assert_allclose(frames[-1][:SHOWN].astype(int), reconstruction(out), atol=2)
    target = resized(Preprocessing().apply(Image.open(drawing).convert("L")), 16, Image.Resampling.BILINEAR)
    assert f"error {mean_squared_error(program.replay(), target):.4f}, of an empty" in said


def test_the_seed_decides_every_file_and_more_samples_are_never_worse(spiral, copier, drawing, tmp_path):
    def parse(name: str, seed: int, samples: int) -> tuple[dict[str, bytes], float]:
        out = tmp_path / name
        words = ("--run", copier, "--seed", seed, "--samples", samples)
        status, said, _ = spiral("parse", drawing, "--out", out, *words)
        assert status == 0
        return {path.name: path.read_bytes() for path in out.iterdir()}, float(said.split()[1].rstrip(","))

    once, error = parse("once", 0, 20)
    assert parse("again", 0, 20) == (once, error)
    assert parse("other", 1, 20)[0]["program.json"] != once["program.json"]
    errors = [parse(f"one{seed}", seed, 1)[1] for seed in range(4)]
    assert error <= np.mean(errors)


def test_a_search_says_what_it_began_with_and_the_program_is_what_it_found(spiral, copier, drawing, tmp_path):
    words = ("--run", copier, "--samples", 4, "--search", 20)
    (status, said, _), (other, *_) = (spiral("parse", drawing, "--out", tmp_path / out, *words) for out in ("a", "b"))
    assert status == other == 0 and "; found by search from 0." in said and "the best of 4 paintings" in said
    one, again = (Program.load(tmp_path / out / "program.json") for out in ("a", "b"))
    assert one.to_json() == again.to_json(), "the same seed gives the same program"
    target = resized(Preprocessing().apply(Image.open(drawing).convert("L")), 16, Image.Resampling.BILINEAR)
    assert f"error {mean_squared_error(one.replay(), target):.4f}, of an empty canvas" in said


def test_the_shipped_agent_parses_a_digit_that_it_never_saw(spiral, tmp_path):
    digit = load("mnist5k", "test", 28)[0]
    Image.fromarray(digit[..., 0]).save(tmp_path / "digit.png")
    status, said, _ = spiral("parse", tmp_path / "digit.png", "--out", tmp_path / "out")
    words = said.split()
    assert status == 0 and "note" not in said and "best of 100" in said
    assert float(words[1].rstrip(",")) < 0.3 * float(words[6].rstrip(";"))


def test_the_shipped_agent_for_scenes_finds_the_objects_of_a_picture(spiral, tmp_path):
    spec = SceneSettings(episode_length=2).action_spec
    (actions,) = random_scenes(spec, 1, 2, np.random.default_rng(7), objects=(2, 2))
    scene = Program(SCENES_ID, {"episode_length": 2}, actions)
    Image.fromarray(scene.render(64)).save(tmp_path / "scene.png")
    status, _, _ = spiral(
        "parse", tmp_path / "scene.png", "--out", tmp_path / "out", "--goal", "scenes", "--samples", 20
    )
    copy = Program.load(tmp_path / "out" / "program.json")
    found, real = (objects_of(SceneSettings(episode_length=len(p.actions)), p.actions) for p in (copy, scene))
    assert status == 0 and len(found) == len(real) == 2
    assert sum(distance for *_, distance in match(found, real)) <= 2.0


def test_a_shipped_agent_that_invents_cannot_parse(spiral, drawing, tmp_path):
    status, _, said = spiral("parse", drawing, "--out", tmp_path / "out", "--goal", "invent")
    assert status == 2 and "--goal copy, characters or scenes" in said


def test_a_scene_has_its_objects_as_text_and_no_curves(spiral, builder, drawing, tmp_path):
    status, _, _ = spiral("parse", drawing, "--out", tmp_path / "out", "--run", builder, "--samples", 3)
    assert status == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"program.json", "reconstruction.png", "painting.gif", "objects.txt"}
    program = Program.load(tmp_path / "out" / "program.json")
    np.testing.assert_array_equal(reconstruction(tmp_path / "out"), program.render(SHOWN))
    added = int((program.actions[:, program.parsed_settings.action_spec.index("kind")] == 0).sum())
    lines = (tmp_path / "out" / "objects.txt").read_text().splitlines()
    assert len(lines) == added and all(" at row " in line for line in lines)
    assert len(gif(tmp_path / "out" / "painting.gif")) == 4


def test_a_light_drawing_on_a_dark_board_is_noticed(spiral, copier, tmp_path):
    Image.new("L", (8, 8), 60).save(tmp_path / "board.png")

    def said(*words: str) -> str:
        answer: str = spiral(
            "parse", tmp_path / "board.png", "--out", tmp_path, "--run", copier, "--samples", 2, *words
        )[1]
        return answer

    assert "note: the background of the picture is darker than the agent's canvas: try it with --invert" in said()
    assert "darker than the agent's canvas: try it with --contrast" in said("--invert")


def test_a_long_panorama_is_parsed_without_a_square_of_its_length(spiral, copier, tmp_path):
    Image.new("L", (20_000, 400), 255).save(tmp_path / "wide.png")
    words = ("--out", tmp_path / "out", "--run", copier, "--samples", 2)
    tracemalloc.start()
    status, _, _ = spiral("parse", tmp_path / "wide.png", *words)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status == 0 and peak < 20_000**2 / 2


def test_a_picture_is_padded_in_its_own_background():
    wide = Image.new("RGB", (30, 10), (200, 100, 50))
    wide.paste((0, 0, 0), (10, 3, 20, 7))
    square = np.asarray(Preprocessing().apply(wide))
    assert square.shape == (30, 30, 3)
    np.testing.assert_array_equal(square[10:20], np.asarray(wide))
    assert (square[:10] == (200, 100, 50)).all() and (square[20:] == (200, 100, 50)).all()
    assert edge_color(square).tolist() == [200, 100, 50]
    assert Preprocessing().apply(Image.new("L", (1, 1000), 7)).size == (1000, 1000)


def test_a_grey_board_becomes_white_paper():
    board = Image.new("L", (40, 40), 60)
    board.paste(220, (10, 10, 30, 30))
    paper = np.asarray(Preprocessing(invert=True, contrast=True).apply(board))
    assert (paper[0, 0], paper[20, 20]) == (255, 0)
    assert np.asarray(Preprocessing(invert=True).apply(board))[0, 0] == 195
    np.testing.assert_array_equal(np.asarray(Preprocessing().apply(board)), np.asarray(board))


def test_what_is_drawn_comes_to_the_middle_as_large_as_a_digit():
    page = Image.new("L", (300, 200), 200)
    page.paste(40, (20, 50, 60, 150))
    page.putpixel((250, 20), 150)  # a speck on the paper
    square = Preprocessing(crop=True).apply(page)
    assert square.size == (140, 140), "the drawing is 100 high"
    assert drawn_box(np.atleast_3d(np.asarray(square))) == (50, 20, 90, 120)
    assert edge_color(np.atleast_3d(np.asarray(square))).tolist() == [200], "also where the page ends"
    assert pytest.approx(DRAWN_SHARE) == 100 / 140
    inside = Image.new("RGB", (28, 28), "white")
    inside.paste((0, 0, 0), (9, 4, 19, 24))
    np.testing.assert_array_equal(np.asarray(Preprocessing(crop=True).apply(inside)), np.asarray(inside))


@pytest.mark.parametrize("grey", [255, 90])
def test_a_page_without_a_drawing_is_taken_whole(grey):
    page = Image.new("L", (30, 20), grey)
    assert Preprocessing(crop=True).apply(page).size == (30, 30)


def test_a_small_drawing_on_a_large_page_is_noticed():
    page, canvas = (np.full((size, size, 1), 255, np.uint8) for size in (100, 32))
    page[40:70, 40:60] = 0
    assert Preprocessing().advice(page, canvas) == [
        "note: what is drawn fills 30% of the picture's side: try it with --crop"
    ]
    assert Preprocessing(crop=True).advice(page, canvas) == []
    assert Preprocessing().advice(page, canvas.repeat(3, axis=2)) == [], "in colour, all of a picture counts"


def test_the_strokes_are_the_mean_of_paintings_in_colours():
    settings = {"canvas_size": 32, "color": False, "brush": "classic/pen", "brush_sizes": [1, 2], "episode_length": 6}
    spec = PaintSettings.from_keywords(settings).action_spec
    programs = [
        Program(PAINT_ID, settings, actions) for actions in smooth_programs(spec, 4, 6, np.random.default_rng(0))
    ]
    picture = strokes_picture(programs, 48, num_threads=2)
    one_by_one = [in_colors(program, stroke_colors(6)).render(48).astype(float) for program in programs]
    assert picture.shape == (48 + STRIP, 48, 3)
    np.testing.assert_allclose(picture[:48], np.mean(one_by_one, axis=0), atol=0.51)


def test_an_animation_has_a_frame_for_each_command_also_for_moves_of_the_pen(tmp_path):
    settings = {"canvas_size": 32, "color": False, "brush_sizes": [2], "episode_length": 4}
    program = Program(PAINT_ID, settings, np.array([[0, 5, 0, 0], [0, 900, 0, 0], [7, 100, 1, 9], [0, 5, 0, 0]]))
    frames = list(painting_frames(program, 64))
    save_animation(tmp_path / "a.gif", frames, len(frames))
    read = gif(tmp_path / "a.gif")
    assert len(read) == len(frames) == 5
    for shown, frame in zip(read, frames, strict=True):
        np.testing.assert_allclose(shown.astype(int), frame, atol=8)  # 256 colours at most


def test_the_strip_has_a_cell_for_each_command_however_many_there_are():
    strip = numbered_strip(400, stroke_colors(4), filled=3)
    colors = [strip[2, 100 * number + 5].tolist() for number in range(4)]
    expected = [[round(255 * part) for part in color] for color in stroke_colors(4)]
    assert colors == [*expected[:3], [LINE] * 3]
    assert numbered_strip(64, stroke_colors(300)).shape == (STRIP, 64, 3)


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    """A program of two bars, each after a move."""

    def cell(row: int, column: int) -> int:
        return 32 * row + column

    actions = [
        [0, cell(8, 8), 0, 0],
        [cell(8, 12), cell(8, 20), 1, 9],
        [0, cell(24, 8), 0, 0],
        [cell(24, 12), cell(24, 20), 1, 9],
    ]
    settings = {"color": False, "brush_sizes": [2], "brush": "classic/pen"}
    Program(PAINT_ID, settings, np.array(actions)).save(tmp_path / "bars.json")
    return tmp_path / "bars.json"


def test_edits_of_one_command_line_do_not_disturb_each_other(spiral, bars, tmp_path):
    out = tmp_path / "new.json"
    words = ("--remove", 0, "--remove", 1, "--move", "3=-2,4", "--recolor", "3=#ff0000", "--recolor", "1=blue")
    status, said, _ = spiral("edit", bars, "--out", out, *words)
    assert (status, said) == (0, f"{out}: 3 commands\n")
    expected = recolored(moved(without(without(Program.load(bars), 1), 0), 2, -2, 4), 2, (1, 0, 0))
    np.testing.assert_array_equal(Program.load(out).replay(), expected.replay())
    picture = Program.load(out).replay()
    assert (picture[:32] == 255).all() and (picture[44, 36] == (255, 0, 0)).all()
    assert spiral("render", out, "--size", 64, "--out", tmp_path / "new.png")[0] == 0


def damaged(checkpoint: Path, folder: Path, **changes: Any) -> Path:
    """The checkpoint with other entries in its document."""
    folder.mkdir()
    document = json.loads((checkpoint / DOCUMENT).read_text())
    (folder / DOCUMENT).write_text(json.dumps(document | changes))
    (folder / "agent.safetensors").write_bytes((checkpoint / "agent.safetensors").read_bytes())
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["parse", "{none}", "--out", "{out}"], "No such file"),
        (["parse", "{folder}", "--out", "{out}"], "Is a directory"),
        (["parse", "{empty}", "--out", "{out}"], "it is empty"),
        (["parse", "{text}", "--out", "{out}"], "neither PNG nor JPEG"),
        (["parse", "{huge}", "--out", "{out}"], "is too large ("),
        (["parse", "{drawing}", "--out", "{out}", "--run", "{none}"], "there is no folder"),
        (["parse", "{drawing}", "--out", "{out}", "--run", "{inventor}"], "looks at no picture"),
        (["parse", "{drawing}", "--out", "{out}", "--run", "{other}"], "but the environment has control (64)"),
        (["parse", "{drawing}", "--out", "{out}", "--run", "{torn}"], "run.json is damaged"),
        (["parse", "{drawing}", "--out", "{out}", "--run", "{mixed}"], "is none of its settings: "),
        (["parse", "{drawing}", "--out", "{text}"], "File exists"),
        (["parse", "{drawing}", "--out", "{text}/out"], "Not a directory"),
        (["edit", "{none}", "--out", "{out}.json", "--remove", "0"], "No such file"),
        (["edit", "{text}", "--out", "{out}.json", "--remove", "0"], "is not JSON"),
        (["edit", "{empty}", "--out", "{out}.json", "--remove", "0"], "is not JSON"),
        (["edit", "{foreign}", "--out", "{out}.json", "--remove", "0"], "environment is 'spiral/Sculpt-v0'"),
        (["render", "{foreign}", "--out", "{out}.png"], "environment is 'spiral/Sculpt-v0'"),
        (["edit", "{bars}", "--out", "{out}.json"], "nothing to change"),
        (["edit", "{bars}", "--out", "{out}.png", "--remove", "0"], "must end in .json"),
        (["edit", "{bars}", "--out", "{out}.json", "--remove", "4"], "no command 4"),
        (["edit", "{bars}", "--out", "{out}.json", "--move", "1"], "--move 1: give K=ROWS,COLUMNS"),
        (["edit", "{bars}", "--out", "{out}.json", "--move", "1=2"], "--move 1=2: give K=ROWS,COLUMNS"),
        (["edit", "{bars}", "--out", "{out}.json", "--move", "1=90,0"], "comes to row 98"),
        (["edit", "{bars}", "--out", "{out}.json", "--recolor", "1=reddish"], "--recolor 1=reddish: give K=COLOR"),
        (["edit", "{bars}", "--out", "{out}.json", "--recolor", "0=red"], "command 0 has no colour"),
    ],
    ids=lambda value: " ".join(value)[:70] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_status_2(spiral, copier, inventor, builder, drawing, bars, tmp_path, words, message):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "huge.ppm").write_bytes(b"P5 10000 9000 255\n")
    foreign = json.loads(bars.read_text()) | {"environment": "spiral/Sculpt-v0"}
    (tmp_path / "foreign.json").write_text(json.dumps(foreign))
    builders = json.loads((builder / DOCUMENT).read_text())
    mixed = {name: builders[name] for name in ("config", "action_spec", "canvas_shape")}
    places = {
        "none": tmp_path / "none",
        "folder": tmp_path,
        "empty": tmp_path / "empty.png",
        "text": tmp_path / "text.png",
        "huge": tmp_path / "huge.ppm",
        "drawing": drawing,
        "bars": bars,
        "foreign": tmp_path / "foreign.json",
        "inventor": inventor,
        "other": damaged(copier, tmp_path / "other", action_spec=builders["action_spec"]),
        "torn": damaged(copier, tmp_path / "torn", action_spec={"heads": 3}),
        "mixed": damaged(copier, tmp_path / "mixed", **mixed),
        "out": tmp_path / "out",
    }
    before = sorted(tmp_path.iterdir())
    status, _, err = spiral(*(word.format(**places) for word in words))
    assert status == 2
    line = only_error(err)
    assert line.startswith("spiral: ") and message in line
    assert sorted(tmp_path.iterdir()) == before, "nothing was written"
