"""What is written takes the place of what is ours, and of nothing that is a person's."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from spiral.files import OutputError, folder_written_whole, parsed_json, written_whole


def write(path: Path, text: str = "new") -> None:
    with written_whole(path) as unfinished:
        unfinished.write_text(text)


@pytest.mark.parametrize("content", [[], ["a person's"]], ids=["empty", "full"])
def test_a_folder_is_never_replaced_by_a_file(tmp_path, content):
    victim = tmp_path / "victim.png"
    victim.mkdir()
    for name in content:
        (victim / name).write_text("kept")
    with pytest.raises(OutputError, match="is a folder"):
        write(victim)
    assert sorted(path.name for path in victim.iterdir()) == content and os.listdir(tmp_path) == ["victim.png"]


def test_a_link_stays_and_the_file_that_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    (tmp_path / "to a folder").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("to a folder", "nowhere", "loop"):
        with pytest.raises(OutputError):
            write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["link", "loop", "nowhere", "real", "to a folder"]


def test_a_device_and_a_pipe_are_written_into(tmp_path):
    (tmp_path / "null").symlink_to("/dev/null")
    write(tmp_path / "null")
    assert Path("/dev/null").is_char_device()
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write(tmp_path / "pipe", "through it")
    reader.join()
    assert read == ["through it"] and (tmp_path / "pipe").is_fifo()


def test_rights_stay_and_names_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write(path, "old")
    path.chmod(0o640)
    write(path)
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o640
    write(tmp_path / "not" / "there" / "yet")


def test_an_error_leaves_everything_as_it_was(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(ZeroDivisionError), written_whole(tmp_path / "file") as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_folder_takes_the_place_of_what_is_ours_and_keeps_what_is_not(tmp_path):
    place = tmp_path / "ours"
    with folder_written_whole(place) as unfinished:
        (unfinished / "a.ours").write_text("first")
        (unfinished / "b.ours").write_text("first")
    (place / "notes.txt").write_text("a person's")
    with pytest.raises(OutputError, match="not empty"), folder_written_whole(place) as unfinished:
        (unfinished / "a.ours").write_text("refused")
    with folder_written_whole(place, lambda name: name.endswith(".ours")) as unfinished:
        (unfinished / "a.ours").write_text("second")
    assert {path.name: path.read_text() for path in place.iterdir()} == {"a.ours": "second", "notes.txt": "a person's"}
    assert os.listdir(tmp_path) == ["ours"]


def test_what_came_into_a_folder_meanwhile_stays(tmp_path):
    with pytest.raises(OutputError), folder_written_whole(tmp_path / "f") as unfinished:
        (unfinished / "ours").write_text("new")
        (tmp_path / "f").mkdir()
        (tmp_path / "f" / "theirs").write_text("kept")
    assert os.listdir(tmp_path / "f") == ["theirs"]


@pytest.mark.parametrize("text", ['{"name": "\\ud800"}', '["\\uDFFF x"]', '{"\\ud83d": 1}'])
def test_half_a_character_is_refused_where_it_is_read(text):
    with pytest.raises(ValueError, match="half of a character"):
        parsed_json(text)


def test_a_whole_character_of_two_halves_is_read():
    assert parsed_json('["\\ud83d\\ude00", "\\\\ud"]') == ["\U0001f600", "\\ud"]
