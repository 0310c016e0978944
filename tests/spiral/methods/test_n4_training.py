"""N4-Fields: what its networks are shown, what they learn of it, and by what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spiral.data.annotated import Annotated
from spiral.methods.n4_fields.encoding import Codes
from spiral.methods.n4_fields.model import BEFORE, EDGE, M, N, as_inputs
from spiral.methods.n4_fields.sampling import CROP, GRID, STEP, Patches, middles
from spiral.methods.n4_fields.training import CENTRE, Learning, LearningOptions
from tests.spiral.methods.n4_toys import CPU, NARROW, two_halves


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
