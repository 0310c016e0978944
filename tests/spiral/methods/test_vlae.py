"""The ladder is built as the paper says, and its losses are the formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spiral.methods.vlae.model import LadderAutoencoder, Layout, divergence, kernel, mmd
from spiral.methods.vlae.training import Sampled, Training, VlaeOptions
from spiral.section import ConfigError, parse_section
from tests.spiral.methods.noise import random
from tests.spiral.methods.vlae_toys import TINY, bars, made


def test_the_layers_are_the_papers() -> None:
    digits, faces = Layout(width=64), Layout(side=64, channels=3, ladders=4, latents=10, convolutions=4, width=64)
    for layout, channels in ((digits, [64, 128]), (faces, [64, 128, 256, 512])):
        encoder = LadderAutoencoder(layout).encoder
        convolutions = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
        assert [layer.out_channels for layer in convolutions] == channels
        assert all((layer.kernel_size, layer.stride) == ((4, 4), (2, 2)) for layer in convolutions)
        assert encoder.heads[-1].in_features == 1024 and len(encoder.heads) == layout.ladders
    gates = [value for name, value in made().named_parameters() if name.endswith("gate")]
    assert [tuple(gate.shape) for gate in gates] == [(8, 8, 8), (4, 16, 16)]
    assert all((gate == 0.1).all() for gate in gates)
    assert not [name for name, _ in made(merge="concatenation").named_parameters() if name.endswith("gate")]


@pytest.mark.parametrize("ladders", [1, 2, 3])
@pytest.mark.parametrize("merge", ["gated-addition", "concatenation"])
def test_pictures_become_a_code_for_each_ladder_and_come_back(ladders: int, merge: str) -> None:
    network = made(ladders=ladders, merge=merge, channels=3, side=32)
    pictures = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    drawn, codes, means, deviations = network(pictures, torch.Generator().manual_seed(0))
    assert drawn.shape == pictures.shape and drawn.min() >= 0 and drawn.max() <= 1
    assert [code.shape for code in codes] == [(5, 2)] * ladders
    noise = torch.Generator().manual_seed(0)
    for code, mean, deviation in zip(codes, means, deviations, strict=True):
        assert deviation.min() > 1e-3 and deviation.max() < 0.301 and (mean < 0).any()
        torch.testing.assert_close(code, mean + deviation * torch.randn(5, 2, generator=noise))


def test_low_codes_see_little_of_the_picture_and_high_ones_come_through_more_layers() -> None:
    network = made()
    depths = [
        sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in step.modules()) for step in network.encoder.steps
    ]
    assert depths == [1, 1, 1]
    codes = [random(4, 2, seed=ladder) for ladder in range(3)]
    before = network.decoder(codes)
    for ladder in range(3):
        others = [code + (1.0 if at == ladder else 0.0) for at, code in enumerate(codes)]
        assert not torch.allclose(network.decoder(others), before), "every ladder has a part in the picture"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"side": 30}, "side=30 cannot be halved convolutions=2 times: give a multiple of 4"),
        ({"ladders": 4}, "ladders=4 is more than convolutions=2 can carry: give at most 3 ladders"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_section(Layout, wrong)


def test_the_discrepancy_is_the_sum_over_all_pairs() -> None:
    a, b = random(4, 3), random(6, 3, seed=1)

    def k(x: Tensor, y: Tensor) -> float:
        return math.exp(-sum(float(p - q) ** 2 for p, q in zip(x, y, strict=True)) / 3**2)

    def mean(some: Tensor, others: Tensor) -> float:
        return sum(k(x, y) for x in some for y in others) / (len(some) * len(others))

    assert float(mmd(a, b)) == pytest.approx(mean(a, a) + mean(b, b) - 2 * mean(a, b), rel=1e-4)
    assert float(mmd(a, a)) == pytest.approx(0, abs=1e-6)
    far = float(mmd(a, a + 100))
    assert far == pytest.approx(2 * mean(a, a), rel=1e-4), "sets that have nothing in common"
    assert kernel(a, a).diagonal().tolist() == [1.0] * 4


def test_the_discrepancy_of_normal_codes_is_that_of_the_closed_form() -> None:
    """E k(x, y) = (1 + 2 (s² + t²) / d²)^(−d/2) for x, y ~ N(0, s²), N(0, t²) in d dimensions."""
    many, s = 3000, 0.4
    found = float(mmd(s * random(many, 2), random(many, 2, seed=1)))

    def expected(s: float, t: float) -> float:
        return (1 + (s * s + t * t) / 2) ** -1

    assert found == pytest.approx(expected(s, s) + expected(1, 1) - 2 * expected(s, 1), abs=0.01)


def test_the_divergence_is_that_of_torch() -> None:
    mean, deviation = random(5, 3), 0.1 + random(5, 3, seed=1).abs()
    normal, prior = torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(normal, prior).sum(1).mean()
    assert float(divergence(mean, deviation)) == pytest.approx(float(expected), rel=1e-5)
    assert float(divergence(torch.zeros(2, 3), torch.ones(2, 3))) == 0


@pytest.mark.parametrize("form", ["mmd", "kl"])
def test_a_loss_is_made_of_its_terms(form: Any) -> None:
    options = VlaeOptions(**{**TINY, "side": 16, "reconstruction": 3.0, "regularization": 5.0, "scale": 0.5})
    part = Training(options, Sampled(bars(), {}), form, 0)
    loss, terms = part.loss(part.pictures.inputs(slice(8)))
    error, apart, nats = (float(terms[name].detach()) for name in ("error", "MMD", "KL"))
    expected = 3 * error + 5 * apart if form == "mmd" else error * 256 / 0.5 + nats
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("form", "most"), [("mmd", 0.3), ("kl", 1.0)])
def test_a_code_with_mmd_cannot_be_noise_alone_and_one_with_kl_can(form: Any, most: float) -> None:
    """Of a deviation of 1 and no mean, samples are those of the prior, and MMD finds no fault with them."""
    part = Training(VlaeOptions(**{**TINY, "side": 16}), Sampled(bars(), {}), form, 0)
    for head in part.network.encoder.heads:
        nn.init.zeros_(head.get_parameter("weight"))
        nn.init.constant_(head.get_parameter("bias")[2:], 99.0)
    with torch.no_grad():
        _, codes, _, deviations = part.network(part.pictures.inputs(), torch.Generator().manual_seed(0))
    assert all(float(deviation.max()) == pytest.approx(most + 1e-3) for deviation in deviations)
    prior = random(len(codes[0]), 2, seed=5)
    assert all((mmd(code, prior) > 0.1) == (form == "mmd") for code in codes)


@pytest.mark.parametrize("form", ["mmd", "kl"])
def test_both_forms_learn_to_redraw_and_the_one_with_mmd_towards_the_prior(form: Any) -> None:
    options = VlaeOptions(**{**TINY, "side": 16, "batch_size": 32, "learning_rate": 5e-3})
    part = Training(options, Sampled(bars(), {}), form, 0)
    measured = [part.step(0.0) for _ in range(80)]
    first, last = measured[0], {name: np.mean([row[name] for row in measured[-5:]]) for name in measured[0]}
    assert last["loss"] < 0.5 * first["loss"] and last["error"] < 0.5 * first["error"]
    if form == "mmd":
        assert last["MMD"] < 0.5 * max(row["MMD"] for row in measured)


def test_what_is_mirrored_is_learned_from_both_ways_and_everything_else_as_it_is() -> None:
    pictures = Sampled(torch.arange(3 * 16 * 16, dtype=torch.int64).remainder(251).byte().reshape(3, 1, 16, 16), {})
    for mirrored in (False, True):
        part = Training(VlaeOptions(**{**TINY, "side": 16, "mirrored": mirrored}), pictures, "mmd", 0)
        seen: list[Tensor] = []
        part.network.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
        for _ in range(4):
            part.step(0.0)
        known = pictures.inputs()
        ways = {
            turned: sum(bool((each == picture).all()) for each in torch.cat(seen) for picture in of)
            for turned, of in ((False, known), (True, known.flip(3)))
        }
        assert sum(ways.values()) == 4 * part.options.batch_size
        assert (ways[True] > 0) == mirrored and ways[False] > 0


def test_low_codes_know_an_eighth_of_the_side() -> None:
    for side, places in ((16, 2), (32, 4), (64, 8)):
        layout = Layout(side=side, width=4)
        assert [layout.coarse(level)[1] for level in (1, 2)] == [min(places, side // 2), min(places, side // 4)]
        assert LadderAutoencoder(layout).encoder.heads[0].in_features == 4 * places * places
