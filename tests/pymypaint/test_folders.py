"""Which file a brush's name means: the same one wherever the same folders are, and never one that lies about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from envs.pymypaint import BrushNotFoundError, brush_folders, find_brush, fingerprint, list_brushes

Brush = Callable[[str], Path]


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that comes before those of the system, and a current folder that is elsewhere."""
    for name in ("share", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "none"))
    monkeypatch.delenv("MYPAINT_BRUSHES", raising=False)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "share"


@pytest.fixture
def brush(tmp_path: Path) -> Brush:
    """Writes a brush to the place that is named."""

    def write(place: str) -> Path:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"version": 3, "settings": {}}))
        return path

    return write


def test_the_newest_set_comes_first_by_its_number_and_not_by_its_letters(share: Path, brush: Brush) -> None:
    versions = ["1.0", "1.2.1", "10.0", "2.0", "2.0.1", "backup", "9"]
    paths = {version: brush(f"share/mypaint-data/{version}/brushes/my/pen.myb") for version in versions}
    old = brush("share/mypaint/brushes/my/pen.myb")
    order = ["10.0", "9", "2.0.1", "2.0", "1.2.1", "1.0", "backup"]
    expected = [paths[version].parents[1] for version in order] + [old.parents[1]]
    assert brush_folders()[: len(expected)] == expected
    for path in [*(paths[version] for version in order), old]:
        assert find_brush("my/pen") == path
        assert list_brushes().count("my/pen") == 1
        path.unlink()


def test_own_folders_come_before_all_sets_and_in_the_order_in_which_they_are_named(
    share: Path, brush: Brush, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brush("share/mypaint-data/2.0/brushes/my/pen.myb")
    first, second = brush("b/my/pen.myb"), brush("a/my/pen.myb")
    monkeypatch.setenv("MYPAINT_BRUSHES", f"{tmp_path / 'b'}:{tmp_path / 'a'}")
    assert find_brush("my/pen") == first
    first.unlink()
    assert find_brush("my/pen") == second


def test_a_name_never_means_a_file_in_the_current_folder(share: Path, brush: Brush) -> None:
    brush("here/my/pen.myb")
    with pytest.raises(BrushNotFoundError, match=r"the file in the current folder is './my/pen.myb'"):
        find_brush("my/pen")
    installed = brush("share/mypaint-data/2.0/brushes/my/pen.myb")
    assert find_brush("my/pen") == find_brush("my/pen.myb") == installed
    assert "my/pen" in list_brushes()


def test_no_folder_depends_on_the_current_one_unless_it_is_named(
    share: Path, brush: Brush, monkeypatch: pytest.MonkeyPatch
) -> None:
    brush("here/mypaint-data/99.0/brushes/my/pen.myb")
    monkeypatch.setenv("XDG_DATA_DIRS", ":.:")
    monkeypatch.setenv("XDG_DATA_HOME", ".")
    with pytest.raises(BrushNotFoundError):
        find_brush("my/pen")
    monkeypatch.setenv("MYPAINT_BRUSHES", "mypaint-data/99.0/brushes")
    assert find_brush("my/pen").is_file()


def test_what_is_clearly_a_path_is_one_with_or_without_its_ending(share: Path, brush: Brush, tmp_path: Path) -> None:
    installed = brush("share/mypaint-data/2.0/brushes/my/pen.myb")
    own = brush("here/my/pen.myb")
    for place in ("./my/pen", "./my/pen.myb", "../here/my/pen", Path("my/pen"), Path("my/pen.myb"), own, str(own)):
        assert find_brush(place).resolve() == own, place
    mine = brush("here/mine.myb")
    assert find_brush("mine.myb").resolve() == mine
    assert find_brush("my/pen.myb") == installed


@pytest.mark.parametrize("name", ["../pen", "my/../../pen", "my/../my/pen", "..", "../../etc/passwd", "my", "mine"])
def test_no_name_leads_out_of_a_folder(share: Path, brush: Brush, name: str) -> None:
    brush("share/mypaint-data/2.0/brushes/my/pen.myb")
    brush("share/mypaint-data/2.0/pen.myb")
    brush("share/mypaint-data/2.0/brushes/mine.myb/not_a_brush.myb")
    with pytest.raises(BrushNotFoundError, match="was not found"):
        find_brush(name)


def test_a_name_in_other_letters_is_told_the_right_one(share: Path, brush: Brush) -> None:
    brush("share/mypaint-data/2.0/brushes/my/pen.myb")
    if Path(share / "MYPAINT-DATA").exists():
        pytest.skip("this file system does not tell large letters from small ones")
    with pytest.raises(BrushNotFoundError, match="did you mean 'my/pen'"):
        find_brush("My/Pen")


def test_brushes_behind_links_are_listed_and_found_and_broken_links_are_neither(
    share: Path, brush: Brush, tmp_path: Path
) -> None:
    brush("elsewhere/pen.myb")
    mine = share / "mypaint-data/2.0/brushes"
    mine.mkdir(parents=True)
    (mine / "linked").symlink_to(tmp_path / "elsewhere")
    (mine / "one.myb").symlink_to(tmp_path / "elsewhere/pen.myb")
    (mine / "round").symlink_to(mine)
    (mine / "broken.myb").symlink_to(tmp_path / "gone.myb")
    (mine / "folder.myb").mkdir()
    names = list_brushes()
    assert {"linked/pen", "one"} <= set(names)
    assert not {"broken", "folder"} & set(names) and not [name for name in names if name.startswith("round")]
    assert all(find_brush(name).is_file() for name in names)


def test_every_brush_that_is_listed_is_one_that_the_rule_finds() -> None:
    names = list_brushes()
    assert names == sorted(set(names))
    assert all(len(fingerprint(find_brush(name))) == 12 for name in names)


@pytest.mark.parametrize("name", ["MYPAINT_BRUSHES", "XDG_DATA_HOME", "XDG_DATA_DIRS", "HOMEBREW_PREFIX"])
@pytest.mark.parametrize("value", ["/" + "a" * 300, "a/" * 3000, "/dev/null", "::", "~"])
def test_a_variable_that_names_no_folder_hides_no_other(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert all(folder.is_dir() for folder in brush_folders())
