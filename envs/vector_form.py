"""The vector form of an environment of a user's own: it follows from the settings and the episodes of the class."""

from __future__ import annotations

from typing import Any, ClassVar

from envs.canvas_env import CanvasEnv, CanvasVectorEnv


class OwnVector(CanvasVectorEnv):
    """The vector form of an environment of a user's own; in no module by a name, so that its pickles name `single`."""

    single: ClassVar[type[CanvasEnv]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unmade, (self.single,), self.__getstate__()


def vector_form(environment: type[CanvasEnv]) -> type[CanvasVectorEnv]:
    """The vector environment with the same settings and episodes."""
    shared = {name: getattr(environment, name) for name in ("env_id", "settings_type", "episodes_type")}
    return type(f"{environment.__name__}Vector", (OwnVector,), {**shared, "single": environment})


def _unmade(environment: type[CanvasEnv]) -> CanvasVectorEnv:
    """An environment of the vector form, before it gets its state."""
    form = vector_form(environment)
    return form.__new__(form)
