"""A room with one object in it, drawn by MuJoCo: pictures of which every factor is known, as 3D-Shapes has them.

(Burgess & Kim, 2018.) Three walls of one hue stand around a floor of another. The object is in the middle of the floor,
and the camera goes around it. Lengths are in metres and angles in degrees.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

from envs.opengl import gl_context, load_mujoco, no_opengl

load_mujoco()

import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

MODEL = """
<mujoco>
  <visual>
    <global offwidth="{size}" offheight="{size}"/>
    <headlight active="0"/>
    <quality offsamples="0" shadowsize="0"/>
    <map znear="0.01" zfar="20"/>
  </visual>
  <worldbody>
    <light directional="true" dir="-0.3 0.8 -1" ambient="0.45 0.45 0.45" diffuse="0.6 0.6 0.6" specular="0 0 0"/>
    <geom type="box" size="1.6 4 0.1" pos="0 -2 -0.1"/>
    <geom type="box" size="1.8 0.1 2" pos="0 2.1 1.9"/>
    <geom type="box" size="0.1 4.2 2" pos="-1.7 -2 1.9"/>
    <geom type="box" size="0.1 4.2 2" pos="1.7 -2 1.9"/>
  </worldbody>
</mujoco>
"""
FLOOR, WALLS = 0, slice(1, 4)  # places of the geoms in the model
CAMERA = {"elevation": -22.0, "distance": 2.6, "lookat": (0.0, 0.0, 0.45)}
FIELD_OF_VIEW = 48.0  # upright
FRONT = 90.0  # azimuth of a camera that looks at the back wall
OFF = ("SHADOW", "REFLECTION", "SKYBOX", "HAZE", "FOG")
KINDS = {
    "cube": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
}


@dataclass(frozen=True)
class Room:
    """What is to be seen.

    Attributes:
        floor_hue, wall_hue, object_hue: in [0, 1], of full saturation.
        size: about half of the object's width.
        shape: one of `KINDS`.
        orientation: how far the camera has gone around to the right.
    """

    floor_hue: float
    wall_hue: float
    object_hue: float
    size: float
    shape: str
    orientation: float

    @property
    def half_extents(self) -> tuple[float, float, float]:
        """The three size parameters of MuJoCo's geom: half lengths of a cube, else radius and half length."""
        size = self.size
        return {
            "cube": (0.8 * size, 0.8 * size, 0.8 * size),
            "cylinder": (0.85 * size, 0.8 * size, 0.0),
            "sphere": (size, size, size),
            "capsule": (0.55 * size, 0.7 * size, 0.0),
        }[self.shape]

    @property
    def height(self) -> float:
        """How high the object's middle is when it stands on the floor."""
        first, second, third = self.half_extents
        return {"cube": third, "cylinder": second, "sphere": first, "capsule": first + second}[self.shape]


def draw_rooms(rooms: Sequence[Room], size: int) -> NDArray[np.uint8]:
    """The pictures, uint8 [N, size, size, 3].

    Raises:
        StageError: MuJoCo finds no OpenGL.
    """
    model = mujoco.MjModel.from_xml_string(MODEL.format(size=size))
    model.vis.global_.fovy = FIELD_OF_VIEW
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    try:
        window = gl_context()(size, size)
        window.make_current()
    except Exception as error:  # each kind of OpenGL fails in a way of its own
        raise no_opengl(error) from error
    context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
    scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 1)
    for name in OFF:
        scene.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{name}")] = 0
    area, upside_down = mujoco.MjrRect(0, 0, size, size), np.empty((size, size, 3), np.uint8)
    pictures = np.empty((len(rooms), size, size, 3), np.uint8)
    for place, room in enumerate(rooms):
        _furnish(scene, model, data, room)
        mujoco.mjr_render(area, scene, context)
        mujoco.mjr_readPixels(upside_down, None, area, context)
        pictures[place] = upside_down[::-1]  # OpenGL's first row is the lowest
    context.free()
    window.free()
    return pictures


def _furnish(scene: mujoco.MjvScene, model: mujoco.MjModel, data: mujoco.MjData, room: Room) -> None:
    """Paint floor and walls, put the object in, and place the camera."""
    model.geom_rgba[FLOOR, :3] = colorsys.hsv_to_rgb(room.floor_hue, 1, 1)
    model.geom_rgba[WALLS, :3] = colorsys.hsv_to_rgb(room.wall_hue, 1, 1)
    camera = mujoco.MjvCamera()
    for name, value in CAMERA.items():
        setattr(camera, name, value)
    camera.azimuth = FRONT + room.orientation
    mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, camera, mujoco.mjtCatBit.mjCAT_ALL, scene)
    mujoco.mjv_initGeom(
        scene.geoms[scene.ngeom],
        KINDS[room.shape],
        np.array(room.half_extents),
        np.array((0.0, 0.0, room.height)),
        np.eye(3).ravel(),
        np.array((*colorsys.hsv_to_rgb(room.object_hue, 1, 1), 1.0), np.float32),
    )
    scene.ngeom += 1
