"""Pictures of which it is known what each pixel shows: as they are drawn, made, and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from actors import scene_making
from actors.scene_making import make_views
from cluster.cli import app
from envs.scene_objects import SHAPES
from envs.scene_views import CLASSES, draw_views
from spiral.data import DatasetCorrupt, DatasetError, DatasetMissing, aerials, catalogue, find, load, prepare
from spiral.data.aerials import Aerials
from spiral.data.arrays import write_arrays
from spiral.data.scene_views import SceneViews, read, write
from spiral.data.segmented import Segmented, nearest
from spiral.data.segmented_sets import find_segmented

NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def views() -> Segmented:
    return Segmented(*draw_views((5, 0, 0), 20, 64))


def test_the_classes_of_the_views_are_those_that_the_renderer_marks() -> None:
    assert tuple(SceneViews.classes) == CLASSES == ("ground", "platform", *SHAPES)
    for classes in (SceneViews.classes, Aerials.classes):
        colors = np.array(list(classes.values()), float)
        apart = np.linalg.norm(colors[:, None] - colors[None], axis=2) + 1000 * np.eye(len(colors))
        assert apart.min() > 60, "they can be told apart in a drawing with noise"


def test_views_show_every_class_where_it_is_marked(views: Segmented) -> None:
    """The endless ground has one colour in a view, and the colours of things are no others' around them."""
    assert set(np.unique(views.classes)) == set(range(len(CLASSES)))
    for image, classes in zip(views.images.astype(int), views.classes, strict=True):
        for kind in range(len(CLASSES)):
            assert (classes == kind).mean() < 0.95
        ground = image[classes == 0]
        if len(ground) > 20:
            assert ground.std(axis=0).max() < 3, "and nothing of it is marked as another"


def test_light_floor_and_camera_differ_from_view_to_view(views: Segmented) -> None:
    floors = np.array([image[classes == 1].mean(0) for image, classes in zip(views.images, views.classes, strict=True)])
    assert floors.std(axis=0).min() > 15
    shares = (views.classes == 0).mean((1, 2))
    assert shares.std() > 0.05


def test_views_are_decided_by_the_seed_and_not_by_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_making, "CHUNK", 3)
    made = make_views("test", 5, seed=1, processes=1, progress=lambda _: None)
    expected = [draw_views((1, 1, 0), 3, 64), draw_views((1, 1, 1), 2, 64)]
    np.testing.assert_array_equal(made.images, np.concatenate([images for images, _ in expected]))
    np.testing.assert_array_equal(made.classes, np.concatenate([classes for _, classes in expected]))


def test_views_are_made_by_one_command_and_used_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="run `spiral data make scene-views`"):
        find_segmented("scene-views").read_segmented("train", 2, 32)
    command = ["data", "make", "scene-views", "--train", "6", "--held-out", "4", "--processes", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0 and "6 pictures to train on and 4 held out" in result.output, result.output
    assert prepare("scene-views") == tmp_path / "scene-views"
    assert [entry.ready for entry in catalogue() if entry.name == "scene-views"] == [True]
    assert load("scene-views", "test", 32, color=True).shape == (4, 32, 32, 3)
    found = find_segmented("scene-views").read_segmented("train", 5, 32)
    assert (found.images.shape, found.classes.shape) == ((5, 32, 32, 3), (5, 32, 32))
    whole = read(tmp_path / "scene-views", "train")
    np.testing.assert_array_equal(found.classes, whole.classes[:5, 1::2, 1::2])


@pytest.mark.parametrize("damage", ["other", "a class that is none", "cut off"])
def test_a_damaged_file_is_refused_and_stays(damage: str, views: Segmented, tmp_path: Path) -> None:
    file = write(tmp_path, "train", views)
    if damage == "cut off":
        file.write_bytes(file.read_bytes()[:2000])
    else:
        classes = views.classes[:, :32] if damage == "other" else views.classes + np.uint8(1)
        write_arrays(file, images=views.images, classes=classes)
    before = file.read_bytes()
    for use in (lambda: read(tmp_path, "train"), lambda: write(tmp_path, "train", views)):
        with pytest.raises(DatasetCorrupt, match="move it away and run `spiral data make"):
            use()
    assert file.read_bytes() == before


def test_aerials_are_decided_by_seed_split_and_number() -> None:
    many, some = Aerials(NOWHERE).read_segmented("train", 6, 32), Aerials(NOWHERE).read_segmented("train", 3, 32)
    np.testing.assert_array_equal(many.images[:3], some.images)
    np.testing.assert_array_equal(many.classes[:3], some.classes)
    for other in (Aerials(NOWHERE, seed=1), Aerials(NOWHERE)):
        another = other.read_segmented("train" if other.seed else "test", 6, 32)
        assert (another.classes != many.classes).any(axis=(1, 2)).all()
    assert not NOWHERE.exists() and find("aerials", NOWHERE).missing() == ""


def test_a_town_is_the_same_at_any_size() -> None:
    small, large = (Aerials(NOWHERE).read_segmented("train", 4, side) for side in (32, 96))
    assert (nearest(large.classes, 32) == small.classes).mean() > 0.85


def test_aerials_look_as_their_maps_say() -> None:
    found = Aerials(NOWHERE).read_segmented("train", 40, 32)
    shares = np.bincount(found.classes.ravel(), minlength=5) / found.classes.size
    assert len(shares) == 5 and shares.min() > 0.02 and shares.max() < 0.6
    image = found.images.astype(float)
    colors = {name: image[found.classes == kind].mean(0) for kind, name in enumerate(Aerials.classes)}
    assert colors["park"].argmax() == 1 and colors["water"].argmax() == 2, "green, and blue"
    assert np.ptp(colors["road"]) < 15, "grey"
    roofs = [image[n][found.classes[n] == 2] for n in range(40)]
    assert np.std([roof.mean() for roof in roofs]) > 10, "of which a map says nothing"


def test_agents_can_copy_aerials_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aerials, "COUNTS", {"train": 3, "test": 2})
    assert load("aerials", "test", 32, color=True, root=NOWHERE).shape == (2, 32, 32, 3)
    assert load("aerials", "train", 32, root=NOWHERE).shape == (3, 32, 32, 1)
    assert prepare("aerials", root=NOWHERE) == NOWHERE / "aerials"


def test_a_set_of_which_nothing_is_marked_is_refused_by_name() -> None:
    with pytest.raises(DatasetError, match="nobody has marked what the pixels of mnist show: give scene-views or aer"):
        find_segmented("mnist")


def test_classes_are_taken_from_the_middles() -> None:
    classes = np.arange(36, dtype=np.uint8).reshape(1, 6, 6)
    np.testing.assert_array_equal(nearest(classes, 6), classes)
    np.testing.assert_array_equal(nearest(classes, 2)[0], [[7, 10], [25, 28]])
    assert nearest(classes, 12).shape == (1, 12, 12)
