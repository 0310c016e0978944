"""Environments in which a picture is made by a program, one command at a time.

`import envs` makes the ids below known to Gymnasium and imports nothing else: neither the paint engine nor MuJoCo,
which are loaded when an environment is made, nor anything that learns. The environments are of use without the rest of
this project.
"""

from __future__ import annotations

from gymnasium import register, registry
from gymnasium.envs.registration import EnvSpec

PAINT_ID = "spiral/Paint-v0"
SCENES_ID = "spiral/Scenes-v0"
SCENES_V1_ID = "spiral/Scenes-v1"

register(PAINT_ID, entry_point="envs.paint:Paint", vector_entry_point="envs.paint:PaintVector")
register(SCENES_ID, entry_point="envs.scenes:Scenes", vector_entry_point="envs.scenes:ScenesVector")
register(SCENES_V1_ID, entry_point="envs.scenes:ScenesV1", vector_entry_point="envs.scenes:ScenesV1Vector")


def entry(env_id: str) -> EnvSpec | str:
    """What Gymnasium makes the environment of an id from; an id that nobody registered, as it is, for it to refuse.

    By its id, Gymnasium would warn of an environment that has a newer version: a program or a run keeps to its own.
    """
    return registry.get(env_id, env_id)
