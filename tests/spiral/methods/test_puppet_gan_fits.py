"""PuppetGAN: every model learns by the terms of its equations, and its experiments in small."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from spiral.data import DatasetError
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.puppet_gan.comparing import MODELS, Model
from spiral.methods.puppet_gan.model import (
    Code,
)
from spiral.methods.puppet_gan.puppet import PuppetGan
from spiral.methods.puppet_gan.training import Batch, Training
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.faces_folder import save_labelled
from tests.spiral.methods.puppet_toys import TINY, toy

CPU = torch.device("cpu")
DIGITS = {**TINY, "data": "mnist5k", "reader_epochs": 1}
ALL = list(get_args(Model))


def batch_of(training: Training) -> Batch:
    a = training.real.inputs(torch.arange(4))
    return Batch(a, *training.demonstrations.triples(4, torch.Generator().manual_seed(5)))


def test_the_terms_are_the_equations_one_by_one() -> None:
    training = toy(noise=0.0)
    assert isinstance(training, PuppetGan)
    net, batch = training.network, batch_of(training)

    def alpha(pictures: Tensor) -> Tensor:
        seen: Tensor = net.encoder(pictures).attribute
        return seen

    def rho(pictures: Tensor) -> Tensor:
        seen: Tensor = net.encoder(pictures).rest
        return seen

    def real(attribute: Tensor, rest: Tensor) -> Tensor:
        drawn: Tensor = net.real(Code(attribute, rest))
        return drawn

    def synthetic(attribute: Tensor, rest: Tensor) -> Tensor:
        drawn: Tensor = net.synthetic(Code(attribute, rest))
        return drawn

    def error(drawn: Tensor, wanted: Tensor) -> float:
        return float((drawn - wanted).abs().mean())

    with torch.no_grad():
        terms, drawn = training.learn(batch, 0.0)
        a, b1, b2, b3 = batch.a, batch.b1, batch.b2, batch.b3
        as_synthetic, as_real = synthetic(alpha(a), rho(a)), real(alpha(b1), rho(b1))
        puppet, other_puppet = real(alpha(b1), rho(a)), synthetic(alpha(a), rho(b1))
        expected = {
            "reconstruction": error(real(alpha(a), rho(a)), a) + error(synthetic(alpha(b1), rho(b1)), b1),
            "disentanglement": error(synthetic(alpha(b1), rho(b2)), b3),
            "cycle": error(real(alpha(as_synthetic), rho(as_synthetic)), a)
            + error(synthetic(alpha(as_real), rho(as_real)), b1),
            "attribute, synthetic": error(synthetic(alpha(puppet), rho(b2)), b3),
            "attribute, real": error(real(alpha(other_puppet), rho(a)), a),
            "rest, real": error(real(alpha(a), rho(puppet)), a),
        }
    assert {name: float(value) for name, (_, value) in terms.items()} == pytest.approx(expected, rel=1e-4)
    assert [weight for weight, _ in terms.values()] == [10, 10, 10, 5, 3, 10]
    torch.testing.assert_close(drawn["real"], torch.cat((puppet, as_real)))
    torch.testing.assert_close(drawn["synthetic"], torch.cat((as_synthetic, other_puppet)))


def test_the_ablation_lacks_the_compositional_losses_alone() -> None:
    kept = {"reconstruction", "disentanglement", "cycle"}
    judged = {"deception, real", "deception, synthetic", "discrimination"}
    assert set(toy("without-composition").step(0)) == kept | judged
    assert set(toy().step(0)) == kept | judged | {"attribute, synthetic", "attribute, real", "rest, real"}


@pytest.mark.parametrize("kind", ALL)
def test_every_model_learns_and_draws_each_picture_after_each_reference(kind: Model) -> None:
    training = toy(kind)
    before = {name: value.clone() for name, value in training.network.named_parameters()}
    measured = [training.step(0) for _ in range(8)]
    assert all(math.isfinite(value) for row in measured for value in row.values())
    unused = {"cycle-vae", "dida"}  # nobody judges there
    assert ("discrimination" in measured[0]) == (kind not in unused)
    moved = [not torch.equal(before[name], value) for name, value in training.network.named_parameters()]
    assert all(moved)
    real, references = training.real.inputs(slice(0, 3)), training.demonstrations.inputs()[:5]
    drawn = training.manipulated(real, references)
    assert drawn.shape == (3, 5, 1, 16, 16) and not drawn.requires_grad
    torch.testing.assert_close(drawn[1:2, 2:4], training.manipulated(real[1:2], references[2:4]))
    assert torch.equal(drawn[0], drawn[1]) == (kind == "cyclegan"), "it draws the reference alone"


def test_puppet_gan_learns_to_reconstruct_to_disentangle_and_to_compose() -> None:
    training = toy()
    measured = [training.step(0) for _ in range(50)]
    for name in ("reconstruction", "disentanglement", "attribute, synthetic"):
        first, last = (np.mean([row[name] for row in rows]) for rows in (measured[:5], measured[-5:]))
        assert last < 0.6 * first, name


fit_tiny = partial(tiny_fits.fit_tiny, "puppet_gan")


def numbers(row: tuple[str | float | None, ...]) -> list[float]:
    """What was measured in a row: the paper's figures, and names, are left out."""
    return [value for value in row[1 : (len(row) + 1) // 2] if isinstance(value, float)]


@pytest.mark.parametrize("experiment", ["size", "rotation"])
def test_every_row_of_the_table_is_measured(experiment: str, tmp_path: Path) -> None:
    fit_tiny(f"{experiment}-table", DIGITS, tmp_path)
    table, discrepancies = read_results(tmp_path)
    assert [row[0] for row in table.rows[:-2]] == [MODELS[name][0] for name in ALL]
    assert table.rows[0][5:] == (*((0.73, 0.85, 0.02, 0.02) if experiment == "size" else (0.97, 0.40, 0.11, 0.01)),)
    _, correlated, leaked, varying = numbers(table.rows[-2])
    assert correlated > 0.3 and leaked < 1e-3 and varying < 1e-6, "the truth takes over the attribute alone"
    assert numbers(table.rows[-1])[1:] == pytest.approx([0, 0, 0], abs=1e-3)
    assert all(value >= 0 for row in discrepancies.rows for value in numbers(row))
    for name in ALL:
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 32


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(tmp_path: Path) -> None:
    """Within the second model."""
    fit_tiny("size", DIGITS, tmp_path / "whole")
    fit_tiny("size", DIGITS, tmp_path / "resumed", 5)
    assert read_results(tmp_path / "whole") == read_results(tmp_path / "resumed")
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array, err_msg=name)


def add_landmarks(root: Path, count: int) -> None:
    """Every mouth is open by a tenth of the distance of the eyes for each ten faces."""
    points = [[(1.0, 1.0)] * 68 for _ in range(count)]
    for i, face in enumerate(points):
        face[36], face[45], face[62], face[66] = (8.0, 10.0), (24.0, 10.0), (16.0, 20.0), (16.0, 20.0 + 0.16 * i)
        face[39], face[42] = (14.0, 10.0), (18.0, 10.0)
    file = root / "faces" / "labels.csv"
    first, *rows = file.read_text().splitlines()
    told = [";".join(f"{x},{y}" for x, y in face) for face in points]
    lines = [f"{first},landmarks", *(f'{row},"{one}"' for row, one in zip(rows, told, strict=True))]
    file.write_text("\n".join(lines) + "\n")


def test_photos_open_their_mouths_after_drawn_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_labelled(tmp_path, 40)
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    options = {**TINY, "side": 32, "models": ["puppet_gan"]}
    with pytest.raises(DatasetError, match="landmarks"):
        fit_tiny("mouth", options, tmp_path / "without")
    add_landmarks(tmp_path, 40)
    made = fit_tiny("mouth", options, tmp_path / "run")
    table, _ = read_results(tmp_path / "run")
    assert [row[0] for row in table.rows] == ["PuppetGAN", "real pictures as they are"]
    assert table.rows[1][1] == 1.0, "everyone is found in their own photo"
    shown = made.near.asked.images.float()  # type: ignore[attr-defined]
    changed = (shown[:, -1] - shown[:, 0]).abs().mean((0, 2, 3))
    assert changed[16:].max() > 0 and changed[:16].max() == 0, "the mouth changes, and nothing else"
