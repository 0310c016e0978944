"""The precision belongs to the machine: what is asked of the hardware, what is timed, and what is never kept."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import resources

import pytest
import torch
from torch import Tensor, nn

from spiral import precision
from spiral.agent import Agent
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.precision import Precision, choose_precision, precision_of_agent
from spiral.presets import PRESETS, preset
from spiral.rewards import setting_of
from spiral.rewards.discriminator import DiscriminatorOptions, DiscriminatorReward
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config

CPU = torch.device("cpu")
OLDER = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}  # a processor without bfloat16
WEIGHTS = [nn.Parameter(torch.ones(128, 128))]
ASK = """
import torch
from cluster.run.engine import inspect_environment
from spiral.agent import Agent
from spiral.precision import precision_of_agent
from spiral.presets import preset
config = preset("mnist-small-conditional")
agent = Agent(*inspect_environment(config), config.agent)
print(precision_of_agent(config.precision, torch.device("cpu"), agent).name)
"""


def test_no_preset_says_what_a_machine_computes_with():
    assert {name: preset(name).precision for name in PRESETS} == dict.fromkeys(PRESETS, "auto")


@pytest.mark.parametrize("goal", ["copy", "characters", "invent", "invent-characters", "scenes", "paint"])
def test_no_shipped_agent_carries_the_precision_of_the_machine_that_made_it(goal):
    document = json.loads((resources.files("spiral") / "weights" / goal / "run.json").read_text())
    assert document["config"].get("precision", "auto") == "auto"


def test_a_processor_without_bfloat16_computes_the_small_preset_in_float32():
    answer = subprocess.run([sys.executable, "-c", ASK], env=os.environ | OLDER, capture_output=True, text=True)
    assert answer.stdout == "float32\n", answer.stderr


def products(count: int, size: int = 128) -> Tensor:
    """The sum of so many products of matrices, one after the other."""
    x: Tensor = WEIGHTS[0]
    for _ in range(count):
        x = torch.tanh(x @ torch.ones(size, size))
    return x.sum()


def chosen(wanted: str, work: Callable[[bool], int], monkeypatch: pytest.MonkeyPatch, native: bool = True) -> Precision:
    """The choice for a loss that takes so many products, by whether bfloat16 is on."""
    monkeypatch.setattr(precision, "native_bfloat16", lambda device: native)
    loss = lambda: products(work(torch.is_autocast_enabled("cpu")))  # noqa: E731
    return precision._choose(wanted, CPU, WEIGHTS, loss, 4)  # type: ignore[arg-type]


def test_what_the_hardware_says_is_confirmed_by_timing(monkeypatch):
    faster = chosen("auto", lambda half: 2 if half else 400, monkeypatch)
    assert faster.name == "bfloat16" and "natively" in faster.why
    slower = chosen("auto", lambda half: 400 if half else 2, monkeypatch)
    assert slower.name == "float32" and "slower" in slower.why
    assert 0 < slower.seconds_per_picture < faster.seconds_per_picture * 1000


def test_hardware_without_bfloat16_is_not_kept_waiting_by_it(monkeypatch):
    tried: list[bool] = []

    def work(half: bool) -> int:
        tried.append(half)
        return 1

    none = chosen("auto", work, monkeypatch, native=False)
    assert none.name == "float32" and "no instructions" in none.why and not any(tried)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_precision_that_is_set_decides(name, monkeypatch):
    worse = chosen(name, lambda half: 100 if half == (name == "bfloat16") else 1, monkeypatch)
    assert worse.name == name and f"precision={name}" in worse.why


@pytest.mark.parametrize("changes", [{}, CONDITIONAL, {"agent": {"location_head": "deconvolution"}}])
def test_an_agent_is_as_it_was_after_it_was_timed(changes):
    agent = Agent(SPEC, SHAPE, tiny_config(changes).agent)
    unchanged(agent, lambda: precision_of_agent("auto", CPU, agent))


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_a_discriminator_is_as_it_was_after_it_was_timed(loss, changes):
    """Spectral normalisation goes on with its estimate whenever a picture passes."""
    setting = setting_of(tiny_config(changes), SHAPE)
    reward = DiscriminatorReward(setting, DiscriminatorOptions(loss=loss, batch_size=8, width=4))  # type: ignore[call-arg]
    network = reward.network.train()
    unchanged(network, lambda: choose_precision("auto", CPU, network, reward._mean_score))


def unchanged(network: nn.Module, choose: Callable[[], Precision]) -> None:
    before, threads = copy.deepcopy(network.state_dict()), torch.get_num_threads()
    random = torch.random.get_rng_state()
    precision._CHOSEN.clear()
    choice = choose()
    assert choice.name in ("float32", "bfloat16") and choice.seconds_per_picture > 0
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    assert all(weight.grad is None for weight in network.parameters())
    assert torch.get_num_threads() == threads and torch.equal(torch.random.get_rng_state(), random)


def test_networks_of_one_kind_compute_alike_in_a_process():
    agents = [Agent(SPEC, SHAPE, tiny_config().agent) for _ in range(2)]
    assert precision_of_agent("auto", CPU, agents[0]) is precision_of_agent("auto", CPU, agents[1].eval())


def test_any_network_is_timed_with_the_loss_that_is_given():
    """Not the network itself passes pictures, but a copy; and what it takes is told for one of them."""
    network, passed = nn.Linear(4, 1), []

    def loss_of(trial: nn.Linear, device: torch.device) -> tuple[Callable[[], Tensor], int]:
        passed.append(trial)
        return lambda: trial(torch.ones(6, 4, device=device)).mean(), 6

    precision._CHOSEN.clear()
    choice = choose_precision("float32", CPU, network, loss_of)
    assert choice.name == "float32" and 0 < choice.seconds_per_picture < 1
    assert choose_precision("float32", CPU, nn.Linear(4, 1), loss_of) is choice, "of one kind"
    assert choose_precision("float32", CPU, nn.Linear(4, 2), loss_of) is not choice, "of another"
    assert len(passed) == 2 and all(trial is not network for trial in passed)
