"""DeepWarp on photos: the layout of the Columbia gaze set, landmarks, and faces whose eyes are turned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spiral.data import DatasetCorrupt, DatasetMissing
from spiral.methods.deepwarp.columbia import Gaze, parsed, read_columbia, split
from spiral.methods.deepwarp.face import face_of, read_face, turn_face
from spiral.methods.deepwarp.landmarks import box_middle, eye_points, in_region, read_landmarks, region, with_pupil
from spiral.methods.deepwarp.model import HEIGHT, WIDTH, Warper
from spiral.methods.deepwarp.photos import PhotoPairs
from spiral.section import ConfigError
from tests.eye_photos import a_face, as_row, columbia, landmarks

# The Columbia gaze set.


def test_names_of_photos_say_who_looks_where() -> None:
    assert parsed("0001_2m_-15P_10V_-5H.jpg") == Gaze("0001", -15, 10, -5)
    assert parsed("0056_2m_0P_-10V_15H.JPG") == Gaze("0056", 0, -10, 15)
    for name in ("0001_2m_-15P_10V.jpg", "landmarks.csv", "x0001_2m_0P_0V_0H.jpg", "0001_2m_0P_0V_0H.png"):
        assert parsed(name) is None


def test_photos_become_sequences_of_eyes(tmp_path: Path) -> None:
    every = read_columbia(columbia(tmp_path), most_pose=0)
    assert [shots.subject for shots in every] == ["0001", "0001", "0002", "0002"], "both eyes of each"
    assert len(read_columbia(tmp_path, most_pose=30)) == 8
    first = every[0]
    assert first.gazes.tolist() == [[0, 0], [0, 10], [10, 0]]
    assert first.pictures.shape == (3, 3, HEIGHT + 48, WIDTH + 48) and first.points.shape == (3, 7, 2)
    corners = first.points[:, 1] - first.points[:, 0]
    torch.testing.assert_close(corners, torch.tensor(((float(WIDTH), 0.0),)).expand(3, 2), atol=1e-3, rtol=0)
    ahead, aside = first.points[0, 6], first.points[1, 6]
    assert aside[0] > ahead[0] + 1, "the pupil is where it looks"
    learned, held = split(every)
    assert {shots.subject for shots in learned}.isdisjoint(shots.subject for shots in held)
    assert learned and held


def test_pairs_of_photos_differ_by_the_angle_between_them(tmp_path: Path) -> None:
    every = read_columbia(columbia(tmp_path), most_pose=0)
    source = PhotoPairs(every, "vertical")
    assert source.bins == (5, 10)
    pairs = source.of_bin(10, 2, 1, torch.Generator().manual_seed(0))
    assert pairs.angles.tolist() == 3 * [[10, 0]] and pairs.eyes.shape == pairs.truth.shape == (3, 3, HEIGHT, WIDTH)
    wide = PhotoPairs(every, "vertical", margin=3).of_bin(10, 2, 1, torch.Generator().manual_seed(0))
    torch.testing.assert_close(wide.truth[..., 3:-3, 3:-3], pairs.truth, atol=0.02, rtol=0)
    assert len(PhotoPairs(every, "both").bins) == 3
    with pytest.raises(ConfigError, match="axis='vertical', but no two photos differ along it alone"):
        PhotoPairs([], "vertical")


def test_what_is_wrong_with_a_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="has no two photos of one person in one pose of at most 0 degrees"):
        read_columbia(tmp_path / "none", 0)
    folder = columbia(tmp_path / "one", ("0001",))
    with pytest.raises(DatasetMissing, match="all photos are of the person 0001: at least two are needed"):
        split(read_columbia(folder, 0))
    rows = (folder / "landmarks.csv").read_text().splitlines()
    (folder / "landmarks.csv").write_text("\n".join(rows[:2]) + "\n")
    with pytest.raises(DatasetMissing, match="has no row with the id '0001_2m_0P_0V_10H'"):
        read_columbia(folder, 0)
    (folder / "landmarks.csv").unlink()
    with pytest.raises(DatasetMissing, match="landmarks.csv is not there: give a table"):
        read_columbia(folder, 0)


# Landmarks and faces.


def test_landmarks_are_read_or_refused(tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("id,landmarks\n" + as_row("me", landmarks()) + "\n")
    assert torch.equal(read_landmarks(table)["me"], landmarks())
    points = landmarks()
    points[39] = points[36]
    short, infinite = as_row("me", landmarks()[:60]), as_row("me", landmarks() + torch.inf)
    for row in (short, infinite, as_row("me", points), "me,nothing", 'me,"1,2,3"', "me"):
        table.write_text(f"id,landmarks\n{row}\n")
        with pytest.raises(DatasetCorrupt, match="is no table of landmarks .*: give a table with the columns id"):
            read_landmarks(table)


def test_the_region_of_an_eye_is_as_wide_as_its_corners_are_apart() -> None:
    noise = torch.rand(3, 92, 102, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.avg_pool2d(noise, 13, 1)
    points = torch.tensor(((20.0, 30.0), (71.0, 30.0), (30.0, 25.0), (60.0, 25.0), (30.0, 35.0), (60.0, 35.0)))
    around = torch.tensor((45.0, 30.0))
    torch.testing.assert_close(region(picture, points, around), picture[:, 10:51, 20:71], atol=1e-4, rtol=0)
    wide = region(picture, points, around, margin=3)
    torch.testing.assert_close(wide, picture[:, 7:54, 17:74], atol=1e-4, rtol=0)
    pixels = (255 * picture).round().byte()
    torch.testing.assert_close(region(pixels, points, around), pixels[:, 10:51, 20:71] / 255, atol=1e-4, rtol=0)
    twice = picture.repeat_interleave(2, -1).repeat_interleave(2, -2)
    moved = 2 * points + 0.5
    torch.testing.assert_close(region(twice, moved, 2 * around + 0.5), picture[:, 10:51, 20:71], atol=0.02, rtol=0)
    corners = in_region(points, around, torch.tensor(1.0))
    assert corners[0].tolist() == [0, 20] and corners[1].tolist() == [51, 20]


def test_the_pupil_is_found_where_the_eye_is_darkest() -> None:
    picture = torch.full((3, 41, 51), 0.9)
    picture[:, 17:23, 29:35] = 0.05
    points = torch.tensor(((1.0, 20.0), (49.0, 20.0), (15.0, 10.0), (35.0, 10.0), (15.0, 30.0), (35.0, 30.0)))
    found = with_pupil(picture, points)
    assert torch.equal(found[:6], points)
    assert found[6].tolist() == pytest.approx([31.5, 19.5], abs=0.3)


def test_only_the_eyes_of_a_face_are_turned() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Warper("corrected").eval()
        with torch.no_grad():
            network.fine_flow.weight.add_(0.02)
    face = face_of(a_face(), landmarks())
    made = turn_face(network, face, torch.tensor(((0.0, 0.0), (20.0, 0.0))))
    assert made.shape == (2, 3, 100, 150)
    changed = (made[0] - face.picture).abs().amax(0) > 1e-3
    rows, columns = changed.nonzero().unbind(1)
    assert changed.any() and int(rows.min()) >= 30 and int(rows.max()) <= 75
    for points in face.eyes:
        x, y = (int(value) for value in box_middle(points))
        assert changed[y - 5 : y + 5, x - 10 : x + 10].float().mean() > 0.3
    assert not changed[:, 64:86].any(), "between the eyes"
    assert int(columns.min()) >= 15 and int(columns.max()) <= 135


def test_a_photo_and_its_landmarks_are_named_together(tmp_path: Path) -> None:
    a_face().save(tmp_path / "me.png")
    (tmp_path / "points.csv").write_text("id,landmarks\n" + as_row("me", landmarks()) + "\n")
    face = read_face(str(tmp_path / "me.png"), str(tmp_path / "points.csv"))
    assert face is not None and len(face.eyes) == 2
    torch.testing.assert_close(face.eyes[0][:6], eye_points(landmarks(), 36))
    with pytest.raises(ConfigError, match="name both, a photo and the table of its landmarks, or neither"):
        read_face(str(tmp_path / "me.png"), "")
    a_face().save(tmp_path / "you.png")
    with pytest.raises(ConfigError, match="has no row with the id 'you'"):
        read_face(str(tmp_path / "you.png"), str(tmp_path / "points.csv"))


def test_a_large_photo_is_made_smaller_with_its_landmarks() -> None:
    large = a_face().resize((900, 600))
    face = face_of(large, 6 * landmarks() + 2.5)
    assert face.picture.shape == (3, 200, 300)
    torch.testing.assert_close(face.eyes[1][:6], 2 * eye_points(landmarks(), 42) + 0.5)
