"""Calls of actors: what a method gave or raised, and one error for a process that died, however Ray tells of it."""

from __future__ import annotations

from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from cluster.on_ray.start import EngineError

START_TIMEOUT_S = 180.0


class ProcessDied(EngineError):
    """A process of the run died."""


def result_of(call: Any) -> Any:
    """What a call of an actor gave, or the error that it raised itself.

    Raises:
        ProcessDied: the actor's process died.
        EngineError: it could not begin.
    """
    try:
        return ray.get(call)
    except RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from None
    except RayActorError as error:
        lines = str(error).strip().splitlines()
        if error.actor_init_failed:
            raise EngineError(f"a process of the run could not begin: {lines[-1]}") from None
        raise ProcessDied(lines[0]) from None


def wait_for(handle: Any, who: str) -> None:
    """Returns when an actor answers.

    Raises:
        EngineError: it does not within three minutes, or could not begin.
        ProcessDied: it died.
    """
    call = handle.ping.remote()
    if not ray.wait([call], timeout=START_TIMEOUT_S)[0]:
        raise EngineError(
            f"{who} did not start within {START_TIMEOUT_S:.0f} s; the cluster has these resources left: "
            f"{ray.available_resources()}; free some of it, or use fewer --workers"  # type: ignore[no-untyped-call]
        )
    result_of(call)
