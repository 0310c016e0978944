"""VGG networks from files of weights, LPIPS, and what is said where a file is missing or of something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from spiral.data import DatasetCorrupt, DatasetMissing
from spiral.methods import METHODS
from spiral.methods.lpips import LAYERS, Lpips
from spiral.methods.vgg import IMAGENET, read_vgg, until, vgg_file
from spiral.section import parse_section
from tests.spiral.methods.faces_folder import save_faces
from tests.spiral.methods.vgg_weights import VGG_16, VGG_19, WIDTHS, save_vgg, save_weights

CPU = torch.device("cpu")
PICTURES = torch.rand(2, 3, 21, 21, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("counts", [VGG_16, VGG_19], ids=["vgg-16", "vgg-19"])
def test_the_layers_of_any_of_the_family_are_found_by_their_names(counts: tuple[int, ...], tmp_path: Path) -> None:
    path = save_vgg(tmp_path / "vgg.safetensors", counts)
    vgg, weights = read_vgg(path, ["conv5_1"]), load_file(path)
    assert vgg.blocks == [[width] * count for count, width in zip(counts, WIDTHS, strict=True)]
    mean, spread = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET)
    seen, number, expected = (PICTURES - mean) / spread, 0, {}
    for block, count in enumerate(counts, 1):
        for convolution in range(1, count + 1):
            weight, bias = (weights[f"features.{number}.{name}"].float() for name in ("weight", "bias"))
            seen = functional.conv2d(seen, weight, bias, padding=1).relu()
            expected[f"conv{block}_{convolution}"] = seen
            number += 2
        seen = functional.max_pool2d(seen, 2, ceil_mode=True)
        number += 1
    found = vgg(PICTURES, list(expected))
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)
    shorter = until(vgg, "conv4_1")
    assert shorter.blocks == [*vgg.blocks[:3], [WIDTHS[3]]]
    torch.testing.assert_close(shorter(PICTURES, ["conv4_1"])["conv4_1"], expected["conv4_1"])


def test_what_is_left_over_at_an_odd_edge_is_kept_or_left_out(tmp_path: Path) -> None:
    path = save_vgg(tmp_path / "vgg.safetensors")
    odd = torch.rand(1, 3, 125, 125)
    kept, left_out = (read_vgg(path, ["conv5_1"], whole)(odd, ["conv5_1"])["conv5_1"] for whole in (True, False))
    assert (kept.shape[-1], left_out.shape[-1]) == (8, 7)
    assert until(read_vgg(path, [], whole=False), "conv3_1").whole is False


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), r"this needs the weights of a VGG network in .*vgg\.safetensors: put .* there"),
        (lambda path: path.write_bytes(b"hello"), "is damaged or of no VGG network .*: give weights as torchvision's"),
        (lambda path: save_file({}, path), "is damaged or of no VGG network"),
        (lambda path: save_file({"features.0.weight": torch.zeros(4, 3, 3, 3)}, path), "is damaged or of no VGG"),
        (lambda path: save_file({"features.1.weight": torch.zeros(4)}, path), "its convolutions are numbered"),
        (lambda path: save_file({"features.x.weight": torch.zeros(4)}, path), "is damaged or of no VGG network"),
        (lambda path: save_vgg(path, (2, 2), (4, 4)), "holds a network without conv5_1: give VGG-16 or VGG-19"),
    ],
    ids=["missing", "no weights", "empty", "cut off", "another network", "no number", "too shallow"],
)
def test_a_file_that_is_no_vgg_is_named_with_the_way_out(
    damage: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    path = save_vgg(tmp_path / "vgg.safetensors")
    damage(path)
    with pytest.raises((DatasetMissing, DatasetCorrupt), match=message) as refused:
        read_vgg(path, ["conv5_1"])
    assert len(str(refused.value).splitlines()) == 1


VGG, LPIPS = "vgg16_features.safetensors", "lpips_vgg.safetensors"
TRAVERSALS = [("manifold_traversal", name) for name in METHODS["manifold_traversal"].experiments]


@pytest.mark.parametrize(
    ("method", "experiment", "lacking"),
    [("dtn", "style", VGG), *((*user, lacking) for user in TRAVERSALS for lacking in (VGG, LPIPS))],
)
def test_whoever_needs_weights_says_so_before_anything_is_learned(
    method: str, experiment: str, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    save_weights(tmp_path)
    (tmp_path / "weights" / lacking).unlink()
    faces = save_faces(tmp_path)
    options: dict[str, Any] = {"data": faces, "set_size": 5, "steps": 1}
    if method == "dtn":
        options = {"source": faces, "pictures": 24, "perception_width": 4, "width": 4}
    elif experiment in ("attribute", "penalties"):
        options["attribute"] = "fair-hair"
    kind = METHODS[method].experiments[experiment]
    with pytest.raises(DatasetMissing, match=f"weights .*in {tmp_path}.*{lacking}: put {lacking} there") as refused:
        kind(parse_section(kind.Options, options), 0, CPU)
    assert len(str(refused.value).splitlines()) == 1


def test_lpips_is_nothing_for_the_same_and_grows_with_what_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    save_weights(tmp_path)
    distance, noise = Lpips(CPU), torch.randn(PICTURES.shape, generator=torch.Generator().manual_seed(1))
    assert distance(PICTURES, PICTURES).tolist() == [0, 0]
    grown = [distance(PICTURES, (PICTURES + spread * noise).clamp(0, 1)) for spread in (0.05, 0.2, 0.6)]
    assert (torch.stack(grown).diff(dim=0) > 0).all()
    torch.testing.assert_close(distance(PICTURES, noise), distance(noise, PICTURES))
    seen = [distance.vgg(pictures, LAYERS) for pictures in (PICTURES, noise)]
    expected = torch.zeros(2)
    for name in LAYERS:
        one, other = (functional.normalize(each[name], dim=1) for each in seen)
        expected += 0.5 * (one - other).square().sum(1).mean((1, 2))
    torch.testing.assert_close(distance(PICTURES, noise), expected)


def test_lpips_of_noise_is_as_published() -> None:
    if not vgg_file().is_file():
        pytest.skip(f"needs the weights of VGG-16 in {vgg_file()}")
    ones, others = torch.rand(2, 3, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    assert float(Lpips(CPU)(ones, others).mean()) == pytest.approx(0.349, abs=0.012)
