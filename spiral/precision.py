"""Which precision the networks of a process compute with: a matter of its machine, and of no preset or checkpoint.

bfloat16 (Kalamkar et al., "A study of bfloat16 for deep learning training", 2019) halves the time of a learning step
where a processor or a GPU computes it natively. Elsewhere PyTorch goes through every convolution one number after the
other, ten to twenty times slower than in float32, and says nothing. So the hardware is asked, and what it says is
confirmed by timing the network itself for a moment: a processor may have instructions that are switched off.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from spiral.agent import Agent, TensorEpisodes
from spiral.config import PrecisionSetting
from spiral.devices import autocast
from spiral.layers import portion

Name = Literal["float32", "bfloat16"]
Network = TypeVar("Network", bound=nn.Module)
ROUNDS = 3
PORTIONS, MOST_PICTURES = 4, 512  # that a network is timed with
HOPELESS = 3.0  # times as slow: once is enough to know
# What PyTorch calls the instructions for bfloat16 of processors, by x86 and Arm.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


@dataclass(frozen=True)
class Precision:
    """What a process computes with.

    Attributes:
        name: `float32` or `bfloat16`.
        why: the reason, in words that follow the name.
        seconds_per_picture: what a gradient for one picture takes with it, of one thread or of the GPU.
    """

    name: Name
    why: str
    seconds_per_picture: float

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


_CHOSEN: dict[tuple[str, str, str], Precision] = {}


def precision_of_agent(wanted: PrecisionSetting, device: torch.device, agent: Agent) -> Precision:
    """The precision for this agent on `device`, as `choose_precision` has it."""
    return choose_precision(wanted, device, agent, _loss_of_agent)


def choose_precision(
    wanted: PrecisionSetting,
    device: torch.device,
    network: Network,
    loss_of: Callable[[Network, torch.device], tuple[Callable[[], Tensor], int]],
) -> Precision:
    """The precision for a network of this kind on `device`, chosen once in a process.

    Args:
        wanted: a precision, which decides, or `auto`: bfloat16 where it is native and no slower than float32.
        device: where the network is.
        network: whose gradient is timed; it stays as it is.
        loss_of: makes a loss of the network on pictures, and says how many these are.
    """
    key = wanted, str(device), repr(network)
    if key not in _CHOSEN:
        trial = copy.deepcopy(network)  # some layers remember what passed through them
        with on_one_thread():
            _CHOSEN[key] = _choose(wanted, device, list(trial.parameters()), *loss_of(trial, device))
    return _CHOSEN[key]


@contextmanager
def on_one_thread() -> Iterator[None]:
    """One thread for PyTorch's products, and afterwards as many as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def native_bfloat16(device: torch.device) -> bool:
    """Whether the hardware says that it computes bfloat16 itself."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(has.get(name, False) for name in INSTRUCTIONS)


def _choose(
    wanted: PrecisionSetting, device: torch.device, weights: list[nn.Parameter], loss: Callable[[], Tensor], count: int
) -> Precision:
    on_gpu = device.type == "cuda"
    # Of a processor the time of this thread counts: others may be busy, and two threads then wait for each other.
    clock = time.perf_counter if on_gpu else time.thread_time

    def seconds(name: Name) -> float:
        begun = clock()
        with torch.enable_grad(), autocast(device, name):
            value = loss()
        torch.autograd.grad(value, weights, allow_unused=True)
        if on_gpu:
            torch.cuda.synchronize(device)
        return clock() - begun

    def fastest(name: Name, rounds: int = ROUNDS) -> float:
        return min(seconds(name) for _ in range(rounds))

    def warm_up(name: Name) -> None:
        seconds(name)  # in which kernels are made and memory is taken

    if wanted != "auto":
        warm_up(wanted)
        return Precision(wanted, f"as precision={wanted} says", fastest(wanted) / count)
    what = "GPU" if on_gpu else "processor"
    warm_up("float32")
    single = fastest("float32")
    if not native_bfloat16(device):
        return Precision("float32", f"this {what} has no instructions for bfloat16", single / count)
    warm_up("bfloat16")
    half = fastest("bfloat16", rounds=1)
    if half < HOPELESS * single:
        half = min(half, fastest("bfloat16"))
    compared = f"{1000 * half:.0f} ms in bfloat16, {1000 * single:.0f} ms in float32 for {count} pictures"
    if half <= single:
        return Precision("bfloat16", f"this {what} computes it natively: {compared}", half / count)
    return Precision("float32", f"bfloat16 is slower on this {what}: {compared}", single / count)


def enough(numbers: int) -> int:
    """How many pictures are as good as a whole batch, if the largest output of a layer has so many numbers for each."""
    return min(PORTIONS * portion(numbers), MOST_PICTURES)


def _loss_of_agent(agent: Agent, device: torch.device) -> tuple[Callable[[], Tensor], int]:
    """A loss of one command on each of so many blank canvases, every other of them a stroke, and their number."""
    count, heads = enough(agent.encoder.largest), len(agent.spec.heads)
    canvases = torch.zeros(2, count, *agent.canvas_shape, dtype=torch.uint8, device=device)
    actions = torch.zeros(1, count, heads, dtype=torch.int64, device=device)
    kind = agent.spec.index(agent.spec.kind)
    actions[0, :, kind] = torch.arange(count, device=device) % int(agent.spec.nvec[kind])
    masks = torch.ones(2, count, heads, dtype=torch.int8, device=device)
    noise = torch.zeros(count, agent.config.told, device=device)
    targets = canvases[0] if agent.config.conditional else None
    state, ended = agent.lstm.initial_state(count), torch.ones(count, dtype=torch.bool, device=device)
    episodes = TensorEpisodes(canvases, actions, masks, noise, targets, torch.zeros_like(actions[0]), state, ended)

    def loss() -> Tensor:
        judged = agent.unroll(episodes)
        return judged.log_prob.mean() + judged.commands.entropies.mean() + judged.value.mean()

    return loss, count
