"""DeepWarp: its equations beside slow ones, and its networks."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from spiral.methods.deepwarp import eyes as drawn
from spiral.methods.deepwarp.measures import (
    frames_per_second,
    redirecting,
)
from spiral.methods.deepwarp.model import (
    FLOW_UNIT,
    HEIGHT,
    WIDTH,
    Kind,
    Warper,
    distance,
    input_maps,
    lightened,
    sample,
    size_in_bytes,
)
from spiral.methods.deepwarp.pairs import DrawnPairs
from spiral.methods.deepwarp.training import Lightening, Warping, WarpingOptions, turned

CPU = torch.device("cpu")


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def looks(persons: int = 4, shots: int = 2, seed: int = 0) -> drawn.Looks:
    return drawn.random_looks(persons, shots, seed)


def warper(kind: Kind, size: float = 0.1) -> Warper:
    """A network with weights that do something."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Warper(kind).eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(size * torch.randn(weight.shape))
    return network


def some_eyes(count: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    pairs = DrawnPairs(looks(), "both").of_bin(12, count, 0, torch.Generator().manual_seed(1))
    return pairs.eyes, pairs.anchors, pairs.angles


def bilinear(picture: Any, x: float, y: float) -> Any:
    """A picture [C, H, W] at a place, as equation 4.3.2 says, with its border going on."""
    _, height, width = picture.shape
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = min(int(x), width - 2), min(int(y), height - 2)
    total = 0.0
    for i in (left, left + 1):
        for j in (top, top + 1):
            total = total + picture[:, j, i] * (1 - abs(x - i)) * (1 - abs(y - j))
    return total


# The equations.


def test_the_sampler_is_bilinear_interpolation_at_each_place() -> None:
    picture, flow = rand(1, 3, 6, 7), 12 * (rand(1, 2, 6, 7, seed=1) - 0.5)
    made, whole = sample(picture, flow)[0].numpy(), picture[0].double().numpy()
    for y in range(6):
        for x in range(7):
            expected = bilinear(whole, x + float(flow[0, 0, y, x]), y + float(flow[0, 1, y, x]))
            np.testing.assert_allclose(made[:, y, x], expected, atol=1e-5)


def test_input_maps_are_colours_angles_and_offsets() -> None:
    """Equation 4.3.5, in widths of the picture."""
    eyes, anchors, embedded = rand(2, 3, 4, 5), 5 * rand(2, 7, 2, seed=1), rand(2, 16, seed=2)
    maps = input_maps(eyes, anchors, embedded)
    assert maps.shape == (2, 33, 4, 5)
    for b in range(2):
        for y in range(4):
            for x in range(5):
                offsets = [
                    (place - point) / 5
                    for i in range(7)
                    for place, point in zip((x, y), anchors[b, i].tolist(), strict=True)
                ]
                expected = torch.cat((eyes[b, :, y, x], embedded[b], torch.tensor(offsets)))
                torch.testing.assert_close(maps[b, :, y, x], expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ["coarse-to-fine", "corrected"])
def test_the_flow_is_the_coarse_one_and_what_the_fine_module_adds(kind: Kind) -> None:
    """Equations 4.3.1 to 4.3.4 and 4.3.6, step by step."""
    network, (eyes, anchors, angles) = warper(kind), some_eyes()
    with torch.no_grad():
        made = network(eyes, anchors, angles)
        maps = input_maps(eyes, anchors, network.angle(angles / 30))
        half = functional.avg_pool2d(maps, 3, 2, 1, count_include_pad=False)
        assert half.shape[-2:] == (21, 26)
        third, last = network.coarse(half)
        larger = [functional.interpolate(m, (41, 51), mode="bilinear", align_corners=True) for m in (last, third)]
        coarse = functional.interpolate(network.coarse_flow(last), (41, 51), mode="bilinear", align_corners=True)
        fine_third, fine_last = network.fine(torch.cat((maps, sample(eyes, 25 * coarse), coarse), 1))
        flow = 25 * (coarse + network.fine_flow(fine_last))
        output = sample(eyes, flow)
        if kind == "corrected":
            mask = network.lightness(torch.cat((fine_third, larger[1], output), 1))
            assert ((mask > 0) & (mask < 1)).all()
            torch.testing.assert_close(made.lightness, mask)
            output = output * (1 - mask) + mask
    torch.testing.assert_close(made.flow, flow)
    torch.testing.assert_close(made.output, output)
    assert float(flow.abs().max()) > 0.1, "that it moves something"


def test_half_scale_maps_are_centred_on_every_second_pixel() -> None:
    """So that the coarse flow, enlarged, is where it was found."""
    x = torch.arange(51.0).expand(1, 1, 41, 51)
    half = functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    torch.testing.assert_close(half[0, 0, 5, 1:-1], torch.arange(2.0, 50, 2))


def test_lightness_blends_each_pixel_with_white() -> None:
    pictures, mask = rand(1, 3, 4, 5), rand(1, 1, 4, 5, seed=1)
    made = lightened(pictures, mask)
    for y in range(4):
        for x in range(5):
            share = float(mask[0, 0, y, x])
            for c in range(3):
                expected = float(pictures[0, c, y, x]) * (1 - share) + share
                assert float(made[0, c, y, x]) == pytest.approx(expected, abs=1e-6)
    assert torch.equal(lightened(pictures, torch.zeros_like(mask)), pictures)
    assert torch.equal(lightened(pictures, torch.ones_like(mask)), torch.ones_like(pictures))


@pytest.mark.parametrize("k", [0, 1, 3])
def test_the_objective_is_the_least_distance_to_a_crop(k: int) -> None:
    """Equation 4.4.1, by brute force."""
    output, truth = rand(3, 3, 5, 6), rand(3, 3, 5 + 2 * k, 6 + 2 * k, seed=1)
    found = distance(output, truth)
    for b in range(3):
        every = [
            ((output[b].double() - truth[b, :, i : i + 5, j : j + 6].double()) ** 2).mean()
            for i in range(2 * k + 1)
            for j in range(2 * k + 1)
        ]
        assert float(found[b]) == pytest.approx(float(min(every)), rel=1e-5)


def test_a_shift_of_the_head_within_k_costs_nothing_after_registration() -> None:
    pairs = DrawnPairs(looks()).of_bin(10, 3, 0, torch.Generator().manual_seed(0))
    wide = torch.rand(3, 3, HEIGHT + 6, WIDTH + 6)
    wide[..., 1 : 1 + HEIGHT, 5 : 5 + WIDTH] = pairs.truth
    assert torch.equal(distance(pairs.truth, wide), torch.zeros(3))
    assert (distance(pairs.truth, wide[..., 3:-3, 3:-3]) > 0.01).all()


# The networks.


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_network_is_small_and_starts_close_to_the_picture(kind: Kind) -> None:
    eyes, anchors, angles = some_eyes()
    network = Warper(kind)
    made = turned(network, eyes, anchors, angles)
    assert made.output.shape == eyes.shape and made.flow.shape == (2, 2, HEIGHT, WIDTH)
    assert (made.lightness is not None) == (kind == "corrected")
    assert float(made.flow.abs().max()) < 0.25 * FLOW_UNIT
    assert float((made.output - eyes).square().mean()) < 0.02
    assert size_in_bytes(network) <= 250_000


def test_the_whole_network_has_as_many_weights_as_the_thesis_says_bytes() -> None:
    assert 200_000 < 4 * sum(weight.numel() for weight in Warper("corrected").parameters()) <= 250_000


def test_an_eye_is_turned_alike_alone_and_among_others() -> None:
    network, (eyes, anchors, angles) = warper("corrected"), some_eyes(70)
    together = turned(network, eyes, anchors, angles).output
    assert len(together) == 70
    alone = turned(network, eyes[69:], anchors[69:], angles[69:]).output
    torch.testing.assert_close(together[69:], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["single", "corrected"])
def test_training_lowers_the_error(kind: Kind) -> None:
    options = WarpingOptions(steps=40, easy=2, hard=0, bins=1, learning_rate=1e-2)
    source = DrawnPairs(looks(1, 1))
    same = source.of_angle(15.0, 2, torch.Generator().manual_seed(3))
    part = Warping(options, kind, source, 0, CPU, lambda count, generator: same)
    shares = [part.step(step / 40)["of the input's"] for step in range(40)]
    assert shares[-1] < 0.6 * shares[0]
    made = redirecting(part.network)(same)
    assert float(distance(made, same.truth).mean()) < float(distance(same.eyes, same.truth).mean())


def test_the_lightness_learns_on_warps_that_stay_as_they_are() -> None:
    options = WarpingOptions(steps=3, lightness_steps=30, bins=1, easy=2, hard=0)
    source = DrawnPairs(looks(1, 1))
    same = source.of_angle(-25.0, 2, torch.Generator().manual_seed(3))
    warping = Warping(options, "corrected", source, 0, CPU, lambda count, generator: same)
    first = changed_by(warping, 0.5)
    assert first["fine_flow.weight"] and not first["lightness.6.bias"]
    lightening = Lightening(warping, 0)
    later = [changed_by(lightening, step / 30) for step in range(30)]
    assert later[-1]["lightness.6.bias"]
    assert not any(moved for each in later for name, moved in each.items() if not name.startswith("lightness."))
    made = turned(warping.network, same.eyes, same.anchors, same.angles)
    assert float(distance(made.output, same.truth).mean()) < float(distance(made.warped, same.truth).mean())


def test_the_warps_under_a_lightness_correction_are_those_that_would_be_without_it() -> None:
    options = WarpingOptions(steps=2, bins=1, easy=1)
    plain, corrected = (
        Warping(options, kind, DrawnPairs(looks(1, 1)), 0, CPU) for kind in ("coarse-to-fine", "corrected")
    )
    for part in (plain, corrected):
        part.step(0.0)
        part.step(0.5)
    eyes, anchors, angles = some_eyes()
    one, other = (turned(part.network, eyes, anchors, angles) for part in (plain, corrected))
    assert torch.equal(one.output, other.warped) and not torch.equal(other.output, other.warped)


def changed_by(part: Warping | Lightening, progress: float) -> dict[str, bool]:
    """Which weights and statistics a step changes."""
    before = {name: tensor.clone() for name, tensor in part.network.state_dict().items()}
    part.step(progress)
    return {name: not torch.equal(tensor, before[name]) for name, tensor in part.network.state_dict().items()}


def test_a_speed_is_measured() -> None:
    assert frames_per_second(warper("single"), 2, 0.02) > 0
