"""N4-Fields: codes and fields beside slow sums, every patch in its place, experiments in small, and the reward."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat
from torch import Tensor, nn

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.data import DatasetError, DatasetMissing, regions, vessels
from spiral.data.annotated import Annotated
from spiral.methods import find_experiment
from spiral.methods.fitting import Fit, Fitting, begin, load_parts, read_fit, read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.n4_fields import comparing, train
from spiral.methods.n4_fields import reward as judging
from spiral.methods.n4_fields.comparing import Comparison
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
from spiral.methods.n4_fields.model import AFTER, BEFORE, EDGE, FIRST_NORM, M, N, PatchNetwork, as_inputs, dense
from spiral.methods.n4_fields.reward import N4Fields, judgement_of
from spiral.methods.n4_fields.sampling import CROP, GRID, STEP, Patches, Sample, middles
from spiral.methods.n4_fields.training import CENTRE, Learning, LearningOptions
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError, parse_section

CPU = torch.device("cpu")
NARROW = 0.03
TINY: dict[str, Any] = {
    "steps": 2,
    "pictures": 3,
    "held_out": 2,
    "members": 2,
    "entries": 64,
    "width": 0.02,
    "crops": 1,
    "sift": False,
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def network(channels: int = 3, outputs: int = 16, seed: int = 0) -> PatchNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PatchNetwork(channels, outputs, NARROW).eval()


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


def two_halves(size: int = 120) -> Annotated:
    """Dark and light on both sides of a slanted line, which is where the annotation says."""
    y, x = np.indices((size, size))
    segments = (x + 0.4 * y > 0.7 * size).astype(np.int32)
    image = np.repeat((40 + 160 * segments)[..., None], 3, -1).astype(np.uint8)
    return Annotated(image, segments[None], np.ones((size, size), bool))


def test_a_picture_and_its_annotation_are_turned_alike() -> None:
    patches = Patches([two_halves()], thin=False, device=CPU)
    sample = patches.draw(12, torch.Generator().manual_seed(0))
    assert sample.crops.shape == (12, 3, CROP, CROP) and sample.marks.shape == (12 * GRID**2, N * N)
    light = torch.stack([middles(each) for each in (sample.crops[:, 0] > 0)]).flatten(0, 1)
    assert float((light == (sample.segments > 0)).float().mean()) > 0.99
    crossed = (sample.segments != sample.segments[:, :1]).any(1)
    assert torch.equal(sample.marks.any(1) | ~crossed, torch.ones_like(crossed)), "where segments meet is a mark"
    thin = Patches([two_halves()], thin=True, device=CPU).draw(4, torch.Generator().manual_seed(0))
    assert torch.equal(thin.marks, thin.segments > 0)


def test_half_of_the_crops_keep_the_pixels_of_the_picture() -> None:
    image = np.random.default_rng(0).integers(256, size=(90, 110, 3), dtype=np.uint8)
    patches = Patches([Annotated(image, np.zeros((1, 90, 110), np.int32), np.ones((90, 110), bool))], False, CPU)
    there = set(as_inputs(image, patches.mean, CPU)[0].mul(100).round().flatten().tolist())
    crops = patches.draw(60, torch.Generator().manual_seed(0)).crops[:, 0, 10:20, 10:20].mul(100).round()
    kept = [set(crop.flatten().tolist()) <= there for crop in crops]
    assert 18 < sum(kept) < 42


def test_the_middles_are_where_patches_are_annotated() -> None:
    crop = torch.arange(CROP * CROP).view(CROP, CROP)
    found = middles(crop)
    for place in (0, 10, GRID**2 - 1):
        down, right = (STEP * each for each in divmod(place, GRID))
        expected = crop[down : down + M, right : right + M][EDGE : EDGE + N, EDGE : EDGE + N].flatten()
        assert torch.equal(found[place], expected)
        assert int(found[place, CENTRE]) == int(crop[down + BEFORE, right + BEFORE]), "the pixel it stands for"


@pytest.mark.parametrize("target", ["central", "patch", "annotation"])
def test_each_network_learns_what_two_halves_have(target: Any) -> None:
    patches = Patches([two_halves()], thin=False, device=CPU)
    sample = patches.draw(6, torch.Generator().manual_seed(5))
    wanted = Codes(target, sample.marks, sample.segments, 0) if target == "annotation" else target
    options = LearningOptions(steps=80, width=NARROW, crops=2, learning_rate=5e-3)
    learning = Learning(options, patches, wanted, seed=0)
    learning.network.eval()
    before = float(learning.loss(sample).detach())
    for step in range(80):
        learning.step(step / 80)
    assert float(learning.loss(sample).detach()) < 0.9 * before


def test_the_loss_of_pixels_is_that_of_those_that_the_network_is_for() -> None:
    patches = Patches([two_halves()], thin=False, device=CPU)
    sample = patches.draw(1, torch.Generator().manual_seed(0))
    for target, wanted in (("central", sample.marks[:, CENTRE : CENTRE + 1]), ("patch", sample.marks)):
        learning = Learning(LearningOptions(width=NARROW), patches, target, seed=0)  # type: ignore[arg-type]
        learning.network.eval()
        logits = learning.network(sample.crops).detach()[0].flatten(1).T.double()
        chance = torch.where(wanted, logits.sigmoid(), 1 - logits.sigmoid())
        assert float(learning.loss(sample).detach()) == pytest.approx(float(-chance.log().mean()), rel=1e-4)


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


def fit_tiny(experiment: str, options: dict[str, Any], folder: Path, stop_after: int = 0) -> Comparison:
    """An experiment fitted, measured and drawn, or interrupted and taken up again after so many steps, and fitted."""
    _, kind = find_experiment("n4_fields", experiment)
    parsed = parse_section(kind.Options, {**TINY, **options})
    fit = Fit("n4_fields", experiment, 3, parsed.model_dump(mode="json"))
    begin(folder, fit)
    made = kind(parsed, 3, CPU)
    if stop_after:
        left = iter(range(stop_after - 1))
        assert not Fitting(folder, fit, made, lambda *_: None).train(lambda: next(left, None) is None)
        fit, states = read_fit(folder)
        made = kind(parse_section(kind.Options, fit.options), 3, CPU)
        load_parts(made, states)
    fitting = Fitting(folder, fit, made, lambda *_: None)
    assert fitting.train()
    if not stop_after:
        fitting.finish()
    assert isinstance(made, Comparison)
    return made


@pytest.fixture(autouse=True, scope="module")
def small_pictures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "SIZE", 64)
        patch.setattr(vessels, "SIZE", 64)
        patch.setattr(comparing, "VALIDATED", 2)
        patch.setattr(train, "SPEED_SIZE", (32, 48))
        yield


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, small_pictures: None) -> Path:
    folder = tmp_path_factory.mktemp("fit") / "edges"
    fit_tiny("edges", {}, folder)
    return folder


def test_edges_end_with_every_table_and_picture(fitted: Path) -> None:
    tables = {table.title: table for table in read_results(fitted)}
    figures = ("3.I)", "3.I B)", "3.5)", "3.6)", "3.4)", "480×320 pixels")
    assert all(any(title.endswith(each) for title in tables) for each in figures)
    compared = tables["What is found (table 3.I)"]
    assert [row[0] for row in compared.rows] == ["N4-Fields", "N4-Fields, AE", "CNN-patch", "CNN-central"]
    assert all(0 <= value <= 1 for row in compared.rows for value in row[1:4] if isinstance(value, float))
    assert compared.rows[1][4:] == (0.75, 0.77, 0.78)
    for name in ("found", "curves", "training", "matches", "tolerance"):
        with Image.open(fitted / f"{name}.png") as picture:
            assert picture.width > 100


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(fitted: Path, tmp_path: Path) -> None:
    made = fit_tiny("edges", {}, tmp_path / "again", stop_after=3)
    (_, first), (_, second) = read_fit(fitted), read_fit(tmp_path / "again")
    assert sorted(first) == sorted(second) and any("looks" in name for name in first)
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)
    one, other = read_judgement(fitted, "n4_fields"), made.judgement()
    assert other is not None and one.options == other.options
    for name, array in one.weights.items():
        np.testing.assert_array_equal(other.weights[name], array, err_msg=name)


def test_vessels_are_compared_pixel_by_pixel(tmp_path: Path) -> None:
    made = fit_tiny("vessels", {"members": 1, "data": "vessels"}, tmp_path)
    titles = [table.title for table in read_results(tmp_path)]
    assert made.data.thin and titles[0].endswith("3.I)") and not any("tolerance" in title for title in titles)
    assert (tmp_path / "judgement.safetensors").is_file() and not (tmp_path / "tolerance.png").exists()


def test_pictures_with_depth_are_compared_and_make_no_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, top = np.random.default_rng(0), tmp_path / "nyu-rgbd"
    cells = np.empty((1, 1), object)
    for split, count in (("train", 4), ("test", 1)):
        for part in ("images", "groundTruth", "depth"):
            (top / part / split).mkdir(parents=True)
        for number in range(count):
            segments = (np.indices((48, 64))[1] > rng.integers(20, 44)).astype(np.uint16) + 1
            cells[0, 0] = {"Segmentation": segments}
            content = io.BytesIO()
            savemat(content, {"groundTruth": cells})
            (top / "groundTruth" / split / f"{number}.mat").write_bytes(content.getvalue())
            Image.fromarray(np.repeat(100 * segments[..., None], 3, -1).astype(np.uint8)).save(
                top / "images" / split / f"{number}.png"
            )
            Image.fromarray(20_000 * segments).save(top / "depth" / split / f"{number}.png")
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    made = fit_tiny("edges", {"members": 1, "data": "nyu-rgbd", "entries": 32}, tmp_path / "fit")
    assert made.patches.channels == 4 and made.judgement() is None
    assert read_results(tmp_path / "fit")[0].rows[0][4:] == (0.61, 0.62, 0.56)
    with pytest.raises(DatasetError, match=r"no annotated pictures are called 'nyu'"):
        fit_tiny("edges", {"data": "nyu"}, tmp_path / "other")
    for number in (2, 3):
        (top / "images" / "train" / f"{number}.png").unlink()
    with pytest.raises(DatasetMissing, match="has 2 pictures to train on, and 2 are to validate: give more"):
        fit_tiny("edges", {"data": "nyu-rgbd"}, tmp_path / "few")


def test_sift_describes_a_patch_as_it_does_where_it_is_cut_out() -> None:
    pytest.importorskip("kornia")
    from spiral.methods.n4_fields import sift

    crops = random(1, 3, CROP, CROP)
    of_crop, of_picture = sift.describe_crops(crops)[0], sift.describe(crops[0], 1)
    assert of_crop.shape == (128, GRID, GRID) and of_picture.shape == (128, CROP, CROP)
    inside = of_picture[:, BEFORE::STEP, BEFORE::STEP][:, :GRID, :GRID]
    torch.testing.assert_close(of_crop, inside, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(of_crop.norm(dim=0), torch.ones(GRID, GRID), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(sift.describe_crops(3 * crops), of_crop[None], rtol=1e-3, atol=1e-4)


def edge_judge(shape: tuple[int, int, int], seed: int = 0) -> N4Fields:
    """A judge whose dictionary is right for two halves: its codes are a network's, fresh as it is."""
    patches = Patches([two_halves()], thin=False, device=CPU)
    net = network(seed=seed)
    sample = patches.draw(24, torch.Generator().manual_seed(2))
    with torch.no_grad():
        codes = net(sample.crops).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    made = judgement_of(net, Dictionary(codes, as_bits(sample.marks)), patches.mean, NARROW, 0.3, 8)
    setting = Setting(shape, conditional=True, device=CPU, precision="float32", seed=0)
    judge = N4Fields(setting, N4Fields.Options(**made.options))
    judge.load_weights(made.weights)
    return judge


def test_a_line_drawing_is_paid_more_than_anything_else() -> None:
    halves = two_halves(96)
    target = halves.image[None]
    judge = edge_judge((96, 96, 3))
    ink = judge.edges(target[0])
    assert 48 < ink.sum() < 300
    right = np.repeat(np.where(ink, 0, 255)[None, ..., None], 3, -1).astype(np.uint8)
    renders = [right, np.roll(right, 2, 2), np.roll(right, 30, 2), np.full_like(right, 255), 0 * right, target]
    context = Context(np.repeat(target, 6, 0), {})
    exact, near, far, blank, black, photograph = judge.score(np.concatenate(renders), context).tolist()
    assert exact == pytest.approx(1) and near > 0.9
    assert near > max(far, blank, black, photograph)


def test_a_picture_has_the_same_edges_in_any_company_and_grey_is_colour_without() -> None:
    judge, grey = edge_judge((64, 64, 3)), edge_judge((64, 64, 1))
    rng = np.random.default_rng(0)
    targets = rng.integers(256, size=(3, 64, 64, 1), dtype=np.uint8)
    renders = rng.integers(256, size=(3, 64, 64, 1), dtype=np.uint8)
    scores = grey.score(renders, Context(targets, {}))
    alone = [grey.score(renders[n : n + 1], Context(targets[n : n + 1], {})) for n in range(3)]
    assert torch.equal(scores, torch.cat(alone)) and scores.dtype == torch.float32
    colored = judge.score(np.repeat(renders, 3, -1), Context(np.repeat(targets, 3, -1), {}))
    torch.testing.assert_close(colored, scores)


def test_edges_that_are_known_are_not_found_again_and_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "REMEMBERED", 2)
    judge, asked = edge_judge((16, 16, 3)), list[int]()
    found = judge._found

    def ask(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
        asked.append(1)
        return found(picture)

    monkeypatch.setattr(judge, "_found", ask)
    pictures = np.random.default_rng(0).integers(256, size=(3, 16, 16, 3), dtype=np.uint8)
    for order, times in (((0, 1, 0, 1), 2), ((2,), 3), ((1, 2), 3), ((0,), 4)):
        for place in order:
            judge.edges(pictures[place])
        assert len(asked) == times


def test_the_reward_says_what_it_lacks(fitted: Path) -> None:
    judge = edge_judge((16, 16, 3))
    pictures = np.zeros((2, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match=r"'n4_fields'.*conditional=true"):
        judge.score(pictures, Context(None, {}))
    with pytest.raises(ValueError, match="n4_fields"):
        judge.score(pictures[:, :8], Context(pictures, {}))
    with pytest.raises(ValueError, match="one picture or more"):
        judge.score(pictures[:0], Context(pictures[:0], {}))
    weights = judge.weights()
    for name in ("codes", "annotations", "mean", "first.weight"):
        with pytest.raises(WeightsError):
            judge.load_weights({key: array for key, array in weights.items() if key != name})
    with pytest.raises(WeightsError, match="dictionary"):
        judge.load_weights({**weights, "codes": weights["codes"][:-1]})
    with pytest.raises(WeightsError, match="finite"):
        judge.load_weights({**weights, "mean": np.full(3, np.nan, np.float32)})
    with pytest.raises(ConfigError, match="n4_fields"):
        build_reward(RewardTerm.model_validate({"name": "n4_fields"}), judge.setting)
    term = RewardTerm.model_validate({"name": "n4_fields", "from": str(fitted)})
    first, second = (build_reward(term, judge.setting) for _ in range(2))
    context = Context(pictures, {})
    assert torch.equal(first.score(pictures + 9, context), second.score(pictures + 9, context))
