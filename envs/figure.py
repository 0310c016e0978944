"""A figure with limbs that MuJoCo moves and draws: where its joints are in a random pose, and what a camera sees.

A bone leads from its parent's joint to its own. The figure looks along x; y is to its left, z up. No physics: a pose is
what its angles say, and the figure hangs in the air at its pelvis.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from numpy.typing import NDArray

from envs.cameras import Camera, Points
from envs.opengl import load_mujoco, no_opengl

load_mujoco()

import mujoco  # noqa: E402

Turn = tuple[str, float, float, float]  # about an axis: the least angle, the usual and the most, in degrees


@dataclass(frozen=True)
class Bone:
    """A bone, and the joint at its end.

    Attributes:
        name, parent: of the joints that it ends and begins at.
        offset: from the parent in the pose of rest, in metres.
        radius: how thick it is.
        turns: what its joint can do.
        color: red, green, blue.
    """

    name: str
    parent: str
    offset: tuple[float, float, float]
    radius: float
    turns: tuple[Turn, ...] = ()
    color: tuple[float, float, float] = (0.8, 0.75, 0.7)


LEFT, RIGHT = (0.25, 0.5, 0.9), (0.9, 0.4, 0.25)
HIP = (("1 0 0", -10, 0, 40), ("0 1 0", -100, -15, 30), ("0 0 1", -30, 0, 30))
SHOULDER = (("1 0 0", -15, 15, 130), ("0 1 0", -150, -30, 50), ("0 0 1", -60, 0, 60))
TRUNK = (("1 0 0", -20, 0, 20), ("0 1 0", -15, 5, 45), ("0 0 1", -30, 0, 30))
HEAD = (("1 0 0", -20, 0, 20), ("0 1 0", -30, 5, 40), ("0 0 1", -60, 0, 60))


def _side(name: str, sign: int, color: tuple[float, float, float]) -> tuple[Bone, ...]:
    """A leg and an arm; what leads outwards is turned alike on both sides."""

    def mirrored(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        (_, a, b, c), bend, (_, d, e, f) = turns
        return (f"{sign} 0 0", a, b, c), bend, (f"0 0 {sign}", d, e, f)

    return (
        Bone(f"{name} hip", "pelvis", (0, sign * 0.12, -0.03), 0.08, mirrored(HIP), color),
        Bone(f"{name} knee", f"{name} hip", (0, 0, -0.44), 0.065, (("0 1 0", 0, 15, 130),), color),
        Bone(f"{name} ankle", f"{name} knee", (0, 0, -0.43), 0.05, (), color),
        Bone(f"{name} shoulder", "thorax", (0, sign * 0.17, -0.02), 0.06, mirrored(SHOULDER), color),
        Bone(f"{name} elbow", f"{name} shoulder", (0, 0, -0.29), 0.045, (("0 1 0", -140, -40, 0),), color),
        Bone(f"{name} wrist", f"{name} elbow", (0, 0, -0.26), 0.038, (), color),
    )


BONES = (
    Bone("pelvis", "", (0, 0, 1.0), 0.1, (("0 0 1", -180, 0, 180), ("0 1 0", -20, 5, 40), ("1 0 0", -15, 0, 15))),
    Bone("spine", "pelvis", (0, 0, 0.22), 0.11, TRUNK),
    Bone("thorax", "spine", (0, 0, 0.26), 0.12),
    Bone("neck", "thorax", (0, 0, 0.1), 0.05, HEAD),
    Bone("head", "neck", (0.02, 0, 0.16), 0.09),
    *_side("left", 1, LEFT),
    *_side("right", -1, RIGHT),
)
NAMES = tuple(bone.name for bone in BONES)
LINKS = tuple((NAMES.index(bone.parent), place) for place, bone in enumerate(BONES) if bone.parent)
RADII = np.array([bone.radius for bone in BONES])
MIDDLE = (0.0, 0.0, 0.95)  # what a camera that shows the whole figure looks at
EXTENT = 1.1  # metres around that
PROPORTIONS = 0.08  # by which a bone of one figure is longer or shorter than of another, a deviation


class Figure:
    """The figure, with pictures of `size` × `size` pixels; to be used, and closed, in one thread.

    Raises:
        StageError: MuJoCo finds no OpenGL.
    """

    def __init__(self, size: int) -> None:
        self._model = mujoco.MjModel.from_xml_string(_model(size))
        self._data = mujoco.MjData(self._model)
        # MuJoCo has an order of its own for what it was told of.
        self._bodies = np.array([self._model.body(name).id for name in NAMES])
        self._geoms = np.array([self._model.geom(name).id for name in NAMES])
        self._angles = np.array(
            [self._model.joint(f"{bone.name} {k}").qposadr[0] for bone in BONES for k in range(len(bone.turns))]
        )
        self._rest = self._model.body_pos.copy(), self._model.geom_pos.copy(), self._model.geom_size.copy()
        try:
            self._renderer = mujoco.Renderer(self._model, size, size)
        except Exception as error:  # each kind of OpenGL fails in a way of its own
            raise no_opengl(error) from error

    def pose(self, rng: np.random.Generator) -> Points:
        """Take a random pose, with bones of random lengths that are the same on both sides; the joints [K, 3]."""
        kinds = [name.split()[-1] for name in NAMES]
        of_kinds = {kind: np.exp(PROPORTIONS * rng.standard_normal()) for kind in kinds}
        lengths = np.array([of_kinds[kind] for kind in kinds])
        bodies, geoms, sizes = (rest.copy() for rest in self._rest)
        bodies[self._bodies[1:]] *= lengths[1:, None]
        geoms[self._geoms[1:]] *= lengths[1:, None]
        sizes[self._geoms[1:], 1] *= lengths[1:]
        self._model.body_pos[:], self._model.geom_pos[:], self._model.geom_size[:] = bodies, geoms, sizes
        turns = [turn for bone in BONES for turn in bone.turns]
        angles = np.array([rng.triangular(least, usual, most) for _, least, usual, most in turns])
        angles[0] = rng.uniform(-180, 180)  # it may look anywhere
        self._data.qpos[self._angles] = np.radians(angles)
        mujoco.mj_kinematics(self._model, self._data)
        joints: Points = self._data.xpos[self._bodies].copy()
        return joints

    def drawn(self, camera: Camera) -> NDArray[np.uint8]:
        """What a camera sees of the pose, uint8 [size, size, 3]."""
        view = mujoco.MjvCamera()
        view.azimuth, view.elevation, view.distance = camera.azimuth, camera.elevation, camera.distance
        view.lookat[:] = camera.lookat
        self._model.vis.global_.fovy = camera.field_of_view
        mujoco.mj_camlight(self._model, self._data)
        self._renderer.update_scene(self._data, view)
        picture: NDArray[np.uint8] = self._renderer.render()
        return picture.copy()

    def close(self) -> None:
        """Give back the context of OpenGL."""
        self._renderer.close()


def _model(size: int) -> str:
    """The figure in MuJoCo's language: bodies, joints and geoms have the names of their bones."""
    root = Element("mujoco")
    visual = SubElement(root, "visual")
    SubElement(visual, "global", offwidth=str(size), offheight=str(size))
    SubElement(visual, "headlight", active="0")
    SubElement(visual, "quality", shadowsize="0", offsamples="0")
    SubElement(visual, "map", znear="0.01", zfar="50")
    world = SubElement(root, "worldbody")
    light = {"directional": "true", "dir": "-0.45 0.55 -1", "ambient": "0.45 0.45 0.45", "diffuse": "0.6 0.6 0.6"}
    SubElement(world, "light", light)
    bodies = {"": world}
    for bone in BONES:
        body = SubElement(bodies[bone.parent], "body", name=bone.name, pos=_text(bone.offset))
        bodies[bone.name] = body
        for number, (axis, *_) in enumerate(bone.turns):
            SubElement(body, "joint", name=f"{bone.name} {number}", type="hinge", axis=axis)
        looks = {"name": bone.name, "size": str(bone.radius), "rgba": _text((*bone.color, 1))}
        if bone.parent:
            looks |= {"type": "capsule", "fromto": f"0 0 0 {_text(bone.offset)}"}
        SubElement(bodies[bone.parent] if bone.parent else body, "geom", looks)
    return tostring(root, encoding="unicode")


def _text(numbers: tuple[float, ...]) -> str:
    return " ".join(map(str, numbers))
