"""Things seen from several sides (`spiral.data.views`): figures with limbs, and scenes; and how a detector errs.

A detector is right but for some noise, more of it where something lies over a point; now and then, and more often
there, it takes a point for another (a left knee for the right one). It says so by a mixture of three Gaussians: where
it takes the point to be, the other place, and a wide one. What it makes of the depth is flatter than the truth, tipped,
and off by more than across the picture, along limbs in the same direction; and from all sides it takes one thing for
the same other one, which no mean over the views mends. All of it is drawn, from the seed.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from envs.cameras import Camera, Points, around, covered
from envs.figure import EXTENT, LINKS, MIDDLE, NAMES, RADII, Figure
from envs.random_scenes import random_scenes
from envs.renderer import CAMERA, FIELD_OF_VIEW
from envs.scene_objects import PLATFORM, SceneObject
from envs.scene_settings import SceneSettings
from envs.scenes import ScenesVector
from spiral.data.arrays import SPLITS
from spiral.data.pictures import Split
from spiral.data.views import Floats, Seen, Truth, ViewSet, joined

CHUNK = 250
SIZE = 64
VIEWS = 4
OBJECTS = 5
CORNERS = np.array(((-1, 1, 0), (1, 1, 0), (1, -1, 0), (-1, -1, 0))) * PLATFORM  # the far left one, and clockwise
MODES = np.array((0.75, 0.15, 0.1))  # what a place, another one and a wide one weigh
WIDE = 3.0  # times as wide
ERRS, ERRS_COVERED = 0.06, 0.25  # how often a point is taken for another
FLAT, TIPPED = 0.9, 0.15  # what becomes of depth, and by how much the whole leans about either axis of the picture


@dataclass(frozen=True)
class Detector:
    """How well a kind of thing is seen; lengths count in spreads of its points, roots of their mean squared distance.

    Attributes:
        noise: of a place in the picture; twice as much where something lies over a point.
        across, deep: of a position by one view alone, to the sides and in depth.
        alike: of positions from all sides, along each axis.
        confused: as which point each may be taken, int64 [K].
        moved_by: which errors of a position move which points, [K, K]; a hand moves with its arm.
    """

    noise: float
    across: float
    deep: float
    alike: float
    confused: NDArray[np.int64]
    moved_by: Points


def make_views(
    kind: str, split: Split, count: int, seed: int, processes: int, progress: Callable[[int], None]
) -> ViewSet:
    """Views of figures (`views-figure`) or of scenes (`views-scenes`).

    Args:
        kind: which of the two.
        split: another split has others.
        count: how many things.
        seed: decides everything.
        processes: how many draw at the same time.
        progress: told how many more are there, whenever some are.
    """
    chunks = [
        ((seed, SPLITS.index(split), number), min(CHUNK, count - start))
        for number, start in enumerate(range(0, count, CHUNK))
    ]
    made = []
    # A forked process would share the OpenGL of this one.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(partial(draw_views, kind), *zip(*chunks, strict=True)):
            made.append(part)
            progress(len(part.images))
    return joined(made)


def draw_views(kind: str, seed: tuple[int, ...], count: int) -> ViewSet:
    """So many of a kind."""
    return {"views-figure": draw_figures, "views-scenes": draw_scenes}[kind](np.random.default_rng(seed), count)


def draw_figures(rng: np.random.Generator, count: int) -> ViewSet:
    """Figures in random poses, from all sides, at the height of a standing camera or above."""
    figure = Figure(SIZE)
    images, points, cameras = [], [], []
    for _ in range(count):
        points.append(figure.pose(rng))
        cameras.append(around(VIEWS, MIDDLE, EXTENT, (-35, 10), rng))
        images.append(figure.drawn(cameras[-1][0]))
    figure.close()
    radii = np.broadcast_to(RADII, (count, len(RADII)))
    return _view_set(np.stack(images), np.stack(points), cameras, radii, _of_figures(), np.array(LINKS), rng)


def draw_scenes(rng: np.random.Generator, count: int) -> ViewSet:
    """The platform's corners and five objects, by the environment's camera and by others from all sides."""
    settings = SceneSettings(episode_length=OBJECTS)
    programs = random_scenes(settings.action_spec, count, OBJECTS, rng, (OBJECTS, OBJECTS))
    environments = ScenesVector(count, episode_length=OBJECTS)
    images = environments.draw(programs)
    scenes = [environments.objects(number) for number in range(count)]
    environments.close()
    own = Camera(field_of_view=FIELD_OF_VIEW, **CAMERA)
    cameras = [[own, *around(VIEWS - 1, (0, 0, 0.1), 1.5 * PLATFORM, (-75, -35), rng)] for _ in range(count)]
    points = np.stack([np.concatenate((CORNERS, _middles(scene))) for scene in scenes])
    radii = np.array([[0.0] * len(CORNERS) + [thing.radius for thing in scene] for scene in scenes])
    links = np.array(((0, 1), (1, 2), (2, 3), (3, 0)))
    return _view_set(images, points, cameras, radii, _of_scenes(), links, rng)


def _middles(scene: Sequence[SceneObject]) -> Points:
    return np.array([(thing.x, thing.y, thing.height) for thing in scene])


def _of_figures() -> Detector:
    """A joint is taken for that of the other side; one in the middle, for its neighbour."""
    other = {"left": "right", "right": "left"}
    parents = {end: begin for begin, end in LINKS}
    confused, moved_by = [], np.eye(len(NAMES))
    for place, name in enumerate(NAMES):
        side, *rest = name.split()
        confused.append(NAMES.index(" ".join((other[side], *rest))) if rest else parents.get(place, 1))
        above = place
        while above in parents:
            above = parents[above]
            moved_by[place, above] = 1
    moved_by /= np.sqrt((moved_by**2).sum(axis=1).mean())
    return Detector(0.035, 0.08, 0.28, 0.13, np.array(confused), moved_by)


def _of_scenes() -> Detector:
    """A corner is taken for the next, an object for another."""
    confused = np.array((1, 2, 3, 0, *(len(CORNERS) + np.roll(np.arange(OBJECTS), -1))))
    return Detector(0.02, 0.08, 0.2, 0.1, confused, np.eye(len(confused)))


def _view_set(
    images: NDArray[np.uint8],
    points: Points,
    cameras: list[list[Camera]],
    radii: Points,
    detector: Detector,
    links: NDArray[np.int64],
    rng: np.random.Generator,
) -> ViewSet:
    seen = []
    for places, some, ball in zip(points, cameras, radii, strict=True):
        taken_for = places + detector.alike * _spread(places) * detector.moved_by @ rng.standard_normal(places.shape)
        seen.append(
            [
                (*_found(places, camera, ball, detector, rng), _alone(taken_for, camera, detector, rng))
                for camera in some
            ]
        )
    means, deviations, weights, monocular = (
        _floats([[view[part] for view in some] for some in seen]) for part in range(4)
    )
    truth = Truth(
        _floats(points),
        _floats([[camera.rotation for camera in some] for some in cameras]),
        _floats([[camera.position for camera in some] for some in cameras]),
        _floats([[camera.focal for camera in some] for some in cameras]),
    )
    return ViewSet(images, Seen(means, deviations, weights, monocular), truth, links)


def _floats(values: object) -> Floats:
    return np.asarray(values, np.float32)


def _spread(points: Points) -> float:
    return float(np.sqrt(np.square(points - points.mean(axis=0)).sum(axis=1).mean()))


def _found(
    points: Points, camera: Camera, radii: Points, detector: Detector, rng: np.random.Generator
) -> tuple[Points, Points, Points]:
    """Means, deviations and weights of the mixtures, the likeliest first."""
    places, depths = camera.sees(points)
    hard = covered(places, depths, camera.focal, radii)
    noise = detector.noise * _spread(places) * np.where(hard, 2.0, 1.0)
    deviations = noise[:, None] * np.array((1, 1, WIDE)) * np.exp(0.2 * rng.standard_normal((len(points), 3)))
    about = np.stack((places, places[detector.confused], places), axis=1)
    means = about + noise[:, None, None] * np.array((1, 1, WIDE))[:, None] * rng.standard_normal(about.shape)
    weights = rng.dirichlet(20 * MODES, len(points))
    wrong = rng.random(len(points)) < np.where(hard, ERRS_COVERED, ERRS)
    weights[wrong] = weights[wrong][:, (1, 0, 2)]
    order = np.argsort(-weights, axis=1)
    deviations, weights = np.take_along_axis(deviations, order, 1), np.take_along_axis(weights, order, 1)
    return np.take_along_axis(means, order[..., None], 1), deviations, weights


def _alone(points: Points, camera: Camera, detector: Detector, rng: np.random.Generator) -> Points:
    """Positions by one view, in its axes, with a spread of 1."""
    there: Points = (points - points.mean(axis=0)) @ camera.rotation.T / _spread(points)
    lean = TIPPED * rng.standard_normal(2)
    flat = FLAT * np.exp(0.1 * rng.standard_normal())
    off = detector.deep * detector.moved_by @ rng.standard_normal(len(points))
    there[:, 2] = flat * there[:, 2] + there[:, :2] @ lean + off
    there[:, :2] += detector.across * rng.standard_normal((len(points), 2))
    return there
