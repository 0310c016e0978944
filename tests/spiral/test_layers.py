"""The agent's layers, each against a formula, PyTorch's own layer, or what it promises of its shape."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from envs.actions import Head
from spiral.agent import Agent
from spiral.config import AgentConfig
from spiral.decoder import Decoder, DeconvolutionHead, Fit, PointerHead, cells, sample_categorical
from spiral.encoder import Encoder, SubactionEmbedding, coordinate_planes
from spiral.layers import LSTM, ResidualBlock, mlp
from tests.tiny import SHAPE, SPEC


@pytest.fixture(autouse=True)
def seeded_torch() -> None:
    torch.manual_seed(0)


def as_torch_cell(lstm: LSTM) -> nn.LSTMCell:
    """PyTorch's own cell with our weights: its second bias is zero, its forget gate opened by one."""
    cell = nn.LSTMCell(lstm.inputs, lstm.hidden)
    with torch.no_grad():
        cell.weight_ih.copy_(lstm.gates.weight[:, : lstm.inputs])
        cell.weight_hh.copy_(lstm.gates.weight[:, lstm.inputs :])
        cell.bias_ih.copy_(lstm.gates.bias)
        cell.bias_ih[lstm.hidden : 2 * lstm.hidden] += 1.0
        cell.bias_hh.zero_()
    return cell


def test_the_lstm_is_that_of_pytorch_with_one_bias_and_an_open_forget_gate():
    lstm = LSTM(5, 7)
    cell = as_torch_cell(lstm)
    x = torch.randn(6, 3, 5)
    outputs, (h, c) = lstm(x, lstm.initial_state(3))
    state = (torch.zeros(3, 7), torch.zeros(3, 7))
    for t in range(6):
        state = cell(x[t], state)
        torch.testing.assert_close(outputs[t], state[0])
    torch.testing.assert_close((h, c), state)


def test_the_lstm_goes_on_where_its_state_left_off():
    lstm = LSTM(5, 7)
    x = torch.randn(6, 3, 5)
    whole, _ = lstm(x, lstm.initial_state(3))
    first, state = lstm(x[:2], lstm.initial_state(3))
    second, _ = lstm(x[2:], state)
    torch.testing.assert_close(whole, torch.cat((first, second)))


def test_a_residual_block_adds_to_its_input():
    block = ResidualBlock(4)
    x = torch.randn(2, 4, 5, 5)
    change = block.pointwise(F.relu(block.spatial(F.relu(x))))
    torch.testing.assert_close(block(x), x + change)
    for parameter in block.pointwise.parameters():
        nn.init.zeros_(parameter)
    torch.testing.assert_close(block(x), x)


def test_an_mlp_has_no_relu_at_its_end():
    layers = mlp(3, (4, 2))
    assert [type(layer) for layer in layers] == [nn.Linear, nn.ReLU, nn.Linear]
    assert layers(torch.zeros(5, 3)).shape == (5, 2)


def embedded_numbers(head: Head, choices: list[int]) -> torch.Tensor:
    """What the linear layer of the embedding is given for each choice."""
    embedding = SubactionEmbedding(head)
    size = embedding.linear.in_features
    with torch.no_grad():
        embedding.linear.bias.zero_()
        embedding.linear.weight.zero_()
        embedding.linear.weight[:size] = torch.eye(size)
        numbers: torch.Tensor = embedding(torch.tensor(choices))
    return numbers[:, :size]


def test_a_location_enters_as_x_and_y_from_minus_one_to_one():
    numbers = embedded_numbers(Head("end", 15, (3, 5)), [0, 4, 7, 10, 14])
    torch.testing.assert_close(numbers, torch.tensor([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1.0]]))


def test_a_location_on_a_line_has_a_place_too():
    numbers = embedded_numbers(Head("knob", 5, (1, 5)), [0, 2, 4])
    torch.testing.assert_close(numbers, torch.tensor([[-1, -1], [0, -1], [1, -1.0]]))


def test_other_choices_enter_one_hot():
    torch.testing.assert_close(embedded_numbers(Head("size", 3), [2, 0]), torch.tensor([[0, 0, 1], [1, 0, 0.0]]))


def test_coordinates_run_from_minus_one_to_one():
    x, y = coordinate_planes(3, 5)
    torch.testing.assert_close(x, torch.linspace(-1, 1, 5).expand(3, 5))
    torch.testing.assert_close(y, torch.linspace(-1, 1, 3)[:, None].expand(3, 5))


def test_location_planes_show_where_the_last_action_went_if_it_counted():
    config = AgentConfig(stem_channels=4, channels=(8,), residual_blocks=0, hidden=16, location_planes=True)
    encoder = Encoder(SPEC, SHAPE, config)
    action = torch.zeros(2, len(SPEC.heads), dtype=torch.int64)
    action[:, SPEC.index("end")] = 8 * 3 + 5  # row 3, column 5 of 8×8 cells, each of 2×2 pixels
    mask = torch.from_numpy(SPEC.mask_table).float()  # of a move, where the control point does not count, and a stroke
    control, end = encoder.location_planes(action, mask)
    bright = torch.zeros(16, 16)
    bright[6:8, 10:12] = 1.0
    torch.testing.assert_close(end[:, 0], bright.expand(2, 16, 16))
    assert control[0].sum() == 0
    assert control[1, 0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_the_encoder_gives_its_maps_from_the_finest_to_the_coarsest():
    config = AgentConfig(
        stem_channels=4, stem_stride=2, channels=(6, 8), residual_blocks=1, hidden=16, noise=0, location_head="pointer"
    )
    flat, maps = Encoder(SPEC, SHAPE, config)(*seen(3))
    assert flat.shape == (3, 16)
    assert [tuple(m.shape[1:]) for m in maps] == [(4, 8, 8), (6, 4, 4), (8, 2, 2)]
    assert Encoder(SPEC, SHAPE, config.model_copy(update={"location_head": "deconvolution"}))(*seen(3))[1] == []


def seen(count: int) -> tuple[torch.Tensor, ...]:
    """Pictures, actions, their masks and no noise, as an encoder takes them."""
    heads = len(SPEC.heads)
    actions = torch.zeros(count, heads, dtype=torch.int64)
    return torch.rand(count, 1, 16, 16), actions, torch.zeros(count, heads), torch.zeros(count, 0)


@pytest.mark.parametrize("head", ["pointer", "deconvolution"])
def test_a_batch_in_portions_gives_what_it_gives_at_once(head, monkeypatch):
    config = AgentConfig(stem_channels=4, stem_stride=2, channels=(8,), residual_blocks=1, noise=0, location_head=head)
    encoder = Encoder(SPEC, SHAPE, config)
    decoder = Decoder(SPEC, encoder.map_shapes, config)
    batch, z, actions = seen(7), torch.rand(7, config.hidden), torch.zeros(7, len(SPEC.heads), dtype=torch.int64)

    def everything() -> list[torch.Tensor]:
        embedding, maps = encoder(*batch)
        _, log_probs, entropies = decoder(z, maps, actions)
        results = [embedding, *maps, log_probs, entropies]
        weights = [*encoder.parameters(), *decoder.parameters()]
        loss = sum(result.square().sum() for result in results)
        return results + [g for g in torch.autograd.grad(loss, weights, allow_unused=True) if g is not None]

    at_once = everything()
    monkeypatch.setattr("spiral.layers.CACHED_NUMBERS", 2 * max(math.prod(shape) for shape in encoder.map_shapes))
    torch.testing.assert_close(everything(), at_once, rtol=1e-4, atol=1e-4)  # sums of terms that cancel


def test_what_does_not_count_is_not_computed_and_changes_nothing():
    config = AgentConfig(stem_channels=4, channels=(8,), residual_blocks=1, noise=0)
    decoder = Decoder(SPEC, Encoder(SPEC, SHAPE, config).map_shapes, config)
    z, counted = torch.rand(6, config.hidden), torch.ones(6, len(SPEC.heads))
    actions = torch.zeros(6, len(SPEC.heads), dtype=torch.int64)
    place = SPEC.index("control")
    counted[1::2, place] = 0
    rows: list[int] = []
    decoder.heads[decoder.order.index(place)].register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    all_log_probs, all_entropies = decoder(z, [], actions)[1:]
    log_probs, entropies = decoder(z, [], actions, counted)[1:]
    assert rows == [6, 3]
    torch.testing.assert_close(log_probs * counted, all_log_probs * counted)
    torch.testing.assert_close(entropies * counted, all_entropies * counted)
    assert (log_probs[1::2, place] == 0).all() and (entropies[1::2, place] == 0).all()


def test_convolutions_have_their_channels_last_and_so_has_what_pointers_give_back():
    config = AgentConfig(stem_channels=4, channels=(8,), residual_blocks=0, noise=0, location_head="pointer")
    agent = Agent(SPEC, SHAPE, config)
    _, *previous = seen(3)
    _, maps = agent.encoder(agent.pictures(torch.zeros(3, *SHAPE, dtype=torch.uint8), None), *previous)
    for tensor in (*maps, agent.encoder.strided[0].weight):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
    keys = torch.rand(3, 8, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()
    Fit.apply(torch.rand(3, 5, 8), cells(keys)).sum().backward()  # type: ignore[no-untyped-call]
    assert keys.grad is not None and keys.grad.is_contiguous(memory_format=torch.channels_last)


def test_the_gradient_of_a_fit_is_that_of_its_products():
    query, keys = (torch.rand(2, n, 3, dtype=torch.float64, requires_grad=True) for n in (4, 5))
    assert torch.autograd.gradcheck(Fit.apply, (query, keys))


def test_a_canvas_that_does_not_fit_the_strides_is_refused():
    with pytest.raises(ValueError, match="a canvas of 20×20 does not divide by 8"):
        Encoder(SPEC, (20, 20, 1), AgentConfig())


def test_a_pointer_points_where_its_query_fits_the_map():
    """The logit of a grid cell is ⟨query of its place within the map's cell, key of that cell⟩ / √channels."""
    head = PointerHead(8, (8, 8), [(3, 8, 8), (5, 4, 4)])  # the second map is too coarse to point into
    assert [linear.out_features for linear in head.queries] == [3]
    head = PointerHead(8, (16, 16), [(3, 8, 8)])
    nn.init.zeros_(head.bias.weight)
    nn.init.zeros_(head.bias.bias)
    z, keys = torch.randn(2, 8), torch.randn(2, 3, 8, 8)
    logits = head(z, [keys]).view(2, 16, 16)
    queries = head.queries[0](z).view(2, 2, 2, 3)
    for row, column in ((0, 0), (5, 10), (15, 14)):
        query, key = queries[:, row % 2, column % 2], keys[:, :, row // 2, column // 2]
        torch.testing.assert_close(logits[:, row, column], (query * key).sum(dim=1) / np.sqrt(3))


def test_a_pointer_leaves_out_maps_that_are_finer_than_its_grid():
    head = PointerHead(8, (16, 16), [(2, 32, 32), (3, 16, 16), (5, 8, 8)])
    assert [linear.out_features for linear in head.queries] == [3, 4 * 5]
    z, keys = torch.randn(2, 8), [torch.randn(2, 2, 32, 32), torch.randn(2, 3, 16, 16), torch.randn(2, 5, 8, 8)]
    logits = head(z, keys)
    torch.testing.assert_close(head(z, [torch.randn(2, 2, 32, 32), *keys[1:]]), logits)
    assert not torch.allclose(head(z, [keys[0], torch.randn(2, 3, 16, 16), keys[2]]), logits)


def test_a_pointer_reads_the_maps_at_the_chosen_cell():
    head = PointerHead(8, (16, 16), [(2, 32, 32), (3, 16, 16), (5, 8, 8)])
    keys = [torch.randn(2, 2, 32, 32), torch.randn(2, 3, 16, 16), torch.randn(2, 5, 8, 8)]
    found = head.read(keys, torch.tensor([16 * 6 + 11, 16 * 15 + 0]))
    assert head.features == 8
    torch.testing.assert_close(found[0], torch.cat((keys[1][0, :, 6, 11], keys[2][0, :, 3, 5])))
    torch.testing.assert_close(found[1], torch.cat((keys[1][1, :, 15, 0], keys[2][1, :, 7, 0])))


def test_later_sub_actions_know_what_is_at_a_location_only_if_they_read_it():
    shape = (4, 8, 8)
    maps = [torch.randn(1, *shape)]
    elsewhere = [maps[0].clone()]
    elsewhere[0][:, :, 2, 5] += 1.0
    actions = torch.zeros(1, len(SPEC.heads), dtype=torch.int64)
    actions[0, SPEC.index("end")] = 8 * 2 + 5
    after = SPEC.decoding_order.index("end") + 1
    scalar = SPEC.index(next(name for name in SPEC.decoding_order[after:] if SPEC.head(name).grid is None))
    for reads in (False, True):
        config = AgentConfig(hidden=16, location_head="pointer", location_read=reads)
        decoder = Decoder(SPEC, [shape], config)
        z = torch.randn(1, 16)
        first, second = (decoder(z, seen, actions)[1][0, scalar] for seen in (maps, elsewhere))
        assert torch.equal(first, second) != reads


def test_a_deconvolution_head_has_a_logit_for_each_cell():
    head = DeconvolutionHead(32, (16, 16), blocks=1)
    assert head(torch.randn(3, 32), []).shape == (3, 256)
    assert len(head.up) == 2, "from 4×4 to 16×16"


@pytest.mark.parametrize(
    ("hidden", "grid", "message"),
    [
        (32, (8, 16), r"\(8, 16\) is no square.*pointer"),
        (32, (12, 12), r"\(12, 12\) is no square"),
        (32, (2, 2), r"\(2, 2\) is no square"),
        (40, (8, 8), "agent.hidden=40 does not divide by 16"),
    ],
)
def test_a_deconvolution_head_refuses_what_it_cannot_reach(hidden, grid, message):
    with pytest.raises(ValueError, match=message):
        DeconvolutionHead(hidden, grid, blocks=0)


def test_a_pointer_refuses_a_grid_that_is_no_multiple_of_the_map():
    with pytest.raises(ValueError, match=r"\(12, 12\) is no multiple of the feature map of 8×8"):
        PointerHead(16, (12, 12), [(4, 8, 8)])


def test_sampled_frequencies_are_the_probabilities():
    """A chi-square test at a fixed seed, for two temperatures."""
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0, -30.0])
    count = 20_000
    for temperature in (1.0, 0.5):
        chosen = sample_categorical(logits.expand(count, 5), torch.Generator().manual_seed(1), temperature)
        seen = torch.bincount(chosen, minlength=5).double()
        expected = count * torch.softmax(logits.double() / temperature, dim=0)
        assert seen[4] == 0, "e⁻³⁰ is never in 20,000"
        chi_square = ((seen - expected)[:4].square() / expected[:4]).sum()
        assert chi_square < 16.3, "0.1% of 3 degrees of freedom"


def test_no_temperature_takes_the_likeliest():
    logits = torch.tensor([[0.0, 3.0, 1.0], [2.0, -1.0, 1.9]])
    assert sample_categorical(logits, None, 0.0).tolist() == [1, 0]


@pytest.mark.parametrize(("number", "choice"), [(0.0, 1), (1.0 - 2.0**-24, 3)])
def test_an_impossible_choice_is_not_even_made_at_the_ends(monkeypatch, number, choice):
    """The smallest and the largest of the random numbers fall on choices that have a probability."""
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.full(shape, number))
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.5, -torch.inf]])
    assert sample_categorical(logits, None, 1.0).tolist() == [choice]
