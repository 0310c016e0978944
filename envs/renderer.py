"""MuJoCo as a renderer: N scenes on one OpenGL context, without physics.

The model is compiled once and holds the platform alone, or what else is always there. Each canvas has a scene of its
own in which one geom is written anew for each change; compiling a model for each would take milliseconds. Shadows and
reflections are off: Mesa's software driver is twenty times faster without them.

Edges are smooth where a picture is drawn larger and reduced here. OpenGL can do so itself, but where it looks within a
pixel is for each driver to choose, and Mesa's looks at four places at most.

An OpenGL context belongs to the thread that made it, so that all of this is to be used in one thread (`envs/stage.py`).
"""

from __future__ import annotations

from typing import Any

from envs.area_means import area_means
from envs.opengl import gl_context, load_mujoco

load_mujoco()

import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from envs.scene_objects import PLATFORM, SceneObject  # noqa: E402

MODEL = """
<mujoco>
  <visual>
    <global offwidth="{size}" offheight="{size}"/>
    <headlight active="0"/>
    <quality offsamples="0" shadowsize="0"/>
    <map znear="0.1" zfar="20"/>
  </visual>
  <worldbody>
    <light directional="true" dir="-0.45 0.55 -1" ambient="0.45 0.45 0.45" diffuse="0.6 0.6 0.6" specular="0 0 0"/>
    <geom type="box" size="{half} {half} 0.04" pos="0 0 -0.04" rgba="0.62 0.62 0.6 1"/>
  </worldbody>
</mujoco>
"""
CAMERA: dict[str, Any] = {"azimuth": 90.0, "elevation": -62.0, "distance": 8.0, "lookat": (0.0, 0.03, 0.12)}
FIELD_OF_VIEW = 17.6  # degrees, upright
OFF = ("SHADOW", "REFLECTION", "SKYBOX", "HAZE", "FOG")

GEOMS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
}
UPRIGHT = np.eye(3).ravel()


class Renderer:
    """Draws `count` scenes of up to `slots` objects, on `size` × `size` pixels, beside the furniture of the `model`.

    Each pixel is the mean of `supersampling` × `supersampling` that OpenGL draws.
    """

    def __init__(self, size: int, count: int, slots: int, model: str = MODEL, supersampling: int = 1) -> None:
        drawn = size * supersampling
        compiled = mujoco.MjModel.from_xml_string(model.format(size=drawn, half=PLATFORM))
        compiled.vis.global_.fovy = FIELD_OF_VIEW
        self._model, self._data = compiled, mujoco.MjData(compiled)
        mujoco.mj_forward(self._model, self._data)
        self._gl = gl_context()(drawn, drawn)
        self._gl.make_current()
        self._context = mujoco.MjrContext(compiled, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._supersampling = supersampling
        self._pixels = np.empty((drawn, drawn, 3), np.uint8)
        self._codes = np.empty((size, size, 3), np.uint8)
        self._scenes = [_platform(self._model, self._data, slots) for _ in range(count)]
        self._furniture = self._scenes[0].ngeom  # the platform, and what else the model has

    @property
    def in_software(self) -> bool:
        """Whether the processor draws, by Mesa's driver, and not a GPU."""
        from OpenGL import GL  # not earlier: MuJoCo tells it first which kind to load

        return bool(GL.glGetString(GL.GL_RENDERER).startswith(b"llvmpipe"))

    def scene(self, index: int) -> mujoco.MjvScene:
        """A scene itself, of which the lights and the furniture can be changed."""
        return self._scenes[index]

    def look_from(
        self, index: int, azimuth: float, elevation: float, distance: float, lookat: tuple[float, float, float]
    ) -> None:
        """See a scene from elsewhere: angles in degrees, lengths in metres."""
        camera = _camera(azimuth=azimuth, elevation=elevation, distance=distance, lookat=lookat)
        mujoco.mjv_updateCamera(self._model, self._data, camera, self._scenes[index])

    def clear(self, index: int) -> None:
        """Take all objects off a platform."""
        self._scenes[index].ngeom = self._furniture

    def put(self, index: int, slot: int, thing: SceneObject) -> None:
        """Put an object in a slot of a scene: the next free one, or one that is taken, whose object it replaces."""
        scene = self._scenes[index]
        geom = scene.geoms[self._furniture + slot]
        mujoco.mjv_initGeom(
            geom,
            GEOMS[thing.shape],
            np.array(thing.half_extents),
            np.array((thing.x, thing.y, thing.height)),
            UPRIGHT,
            np.array((*thing.color, 1.0), np.float32),
        )
        geom.segid = self._furniture + slot
        scene.ngeom = max(scene.ngeom, self._furniture + slot + 1)

    def draw(self, index: int, out: NDArray[np.uint8]) -> None:
        """Write the picture of a scene into `out`, uint8 [size, size, 3]."""
        out[...] = area_means(self._drawn_into(self._pixels, index), self._supersampling)

    def segment(self, index: int) -> NDArray[np.int32]:
        """What each pixel shows, int32 [size, size]: −1 nothing, then the furniture from 0 on, then the slots' objects.

        With the platform alone that is 0 the platform, k the object in slot k − 1.
        """
        flags = self._scenes[index].flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        codes = self._drawn_into(self._codes, index)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        return codes.astype(np.int32) @ np.array((1, 256, 65536), np.int32) - 1

    def close(self) -> None:
        """Give back the context."""
        self._context.free()
        self._gl.free()

    def _drawn_into(self, pixels: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """The picture of a scene at the size of `pixels`, which it is a view of."""
        height, width, _ = pixels.shape
        area = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(area, self._scenes[index], self._context)
        mujoco.mjr_readPixels(pixels, None, area, self._context)
        return pixels[::-1]  # OpenGL's first row is the lowest


def _platform(model: mujoco.MjModel, data: mujoco.MjData, slots: int) -> mujoco.MjvScene:
    """A scene with the platform, the camera and the light, and room for more."""
    camera = _camera(**CAMERA)
    scene = mujoco.MjvScene(model, maxgeom=model.ngeom + slots)
    for name in OFF:
        scene.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{name}")] = 0
    mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, camera, mujoco.mjtCatBit.mjCAT_ALL, scene)
    return scene


def _camera(**places: Any) -> mujoco.MjvCamera:
    """A camera with these attributes."""
    camera = mujoco.MjvCamera()
    for name, value in places.items():
        setattr(camera, name, value)
    return camera
