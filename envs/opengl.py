"""Which OpenGL MuJoCo draws with: EGL, unless the user has chosen another one or a display is served.

MuJoCo chooses when it is imported, by variables of the environment that may name what is not there.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

LIBRARIES = "Debian and Ubuntu: apt install libegl1 libgl1-mesa-dri; Fedora: dnf install mesa-libEGL mesa-dri-drivers"
CHOICES = ("MUJOCO_GL", "MUJOCO_EGL_DEVICE_ID", "PYOPENGL_PLATFORM")  # what a user may have set
CHOSEN = {name: os.environ[name] for name in CHOICES if os.environ.get(name)}


class StageError(RuntimeError):
    """There is no OpenGL to draw with, or it was given back."""


def load_mujoco() -> None:
    """Imports MuJoCo, with EGL where nothing was chosen and there is no display.

    Raises:
        StageError: what was chosen does not exist, or is not installed.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("LP_NUM_THREADS", "0")  # one core draws a small picture faster alone than with helpers
    try:
        import mujoco  # noqa: F401
    except Exception as error:  # each kind of OpenGL fails in a way of its own
        raise no_opengl(error) from error


def no_opengl(error: BaseException) -> StageError:
    """The error that says why MuJoCo cannot draw, and what to do: undo what was chosen, or install EGL."""
    chosen = ", ".join(f"{name}={value}" for name, value in CHOSEN.items())
    way_out = f"leave out {chosen}, or set MUJOCO_GL=egl" if chosen else f"it needs OpenGL by EGL. {LIBRARIES}"
    return StageError(f"MuJoCo cannot draw here: {str(error).rstrip('.') or repr(error)}: {way_out}")


def gl_context() -> Any:
    """MuJoCo's kind of OpenGL context: EGL where nothing was chosen and no display is served.

    MuJoCo chose when it was imported, which may have been before this module could say what to choose.
    """
    import mujoco

    choice = os.environ.get("MUJOCO_GL", "").strip().lower()
    if choice == "egl" or (not choice and sys.platform == "linux" and not _is_display_served()):
        from mujoco.egl import GLContext

        return GLContext
    return mujoco.GLContext


def _is_display_served() -> bool:
    """Whether a window could be opened on the display that the environment names."""
    try:
        import glfw

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # glfw warns where we ask
            return bool(glfw.init())
    except Exception:  # it is not installed, or has no library
        return False
