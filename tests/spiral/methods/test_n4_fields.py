"""N4-Fields: codes and fields beside slow sums, and every patch in its place."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spiral.methods.n4_fields.encoding import Codes, as_bits, from_bits, pairs
from spiral.methods.n4_fields.field import (
    SLACK,
    Dictionary,
    DirectField,
    NearestField,
    averaged,
    codes_of,
    found_edges,
)
from spiral.methods.n4_fields.measures import agreement, drawn_alike, looked_up
from spiral.methods.n4_fields.model import AFTER, BEFORE, FIRST_NORM, M, N, PatchNetwork, dense
from spiral.methods.n4_fields.sampling import CROP, Sample
from tests.spiral.methods.n4_toys import network
from tests.spiral.methods.noise import random


def segments_of(count: int, seed: int = 0) -> Tensor:
    """Segments of patches that a line or two cross, [count, N · N]."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((N, N)) - (N - 1) / 2
    drawn = np.zeros((count, N, N), np.int32)
    for each in drawn:
        for bit in range(rng.integers(0, 3)):
            angle, off = rng.uniform(0, np.pi), rng.uniform(-7, 7)
            each += ((np.cos(angle) * x + np.sin(angle) * y > off) << bit).astype(np.int32)
    return torch.from_numpy(drawn).flatten(1)


def marks_of(segments: Tensor) -> Tensor:
    square = segments.view(-1, N, N)
    marks = torch.zeros_like(square, dtype=torch.bool)
    marks[:, :, :-1] |= square[:, :, 1:] != square[:, :, :-1]
    marks[:, :-1] |= square[:, 1:] != square[:, :-1]
    return marks.flatten(1)


def components(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The projections on the first principal components, by the eigenvectors of what the points have in common."""
    centred = points - points.mean(0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    return np.asarray(vectors[:, -count:] * np.sqrt(values[-count:].clip(0)))


def distances(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(((codes[:, None] - codes[None]) ** 2).sum(-1)))


def test_the_pairs_are_those_of_equation_3_4_1() -> None:
    segments = segments_of(3, seed=4)
    found = pairs(segments)
    assert found.shape == (3, 256 * 255 // 2)
    for row, values in zip(segments.tolist(), found.tolist(), strict=True):
        expected = [row[a] == row[b] for a in range(256) for b in range(a + 1, 256)]
        assert values == expected


@pytest.mark.parametrize("encoding", ["annotation", "pairs"])
def test_codes_are_principal_components_of_unit_variance_in_the_mean(encoding: Any) -> None:
    segments = segments_of(60)
    marks = marks_of(segments)
    codes = Codes(encoding, marks, segments, seed=0)(marks, segments).double().numpy()
    points = (marks.double() if encoding == "annotation" else pairs(segments).double()).numpy()
    expected = components(points, 16)
    expected /= np.sqrt((expected**2).sum(0).mean() / 59)
    np.testing.assert_allclose(distances(codes), distances(expected), atol=0.05)
    np.testing.assert_allclose(codes.mean(0), 0, atol=1e-3)
    assert codes.var(0, ddof=1).mean() == pytest.approx(1, rel=1e-3)


def test_patches_of_one_segment_have_one_code_and_numbers_do_not_matter() -> None:
    segments = segments_of(40)
    codes = Codes("pairs", marks_of(segments), segments, seed=0)
    flat = torch.cat((torch.zeros(1, N * N), torch.full((1, N * N), 7))).int()
    one, other = codes(marks_of(flat), flat)
    torch.testing.assert_close(one, other)
    renamed = 5 - segments
    torch.testing.assert_close(codes(marks_of(segments), segments), codes(marks_of(renamed), renamed))
    alone = torch.cat([codes(marks_of(each[None]), each[None]) for each in segments[:5]])
    torch.testing.assert_close(alone, codes(marks_of(segments), segments)[:5], rtol=1e-4, atol=1e-4)


def test_bits_keep_the_marks() -> None:
    marks = marks_of(segments_of(9))
    assert as_bits(marks).shape == (9, 32)
    assert torch.equal(from_bits(as_bits(marks)), marks.float())


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(9, 14), (16, 8)])
def test_a_picture_gives_what_its_patches_give_one_by_one(stride: int, size: tuple[int, int]) -> None:
    net, picture = network(), random(3, *size)
    found = dense(net, picture, stride)
    padded = np.pad(picture.numpy(), ((0, 0), (BEFORE, AFTER), (BEFORE, AFTER)), mode="symmetric")
    rows, columns = range(0, size[0], stride), range(0, size[1], stride)
    patches = torch.stack([torch.from_numpy(padded[:, y : y + M, x : x + M]) for y in rows for x in columns])
    alone = net(patches)
    assert alone.shape == (len(rows) * len(columns), 16, 1, 1), "a patch gives one output"
    expected = alone[:, :, 0, 0].T.reshape(16, len(rows), len(columns))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_nothing_is_computed_twice() -> None:
    net, counted = network(), list[int]()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _m, _i, maps: counted.append(maps.shape[0] * maps[0, 0].numel()))
    dense(net, random(3, 120, 160), 1)
    around = (120 + M) * (160 + M)
    assert len(counted) == 6 and all(places <= around for places in counted), "each layer once at each place"
    counted.clear()
    dense(net, random(3, 120, 160), 4)
    assert counted[0] <= around and counted[1] <= around / 4 and max(counted[2:]) <= around / 16
    counted.clear()
    dense(net, random(3, 120, 160), 8)
    assert max(counted[-2:]) <= around / 64, "the layers that see a patch as a whole see no patch between"


@pytest.mark.parametrize(("stride", "size"), [(1, (11, 20)), (2, (13, 9)), (4, (18, 21)), (8, (18, 27))])
def test_a_pixel_is_the_mean_of_the_patches_that_cover_it(stride: int, size: tuple[int, int]) -> None:
    rows, columns = (-(-side // stride) for side in size)
    patches = random(rows * columns, N * N)
    found, squares = averaged(patches, size, stride), patches.reshape(rows, columns, N, N)
    for y in range(size[0]):
        for x in range(size[1]):
            over = [
                float(squares[i, j, y - i * stride + N // 2, x - j * stride + N // 2])
                for i in range(rows)
                for j in range(columns)
                if 0 <= y - i * stride + N // 2 < N and 0 <= x - j * stride + N // 2 < N
            ]
            assert float(found[y, x]) == pytest.approx(np.mean(over), abs=1e-4)


def test_the_nearest_code_gives_its_annotation() -> None:
    rng = np.random.default_rng(0)
    codes, queries = rng.normal(size=(50, 16)).astype(np.float32), rng.normal(size=(30, 16)).astype(np.float32)
    dictionary = Dictionary(codes, as_bits(marks_of(segments_of(50))))
    far = distances(np.concatenate((queries, codes)).astype(float))[:30, 30:]
    found = far[range(30), dictionary.nearest(queries)]
    assert (found <= (1 + SLACK) * far.min(1)).all() and found.mean() < 1.02 * far.min(1).mean()
    assert dictionary.nearest(codes).tolist() == list(range(50))
    many = np.concatenate((codes, np.zeros((50, 112), np.float32)), 1)
    exact = Dictionary(many, as_bits(marks_of(segments_of(50))))
    assert exact.nearest(np.pad(queries, ((0, 0), (0, 112)))).tolist() == far.argmin(1).tolist()


def test_a_field_that_knows_all_patches_of_a_picture_says_its_annotation() -> None:
    picture, net = random(3, 24, 40), network()
    marks = torch.rand(24, 40, generator=torch.Generator().manual_seed(1)) < 0.2
    around = torch.nn.functional.pad(marks.float(), (N // 2, N // 2, N // 2, N // 2))
    patches = around.unfold(0, N, 4).unfold(1, N, 4)[:6, :10].reshape(60, N * N)
    codes = dense(net, picture, 4).flatten(1).T.contiguous().detach().numpy()
    field = NearestField(codes_of(net), Dictionary(codes, as_bits(patches)))
    with torch.no_grad():
        torch.testing.assert_close(field(picture, 4), marks.float())


def test_scales_and_members_are_means() -> None:
    image = np.random.default_rng(0).integers(256, size=(40, 52, 3), dtype=np.uint8)
    fields = [DirectField(network(outputs=256, seed=seed)) for seed in range(2)]
    mean = torch.full((3,), 0.5)
    both = found_edges(fields, image, mean, (0.5, 1.0), 4)
    alone = [found_edges([field], image, mean, (scale,), 4) for field in fields for scale in (0.5, 1.0)]
    np.testing.assert_allclose(both, np.mean(alone, 0), atol=1e-6)
    assert both.shape == (40, 52) and both.dtype == np.float32 and both.min() >= 0 and both.max() <= 1
    full = Dictionary(np.zeros((1, 16), np.float32), np.full((1, 32), 255, np.uint8))
    np.testing.assert_allclose(
        found_edges([NearestField(codes_of(network()), full)], image, mean, (0.5, 1, 2), 4), 1, atol=1e-6
    )
    tiny = found_edges(fields, image[:1, :3], mean, (0.5, 1, 2), 4)
    assert tiny.shape == (1, 3) and np.isfinite(tiny).all()


class Meeting(DirectField):
    """Looks at a picture when another does too, and remembers how."""

    def __init__(self, network: PatchNetwork) -> None:
        super().__init__(network)
        self.barrier = threading.Barrier(2, timeout=60)
        self.asked: list[tuple[int, int, int]] = []

    def __call__(self, picture: Tensor, stride: int) -> Tensor:
        self.barrier.wait()
        self.asked.append((picture.shape[1], stride, torch.get_num_threads()))
        return super().__call__(picture, stride)


def test_two_threads_share_the_jobs_and_find_what_one_does() -> None:
    image = np.random.default_rng(0).integers(256, size=(24, 32, 3), dtype=np.uint8)
    mean, net, threads = torch.full((3,), 0.5), network(outputs=256), torch.get_num_threads()
    meeting = Meeting(net)
    try:
        torch.set_num_threads(1)
        alone = found_edges([DirectField(net)] * 2, image, mean, (0.5, 1, 2), 8)
        torch.set_num_threads(2)
        both = found_edges([meeting] * 2, image, mean, (0.5, 1, 2), 8)
        assert torch.get_num_threads() == 2, "as before"
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(both, alone)
    asked = [(12, 4, 1), (24, 8, 1), (48, 8, 1)]
    assert sorted(meeting.asked) == sorted(2 * asked), "patches nearer to each other where the picture is smaller"


def test_half_precision_finds_nearly_the_same() -> None:
    net, picture = network(), random(3, 40, 48)
    with torch.no_grad():
        single, half = (dense(net, picture, 4, precision) for precision in ("float32", "bfloat16"))
    assert half.dtype == torch.float32 and 0 < float((half - single).abs().max()) < 0.05 * float(single.abs().max())


def test_the_filters_of_the_first_layer_are_limited_and_others_left() -> None:
    net = network()
    with torch.no_grad():
        net.first.weight[0] *= 100
    before = net.first.weight.clone()
    net.limit_filters()
    norms = net.first.weight.flatten(1).norm(dim=1)
    assert float(norms[0].detach()) == pytest.approx(FIRST_NORM) and float(norms.max().detach()) <= FIRST_NORM + 1e-5
    torch.testing.assert_close(net.first.weight[1:], before[1:])


def test_ink_is_judged_by_the_edges_near_it() -> None:
    edges = torch.zeros(1, 20, 20)
    edges[0, 10] = 1
    blank, other = torch.zeros(1, 20, 20), edges.roll(5, 1)
    assert float(drawn_alike(edges, edges, 1)) == 1 and float(drawn_alike(blank, blank, 1)) == 1
    assert float(drawn_alike(edges.roll(1, 1), edges, 1)) == 1 and float(drawn_alike(edges.roll(1, 1), edges, 0)) < 0.1
    assert float(drawn_alike(blank, edges, 1)) == pytest.approx(1 / 21)
    assert float(drawn_alike(other, edges, 1)) == pytest.approx(1 / 41)
    half = float(drawn_alike(0.5 * edges, edges, 1))
    assert half == pytest.approx((1 + 10 + 10) / (1 + 10 + 20)), "pale ink is less"
    everything = float(drawn_alike(torch.ones(1, 20, 20), edges, 1))
    assert everything == pytest.approx((1 + 60 + 20) / (1 + 400 + 20)), "ink that is not on edges costs"


def test_a_patch_that_is_looked_up_by_its_own_codes_finds_itself() -> None:
    segments = segments_of(40)
    marks = marks_of(segments)
    codes = Codes("annotation", marks, segments, 0)
    sample = Sample(random(1, 3, CROP, CROP), marks, segments)
    neural = random(40, 16)
    found = looked_up(sample, neural, Dictionary(neural.numpy(), as_bits(marks)), codes)
    for way in ("neural / neural", "target / target"):
        assert agreement(marks, found[way]) == (1, 1)
    assert agreement(marks, found["neural / target"])[0] < 0.8
