"""Finding brushes, and refusing files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envs.pymypaint import (
    BrushFormatError,
    BrushNotFoundError,
    Canvases,
    find_brush,
    fingerprint,
    list_brushes,
)
from envs.pymypaint.brushes import load_brush, parse_brush


def test_installed_brushes_are_found_by_the_names_that_are_listed() -> None:
    names = list_brushes()
    assert {"classic/dry_brush", "classic/pen"} <= set(names)
    assert [find_brush(name).relative_to(find_brush(name).parents[1]).as_posix() for name in names[:5]] == [
        f"{name}.myb" for name in names[:5]
    ]


def test_a_brush_is_found_by_path(write_brush: Any) -> None:
    path = write_brush()
    assert find_brush(path) == path and find_brush(str(path)) == path and find_brush(path.with_suffix("")) == path


def test_an_own_folder_comes_first(write_brush: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_brush()
    own = path.parent / "classic" / "pen.myb"
    own.parent.mkdir()
    path.rename(own)
    monkeypatch.setenv("MYPAINT_BRUSHES", str(path.parent))
    assert find_brush("classic/pen") == own and find_brush("classic/dry_brush").is_file()


@pytest.mark.parametrize("name", ["classic/none", "", "a" * 5000, "nul\0", "..", "/", "/etc/passwd", b"x", 3, None])
def test_a_brush_that_is_not_there_is_named(name: Any) -> None:
    with pytest.raises(BrushNotFoundError, match="brush"):
        Canvases(1, 8, 8, name)


def test_the_error_says_where_it_looked_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYPAINT_BRUSHES", str(tmp_path))
    with pytest.raises(BrushNotFoundError, match="list_brushes.*mypaint-brushes.*MYPAINT_BRUSHES") as caught:
        find_brush("classic/none")
    assert str(tmp_path) in str(caught.value)


def setting(base_value: Any = 0.5, inputs: Any = None) -> dict[str, Any]:
    return {
        "version": 3,
        "settings": {"opaque": {"base_value": base_value, "inputs": {} if inputs is None else inputs}},
    }


BROKEN = {
    "no JSON": b"not a brush",
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
    "cut off": json.dumps(setting()).encode()[:-3],
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a number": b"3",
    "no version": json.dumps({"settings": {}}).encode(),
    "old version": json.dumps({"version": 2, "settings": {}}).encode(),
    "no settings": json.dumps({"version": 3}).encode(),
    "settings of a wrong kind": json.dumps({"version": 3, "settings": [1]}).encode(),
    "a setting of a wrong kind": json.dumps({"version": 3, "settings": {"opaque": 1}}).encode(),
    "no inputs": json.dumps({"version": 3, "settings": {"opaque": {"base_value": 1}}}).encode(),
    "no base value": json.dumps({"version": 3, "settings": {"opaque": {"inputs": {}}}}).encode(),
    "not a number": json.dumps(setting(float("nan"))).encode(),
    "infinite": json.dumps(setting(float("-inf"))).encode(),
    "huge": json.dumps(setting(10**400)).encode(),
    "text for a number": json.dumps(setting("1")).encode(),
    "truth for a number": json.dumps(setting(True)).encode(),
    "one point": json.dumps(setting(inputs={"pressure": [[0, 1]]})).encode(),
    "many points": json.dumps(setting(inputs={"pressure": [[i, 1] for i in range(65)]})).encode(),
    "backwards": json.dumps(setting(inputs={"pressure": [[1, 1], [0, 1]]})).encode(),
    "points of three": json.dumps(setting(inputs={"pressure": [[1, 1, 1], [2, 1, 1]]})).encode(),
    "points of text": json.dumps(setting(inputs={"pressure": ["ab", "cd"]})).encode(),
    "no points": json.dumps(setting(inputs={"pressure": None})).encode(),
    "too long": b" " * (1 << 20) + b"{}",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.myb"
    path.write_bytes(content)
    with pytest.raises(BrushFormatError, match="broken.myb"):
        load_brush(path)


def test_settings_and_inputs_of_other_versions_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "newer.myb"
    document = setting(inputs={"invented": [[0, 0], [1, 1]]})
    document["settings"]["invented"] = "anything"
    path.write_text(json.dumps(document))
    assert load_brush(path) is not None


def as_bytes(settings: dict[str, Any], **layout: Any) -> bytes:
    return json.dumps({"version": 3, "settings": settings, **layout.pop("more", {})}, **layout).encode()


def fingerprint_of(content: bytes) -> str:
    return parse_brush(content, "here").fingerprint


INK = {
    "opaque": {"base_value": 0.5, "inputs": {"pressure": [[0.0, 0.0], [1.0, 0.25]], "random": []}},
    "hardness": {"base_value": 0.75, "inputs": {}},
}


def test_a_fingerprint_is_of_what_decides_pixels_alone() -> None:
    same = [
        as_bytes(INK, indent=4),
        as_bytes(dict(reversed(INK.items()))),
        as_bytes(INK, more={"comment": "mine", "group": "x", "parent_brush_name": "y"}),
        as_bytes({**INK, "radius_logarithmic": {"base_value": 2.0, "inputs": {}}}),  # libmypaint's default
        as_bytes({**INK, "invented": {"base_value": 1, "inputs": {}}}),
        as_bytes({**INK, "eraser": {"base_value": -0.0, "inputs": {"pressure": []}}}),
        as_bytes({**INK, "hardness": {"base_value": 0.75 + 1e-12, "inputs": {}}}),  # the engine has 32 bits
    ]
    assert {fingerprint_of(content) for content in same} == {fingerprint_of(as_bytes(INK))}


@pytest.mark.parametrize(
    "change",
    [
        {"hardness": {"base_value": 0.76, "inputs": {}}},
        {"hardness": {"base_value": 0.75, "inputs": {"pressure": [[0, 0], [1, 0.25]]}}},
        {"opaque": {"base_value": 0.5, "inputs": {"pressure": [[0.0, 0.0], [1.0, 0.26]]}}},
        {"opaque": {"base_value": 0.5, "inputs": {"random": [[0.0, 0.0], [1.0, 0.25]]}}},
        {"opaque": {"base_value": 0.5, "inputs": {}}},
        {"eraser": {"base_value": 0.1, "inputs": {}}},
    ],
)
def test_a_fingerprint_is_another_one_where_a_number_is(change: dict[str, Any]) -> None:
    assert fingerprint_of(as_bytes({**INK, **change})) != fingerprint_of(as_bytes(INK))


def test_canvases_tell_the_fingerprint_of_their_brush(write_brush: Any) -> None:
    path = write_brush(opaque=0.5)
    canvases = Canvases(1, 8, 8, path)
    path.unlink()
    assert canvases.brush_fingerprint != fingerprint(write_brush())
    assert canvases.brush_fingerprint == fingerprint(write_brush(opaque=0.5))
