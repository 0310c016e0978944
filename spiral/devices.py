"""Where tensors live and how precise they are."""

from __future__ import annotations

import torch

from spiral.section import ConfigError


def resolve_device(name: str) -> torch.device:
    """The device called `name`; `auto` is a GPU when there is one.

    Raises:
        ConfigError: for a device that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device={name!r} is no device that is known here; use auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        seen = torch.cuda.device_count() or "no"
        raise ConfigError(f"device={name!r}, but PyTorch sees {seen} GPU here; use device=auto or device=cpu")
    return device


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context in which networks compute with this precision, `float32` or `bfloat16`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
