"""What is seen from several sides: cameras that see as MuJoCo's do, detectors that err as they say, whole files."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from actors import views_making
from actors.views_making import CORNERS, draw_views, make_views
from cluster.cli import app
from envs import figure as figures
from envs.cameras import Camera, around, covered
from envs.figure import BONES, LINKS, NAMES, Figure
from spiral.data import DatasetCorrupt, DatasetMissing, catalogue, load
from spiral.data.arrays import path, write_arrays
from spiral.data.views import SEEN, TRUTH, ViewSet, read, write

KINDS = ("views-figure", "views-scenes")


@pytest.fixture(scope="module", params=KINDS)
def some(request) -> tuple[str, ViewSet]:
    return request.param, draw_views(request.param, (0, 0, 0), 12)


def seen_by_truth(views: ViewSet) -> np.ndarray:
    truth = views.truth
    there = np.einsum("nvij,nvkj->nvki", truth.rotations, truth.points[:, None] - truth.positions[:, :, None])
    return np.asarray(truth.focals[..., None, None] * there[..., :2] / there[..., 2:])


def pixels(places: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(((places + 1) * 32).astype(int), 0, 63))


def test_a_camera_sees_what_it_looks_at_in_the_middle_and_up_above():
    camera = Camera(90.0, -30.0, 4.0, (0.5, 0.25, 1.0), 60.0)
    points = np.array(((0.5, 0.25, 1.0), (0.5, 0.25, 1.1), (0.6, 0.25, 1.0), (0.5, 0.35, 1.0)))
    places, depths = camera.sees(points)
    np.testing.assert_allclose(places[0], 0, atol=1e-12)
    np.testing.assert_allclose(depths[0], 4)
    assert places[1, 1] < 0 and places[2, 0] > 0 and depths[3] > depths[0]
    np.testing.assert_allclose(places[2, 0], 0.1 / 4 / np.tan(np.radians(30)), rtol=1e-6)
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_cameras_stand_on_all_sides_and_see_the_whole():
    for camera in (made := around(4, (0, 0, 1), 1.0, (-30, 0), np.random.default_rng(0))):
        assert -30 <= camera.elevation <= 0
        assert np.abs(camera.sees(np.array(((0, 0, 0.2), (0, 0, 1.8))))[0]).max() < 1
    gaps = np.diff(sorted(camera.azimuth for camera in made))
    assert (gaps > 25).all()


def test_what_is_nearer_covers_what_is_behind_it():
    depths, places = np.array((4.0, 5.0, 5.0)), np.array(((0.0, 0.0), (0.01, 0.0), (0.5, 0.0)))
    assert covered(places, depths, 1.0, np.full(3, 0.1)).tolist() == [False, True, False]
    assert not covered(places, depths, 1.0, np.zeros(3)).any()


def test_bones_keep_their_lengths_alike_on_both_sides_and_turn():
    figure, rng = Figure(32), np.random.default_rng(0)
    try:
        poses = np.stack([figure.pose(rng) for _ in range(6)])
    finally:
        figure.close()
    lengths = np.stack([np.linalg.norm(poses[:, b] - poses[:, a], axis=1) for a, b in LINKS], axis=1)
    rest = np.array([np.linalg.norm(BONES[b].offset) for _, b in LINKS])
    assert np.abs(np.log(lengths / rest)).max() < 5 * figures.PROPORTIONS and lengths.std(axis=0).min() > 0
    names = [NAMES[b] for _, b in LINKS]
    for place, name in enumerate(names):
        if name.startswith("left"):
            other = names.index(name.replace("left", "right"))
            np.testing.assert_allclose(lengths[:, place], lengths[:, other])
    assert poses.std(axis=0)[NAMES.index("left wrist")].min() > 0.05


def test_points_are_where_the_picture_shows_them(some):
    """A joint lies on the figure, the middle of an object on something with a colour, a corner on the platform's."""
    kind, views = some
    x, y = np.moveaxis(pixels(seen_by_truth(views)[:, 0]), -1, 0)
    shown = views.images[np.arange(len(x))[:, None], y, x].max(axis=-1) > 0
    if kind == "views-figure":
        assert shown.mean() > 0.97
        assert (views.images.max(axis=-1) > 0).mean() < 0.3, "what is around it is black"
    else:
        assert shown[:, len(CORNERS) :].mean() > 0.9, "an object may be black"


def test_detections_are_near_but_for_those_that_were_confused(some):
    _, views = some
    off = np.linalg.norm(views.seen.means[..., 0, :] - seen_by_truth(views), axis=-1)
    deviations = views.seen.deviations[..., 0]
    right = off < 5 * deviations
    assert 0.75 < right.mean() < 0.99
    assert 0.8 < (off / deviations)[right].mean() / np.sqrt(np.pi / 2) < 1.2, "the mean of a Rayleigh distribution"
    np.testing.assert_allclose(views.seen.weights.sum(axis=-1), 1, atol=1e-5)
    assert (np.diff(views.seen.weights, axis=-1) <= 0).all(), "the likeliest first"


def test_positions_by_one_view_are_better_across_than_in_depth(some):
    _, views = some
    truth = views.truth
    centred = truth.points - truth.points.mean(axis=1, keepdims=True)
    there = np.einsum("nvij,nkj->nvki", truth.rotations, centred)
    there /= np.sqrt(np.square(there).sum(-1).mean(-1))[..., None, None]
    off = np.abs(views.seen.monocular - there).mean(axis=(0, 1, 2))
    assert off[2] > 1.2 * off[:2].max() and off.max() < 0.5


def test_the_seed_decides_and_the_number_of_processes_nothing(monkeypatch):
    monkeypatch.setattr(views_making, "CHUNK", 3)
    told: list[int] = []
    made = make_views("views-scenes", "test", 5, 7, 2, told.append)
    assert told == [3, 2] and len(made.images) == 5
    again = draw_views("views-scenes", (7, 1, 0), 3)
    np.testing.assert_array_equal(made.seen.means[:3], again.seen.means)
    np.testing.assert_array_equal(made.images[:3], again.images)
    assert (draw_views("views-scenes", (7, 0, 0), 3).images != again.images).any(), "another split"


def test_a_set_is_drawn_by_one_command_and_used_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="run `spiral data make views-figure"):
        load("views-figure", "train", 64, color=True)
    command = ["data", "make", "views-figure", "--train", "4", "--held-out", "3", "--processes", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "4 sights to train on and 3 held out" in result.output
    assert [entry.ready for entry in catalogue() if entry.name in KINDS] == [True, False]
    np.testing.assert_array_equal(
        load("views-figure", "test", 64, color=True), read(tmp_path / "views-figure", "test").images
    )
    assert load("views-figure", "train", 32).shape == (4, 32, 32, 1)


def test_what_was_written_is_read_again_and_what_is_damaged_is_not(some, tmp_path):
    _, views = some
    file = write(tmp_path, "train", views)
    again = read(tmp_path, "train")
    for names, kind in ((SEEN, "seen"), (TRUTH, "truth")):
        for name in names:
            np.testing.assert_array_equal(getattr(getattr(again, kind), name), getattr(getattr(views, kind), name))
    np.testing.assert_array_equal(again.links, views.links)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DatasetCorrupt, match="is damaged or no set of views"):
        read(tmp_path, "train")
    with pytest.raises(DatasetCorrupt):
        write(tmp_path, "train", views)


@pytest.mark.parametrize("broken", ["shape", "nan", "links", "type"])
def test_arrays_that_do_not_fit_together_are_refused(some, broken, tmp_path):
    _, views = some
    arrays = {name: getattr(views.seen, name) for name in SEEN} | {name: getattr(views.truth, name) for name in TRUTH}
    arrays |= {"images": views.images, "links": views.links}
    changed = {
        "shape": {"points": arrays["points"][:, 1:]},
        "nan": {"means": np.full_like(arrays["means"], np.nan)},
        "links": {"links": np.array(((0, 99),))},
        "type": {"images": arrays["images"].astype(np.int32)},
    }[broken]
    write_arrays(path(tmp_path, "test"), **(arrays | changed))
    with pytest.raises(DatasetCorrupt, match="are no views of one set"):
        read(tmp_path, "test")
