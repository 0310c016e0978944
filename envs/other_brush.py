"""A brush's name may mean another brush on another machine, or another day: a warning where it does.

What was painted or trained carries the fingerprint of its brush (`envs.pymypaint.brushes.Brush`), and whoever goes on
with it compares. It is a warning and no error, since the pictures are mostly much the same.
"""

from __future__ import annotations

import warnings

from envs.settings import Settings


class OtherBrushWarning(UserWarning):
    """A brush is not the one that something was made with."""


def warn_of_other_brush(settings: Settings, here: str | None, there: str | None, made: str) -> None:
    """Warns in one line if two fingerprints are known and differ.

    Args:
        settings: of the environment that is to paint.
        here: the fingerprint of its brush on this machine; None of an environment without a brush.
        there: the one that was recorded; None where none was.
        made: what was made with that, such as "this program was painted".
    """
    if here is None or there is None or here == there:
        return
    from envs.pymypaint import find_brush  # the engine is needed by those who paint alone

    name = getattr(settings, "brush", "the brush")
    warnings.warn(
        f"{name} here is another brush than the one with which {made} (fingerprint {here} here, {there} there; found "
        f"at {find_brush(name)}), so pictures may differ: name the folder that has the other one in MYPAINT_BRUSHES",
        OtherBrushWarning,
        stacklevel=1,  # so that a filter finds it by this module, and it is shown once
    )
