"""Where tensors live and how precise they are."""

from __future__ import annotations

import torch


def resolve_device(name: str) -> torch.device:
    """The device called `name`; `auto` is a GPU when there is one.

    Raises:
        ValueError: for a device that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device={name!r} is no device; use auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={name!r}, but PyTorch sees no GPU here; use device=auto or device=cpu")
    return device


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context in which networks compute with this precision, `float32` or `bfloat16`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
