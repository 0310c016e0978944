"""Contact sheets and the display: what is shown is what there is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cluster.run.contact_sheet import GAP, LINE, contact_sheet, save_picture
from cluster.run.display import LiveDisplay, PlainDisplay, shown_figures
from cluster.run.plan import Counters


def test_every_picture_is_on_the_sheet_below_its_target():
    renders = np.stack([np.full((64, 64, 1), value, np.uint8) for value in (10, 20, 30)])
    sheet = contact_sheet(renders, 255 - renders, columns=2)
    side = 64 + GAP

    def seen(row_top: int, column: int) -> int:
        return int(sheet[row_top + 5, GAP + column * side + 5, 0])

    tops = [GAP, GAP + side, GAP + 2 * side + 2 * GAP, GAP + 3 * side + 2 * GAP]
    assert [seen(tops[0], c) for c in (0, 1)] == [245, 235]
    assert [seen(tops[1], c) for c in (0, 1)] == [10, 20]
    assert [seen(tops[2], c) for c in (0, 1)] == [225, LINE], "the last row is filled up with ground"
    assert seen(tops[3], 0) == 30


@pytest.mark.parametrize(("size", "channels", "zoom"), [(16, 1, 4), (32, 3, 2), (64, 3, 1), (200, 1, 1)])
def test_small_pictures_are_enlarged_in_whole_steps(size, channels, zoom):
    sheet = contact_sheet(np.zeros((3, size, size, channels), np.uint8), columns=3)
    side = size + GAP
    assert sheet.shape == (zoom * (GAP + side), zoom * (GAP + 3 * side), 3)


def test_a_picture_survives_the_disk(tmp_path):
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    save_picture(tmp_path / "color.png", picture)
    save_picture(tmp_path / "grey.png", picture[..., :1])
    with Image.open(tmp_path / "color.png") as color, Image.open(tmp_path / "grey.png") as grey:
        np.testing.assert_array_equal(np.asarray(color), picture)
        np.testing.assert_array_equal(np.asarray(grey), picture[..., 0])
    assert len(list(tmp_path.iterdir())) == 2, "no temporary files are left"


def test_plain_lines_come_at_intervals_and_say_what_is_known(capsys, monkeypatch):
    monkeypatch.setattr("cluster.run.display.PLAIN_INTERVAL_S", float("inf"))
    with PlainDisplay() as display:
        for share in (0.25, 0.5):
            display.update("learning", share, Counters(frames=1000, seconds=3), {"policy/return": 0.5, "odd": 1.0})
    lines = capsys.readouterr().out.splitlines()
    assert lines == [" 25% learning, 3 s, 1,000 frames, return 0.500"]


def test_a_terminal_shows_a_table_of_the_newest_figures():
    screen = io.StringIO()
    display = LiveDisplay(Console(file=screen, force_terminal=True, width=100))
    with display:
        display.update("cloning", 0.1, Counters(frames=2048, seconds=65), {"cloning/loss": 12.5, "policy/lag": 1.0})
        display.say("a line that stays")
    shown = screen.getvalue()
    for text in ("cloning, 10%", "1:05", "2,048", "12.500", "policy lag", "a line that stays"):
        assert text in shown


def test_the_scores_of_the_only_learned_reward_need_no_name():
    latest = {"reward/my_rewards:Judge/fake": -1.0, "reward/my_rewards:Judge/real": 2.0, "speed/frames_per_s": 1200.0}
    latest |= {"reward/my_rewards:Judge/steps_per_policy_step": 5.0, "reward/my_rewards:Judge/gap": 3.0}
    assert list(shown_figures(latest)) == [
        ("score of real", "2.00"),
        ("score of ours", "-1.00"),
        ("reward steps a policy step", "5.00"),
        ("frames/s", "1,200"),
    ]


def test_of_several_learned_rewards_each_is_named_before_its_scores(capsys):
    latest = {"reward/discriminator/real": 2.0, "reward/discriminator-2/real": 3.0, "policy/entropy": 1.0}
    latest |= {"reward/discriminator-2/steps_per_policy_step": 4.0}
    expected = [
        ("discriminator: score of real", "2.00"),
        ("discriminator-2: score of real", "3.00"),
        ("entropy", "1.00"),
        ("discriminator-2: reward steps a policy step", "4.00"),
    ]
    assert list(shown_figures(latest)) == expected
    with PlainDisplay() as display:
        display.update("warm-up", 0.5, Counters(frames=1000, seconds=3), latest)
    line = capsys.readouterr().out
    assert line.startswith(" 50% warm-up, 3 s, 1,000 frames, discriminator: score of real 2.00, discriminator-2: ")
