"""Devices are named in the settings; one that is not there is refused in words."""

from __future__ import annotations

import pytest
import torch

from spiral.devices import autocast, resolve_device
from spiral.section import ConfigError


@pytest.mark.parametrize("gpu", [False, True])
def test_auto_is_a_gpu_where_there_is_one(monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert resolve_device("auto").type == ("cuda" if gpu else "cpu")
    assert resolve_device("cpu").type == "cpu"


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match="device='cuda:1', but .* no GPU here; use device=auto or device=cpu"):
        resolve_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="device='cuda:1', but .* 1 GPU here; use device=auto or device=cpu"):
        resolve_device("cuda:1")
    assert resolve_device("cuda:0").type == "cuda"


@pytest.mark.parametrize("name", ["gpu", "\x00", "", "meta", "mps"])
def test_what_is_no_device_is_refused(name):
    with pytest.raises(ConfigError, match="is no device that is known here; use auto, cpu or cuda"):
        resolve_device(name)


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_the_precision_is_that_of_the_products(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
