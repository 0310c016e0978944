"""Starting Ray on this machine for one run, or joining a cluster that is there."""

from __future__ import annotations

import logging
import math
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import ray
from ray._private.ray_constants import WORKER_PROCESS_SETUP_HOOK_ENV_VAR

from spiral_painter import WORKER_HOOK

OBJECT_STORE_BYTES = 512 * 2**20  # some trajectories; the real pictures come on top

# Ray's sockets are up to 70 bytes below the temporary folder, and the kernel knows paths of 107 (103 on macOS).
LONGEST_PLACE, SHORT_PLACE = 33, "/tmp"

ADDRESS = re.compile(r"(?P<client>ray://)?(?P<host>[^/\s]+?)(:(?P<port>[0-9]{1,5}))?")
CLIENT_PORT = 10001  # of Ray's client server, where an address that begins with ray:// names none

QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
# In the processes of a cluster that others started, our names mean our packages as well.
JOINING: dict[str, Any] = QUIET | {"runtime_env": {"worker_process_setup_hook": WORKER_HOOK}}


class EngineError(RuntimeError):
    """The processes of a run cannot be started, or one of them died."""


@contextmanager
def start_ray(address: str | None, processes: int, picture_bytes: int, embedded_redis: bool) -> Iterator[None]:
    """Ray for the time of a run; a connection that was there before is used, and left as it was.

    Args:
        address: of a cluster to join; None is `$RAY_ADDRESS`, or else a Ray of our own on this machine.
        processes: how many processes the run has.
        picture_bytes: the size of the real pictures, which are kept in the object store.
        embedded_redis: whether the run's Redis can be reached from this machine alone.

    Raises:
        EngineError: the address is none, no cluster answers, or it has several machines and Redis is on this one
            alone, or Ray does not start here.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    place = None if address in (None, "local", "auto") else _place_of(address)
    mine = not ray.is_initialized()
    if mine:
        _connect(address, place, processes, picture_bytes)
    try:
        machines = {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
        if embedded_redis and len(machines) > 1:
            raise EngineError(
                f"the cluster has {len(machines)} machines, but the embedded Redis can be reached from this one alone: "
                "give --redis redis://host:port"
            )
        yield
    finally:
        if mine:
            ray.shutdown()


def _place_of(address: str) -> tuple[str, int]:
    """The host and the port of a cluster's address.

    Raises:
        EngineError: it is no address of a cluster.
    """
    found = ADDRESS.fullmatch(address)
    port = int(found["port"] or CLIENT_PORT) if found and (found["port"] or found["client"]) else 0
    if not found or not 0 < port < 2**16:
        raise _nobody_at(address, "an address is HOST:PORT, ray://HOST:PORT or auto")
    return found["host"].strip("[]"), port


def _nobody_at(address: str, why: str) -> EngineError:
    return EngineError(
        f"no Ray cluster answers at {address!r} ({why}): start one with `ray start --head`, "
        "correct --address or RAY_ADDRESS, or leave both out"
    )


def _connect(address: str | None, place: tuple[str, int] | None, processes: int, picture_bytes: int) -> None:
    prepare_environment()
    if address is None or address == "local":
        _start_here(processes, OBJECT_STORE_BYTES + 2 * picture_bytes)
        return
    try:
        if place:  # Ray itself finds out after minutes of error messages that nobody listens there
            socket.create_connection(place, timeout=10).close()
        ray.init(address, **JOINING)
    except (OSError, RuntimeError, ValueError) as error:
        raise _nobody_at(address, str(error).splitlines()[0]) from None


def _start_here(processes: int, store_bytes: int) -> None:
    """Starts Ray on this machine, and once more if it fails: it gives its own processes half a minute and no longer.

    Raises:
        EngineError: it failed again.
    """
    before = set(psutil.Process().children())
    for last in (False, True):
        try:
            ray.init(
                "local",
                num_cpus=processes,  # Ray starts so many processes at once, for the parts of the run to move into
                include_dashboard=False,
                object_store_memory=store_bytes,
                **QUIET,
            )
            return
        except Exception as error:  # of the base class alone where time ran out
            _end_processes(set(psutil.Process().children()) - before)
            ray.shutdown()
            if last:
                raise EngineError(
                    f"Ray did not start on this machine, twice ({str(error).splitlines()[0]}): the processors or the "
                    "memory may be taken by others: try again when they are free, or train with --engine local"
                ) from None


def _end_processes(processes: set[psutil.Process]) -> None:
    """Ends what a failed start of Ray leaves at work, and what that began."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            for each in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
    psutil.wait_procs(processes)


def prepare_environment() -> None:
    """Sets what Ray's processes read from the environment, where nobody has set it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray gives its processes the lowest priority but four; those of a run have that of the command itself.
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # A hook that is given to `ray.init` would leave the processes unused that Ray starts at once: two to five seconds.
    os.environ.setdefault(WORKER_PROCESS_SETUP_HOOK_ENV_VAR, WORKER_HOOK)
    place = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or SHORT_PLACE
    if len(os.fsencode(place)) > LONGEST_PLACE or not os.access(place, os.W_OK) or not os.path.isabs(place):
        os.environ["RAY_TMPDIR"] = SHORT_PLACE


def gpu_share(device: str, learners: int, wanted: float | None = None) -> float:
    """The part of a GPU that each learner asks for; 0 when there is none or the settings want none.

    Args:
        device: as the settings have it.
        learners: how many share all GPUs of the cluster.
        wanted: the part of each, in place of an equal share of all.

    Raises:
        EngineError: what is wanted is not there, or no part that Ray hands out.
    """
    gpus = int(ray.cluster_resources().get("GPU", 0))  # type: ignore[no-untyped-call]
    if wanted is not None and (not 0 <= wanted <= gpus or (wanted > 1 and wanted != int(wanted))):
        raise EngineError(
            f"--gpus-per-learner {wanted} cannot be had: the cluster has {gpus} GPUs; "
            "give a part of one, such as 0.25, or leave it out"
        )
    if device == "cpu" or not gpus:
        return 0.0
    # One part more than a whole number of processes would let two large parts block a third.
    return math.floor(1e4 / math.ceil(learners / gpus)) / 1e4 if wanted is None else wanted
