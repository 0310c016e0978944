"""Random scenes in any light, on any floor, from anywhere, with what each pixel shows.

Of one drawing of what is where there are many pictures: it says nothing of the light, the colours of floor and objects,
and the tiles. The objects are those of `spiral/Scenes-v1`, larger, so that they are seen in small pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from envs.opengl import no_opengl
from envs.random_scenes import random_scenes
from envs.renderer import MODEL, Renderer
from envs.scene_objects import SHAPES, SceneObject, apply_action
from envs.scene_settings import SceneSettings

CLASSES = ("ground", "platform", *SHAPES)  # what a pixel may show, by number
OBJECTS = (3, 7)  # how many, at least and at most
LARGER = 1.7  # than those of the environment
TILES = (-1, 0, 1)  # materials of the floor: plain, checks, stripes
GROUND, FLOOR = 0, 1  # places in the model's list of geoms
VIEWED = MODEL.replace(
    "<worldbody>",
    """<statistic extent="3"/>
  <asset>
    <texture name="checks" type="2d" builtin="checker" rgb1="1 1 1" rgb2="0.6 0.6 0.6" width="32" height="32"/>
    <material name="checks" texture="checks" texrepeat="2 2"/>
    <material name="stripes" texture="checks" texrepeat="3 0.01"/>
  </asset>
  <worldbody>
    <geom type="box" size="30 30 0.04" pos="0 0 -0.2"/>""",
)


@dataclass(frozen=True)
class View:
    """How a scene is seen.

    Attributes:
        azimuth, elevation, distance: of the camera, in degrees and metres, from what it looks at.
        lookat: in metres.
        light: where it shines to, by length 1.
        ambient, diffuse: red, green and blue of the light from everywhere, and from its source.
        floor, ground: colours, red, green and blue in [0, 1].
        tiles: one of `TILES`.
    """

    azimuth: float
    elevation: float
    distance: float
    lookat: tuple[float, float, float]
    light: NDArray[np.float64]
    ambient: NDArray[np.float64]
    diffuse: NDArray[np.float64]
    floor: NDArray[np.float64]
    ground: NDArray[np.float64]
    tiles: int


def random_view(rng: np.random.Generator) -> View:
    """From the front and above, in light of about one tint from any side."""
    from_where, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 2.0)
    light = np.array((np.cos(from_where), np.sin(from_where), -height))
    tint = 1 + rng.uniform(-0.15, 0.15, 3)
    return View(
        azimuth=rng.uniform(60, 120),
        elevation=rng.uniform(-68, -42),
        distance=rng.uniform(5.8, 7.8),
        lookat=(rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25), 0.1),
        light=light / np.linalg.norm(light),
        ambient=rng.uniform(0.2, 0.45) * tint,
        diffuse=rng.uniform(0.4, 0.75) * tint,
        floor=rng.uniform(0.35, 1.0) * (1 + rng.uniform(-0.25, 0.25, 3)).clip(0, 1),
        ground=rng.uniform(0.1, 0.6) * (1 + rng.uniform(-0.3, 0.3, 3)),
        tiles=TILES[rng.integers(len(TILES))],
    )


def draw_views(seed: tuple[int, ...], count: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures uint8 [count, size, size, 3] of random scenes, and which of `CLASSES` each pixel shows.

    Raises:
        StageError: MuJoCo finds no OpenGL.
    """
    rng = np.random.default_rng(seed)
    settings = SceneSettings(episode_length=OBJECTS[1])
    programs = random_scenes(settings.action_spec, count, OBJECTS[1], rng, OBJECTS)
    images, classes = np.empty((count, size, size, 3), np.uint8), np.empty((count, size, size), np.uint8)
    try:
        renderer = Renderer(size, 1, OBJECTS[1], VIEWED)
    except Exception as error:
        raise no_opengl(error) from error
    try:
        for number, program in enumerate(programs):
            things = _objects(settings, program)
            _build(renderer, random_view(rng), things)
            renderer.draw(0, images[number])
            kinds = [GROUND, FLOOR, *(CLASSES.index(thing.shape) for thing in things)]
            classes[number] = np.array(kinds, np.uint8)[renderer.segment(0)]
    finally:
        renderer.close()
    return images, classes


def _objects(settings: SceneSettings, program: NDArray[np.int64]) -> list[SceneObject]:
    names = [head.name for head in settings.action_spec.heads]
    things: list[SceneObject] = []
    for action in program:
        apply_action(things, dict(zip(names, map(int, action), strict=True)), settings.grid_size)
    return [replace(thing, radius=LARGER * thing.radius) for thing in things]


def _build(renderer: Renderer, view: View, things: list[SceneObject]) -> None:
    """Set the scene up: the camera, the light, the furniture, and the objects."""
    renderer.clear(0)
    renderer.look_from(0, view.azimuth, view.elevation, view.distance, view.lookat)
    scene = renderer.scene(0)
    (light,) = scene.lights[: scene.nlight]
    light.dir[:], light.ambient[:], light.diffuse[:] = view.light, view.ambient, view.diffuse
    for place, color in ((GROUND, view.ground), (FLOOR, view.floor)):
        scene.geoms[place].rgba[:3] = color
    scene.geoms[FLOOR].matid = view.tiles
    for slot, thing in enumerate(things):
        renderer.put(0, slot, thing)
