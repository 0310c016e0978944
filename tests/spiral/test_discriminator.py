"""The discriminator: one score a picture, layers as the settings ask for, and as smooth as spectral norm says."""

from __future__ import annotations

import pytest
import torch

from spiral.agent import count_parameters
from spiral.discriminator import Discriminator, NetworkOptions

SHAPE = (16, 16, 1)


@pytest.fixture(autouse=True)
def seeded_torch() -> None:
    torch.manual_seed(0)


def make(
    shape: tuple[int, int, int] = SHAPE, conditional: bool = False, spectral: bool = False, hidden: int = 0
) -> Discriminator:
    return Discriminator(shape, conditional, spectral, NetworkOptions(width=4, hidden=hidden))


def test_every_picture_is_scored_by_itself():
    network = make()
    pictures = torch.rand(5, 1, 16, 16)
    scores = network(pictures)
    assert (scores.shape, scores.dtype) == ((5,), torch.float32)
    torch.testing.assert_close(scores, torch.cat([network(picture[None]) for picture in pictures]))


@pytest.mark.parametrize(("size", "colors", "conditional"), [(8, 1, False), (32, 3, True), (64, 1, True)])
def test_its_layers_halve_the_picture_and_double_the_channels(size, colors, conditional):
    network = make((size, size, colors), conditional)
    inputs, width, expected = colors * (1 + conditional), 4, 0
    side = size
    while side > 4:
        expected += width * (inputs * 16 + 1)
        inputs, width, side = width, 2 * width, side // 2
    assert count_parameters(network) == expected + 16 * inputs + 1


@pytest.mark.parametrize("shape", [(16, 32, 1), (24, 24, 1), (4, 4, 1), (28, 28, 1)])
def test_pictures_that_cannot_be_halved_down_to_four_are_refused(shape):
    with pytest.raises(ValueError, match=f"8, 16, 32, … pixels, not {shape[0]}×{shape[1]}"):
        make(shape)


def test_a_conditional_score_depends_on_the_target():
    network = make(conditional=True)
    pictures, targets, others = torch.rand(3, 2, 1, 16, 16)
    assert not torch.allclose(network(pictures, targets), network(pictures, others))
    assert not torch.allclose(network(pictures, targets), network(others, targets))


def test_a_hidden_layer_stands_before_the_score():
    network, plain = (make(spectral=True, hidden=hidden) for hidden in (6, 0))
    features = 8 * 16
    assert count_parameters(network) - count_parameters(plain) == (features + 1) * 6 + 6 - features
    assert network(torch.rand(3, 1, 16, 16)).shape == (3,)


def test_spectral_norm_leaves_no_layer_that_stretches():
    network = make(spectral=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(10.0)  # learning made the weights large
        for _ in range(50):  # each pass refines the estimate of the largest singular values
            network(torch.rand(2, 1, 16, 16))
    for layer in (*network.convolutions, network.score):
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1.0, abs=1e-3)


def test_without_spectral_norm_weights_count_as_they_are():
    network = make()
    pictures = torch.rand(2, 1, 16, 16)
    before = network(pictures)
    with torch.no_grad():
        for parameter in network.score.parameters():
            parameter.mul_(10.0)
    torch.testing.assert_close(network(pictures), 10.0 * before)
