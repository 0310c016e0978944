"""A fit ends with its tables, pictures and judge, and is no other method's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spiral.config import RewardTerm
from spiral.data import data_root
from spiral.methods import find_experiment
from spiral.methods.fitting import Fit, begin, read_fit, read_results
from spiral.methods.vlae.blending import read_autoencoder
from spiral.methods.vlae.eyes import Vgg
from spiral.rewards import build_reward
from spiral.rewards.base import Context
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.vlae_toys import CPU, DIGITS, TINY, noise, setting

fit_tiny = partial(tiny_fits.fit_tiny, "vlae")


def test_a_fit_ends_with_its_tables_pictures_and_judge_and_resumed_with_the_same_numbers(tmp_path: Path) -> None:
    fit_tiny("digits", DIGITS, tmp_path / "whole")
    fit_tiny("digits", DIGITS, tmp_path / "resumed", 9)
    tables = read_results(tmp_path / "whole")
    assert tables == read_results(tmp_path / "resumed")
    assert [len(table.rows) for table in tables] == [3, 6, 4, 6]
    pictures = {path.name for path in (tmp_path / "whole").glob("*.png")}
    assert pictures >= {"ladder-1.png", "ladder-3.png", "reconstructions.png", "samples.png", "slant.png"}
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name], err_msg=name)
    network = read_autoencoder(tmp_path / "whole")
    weight = network.state_dict()["decoder.top.0.weight"]
    assert torch.equal(weight, torch.from_numpy(whole["mmd/networks/autoencoder/decoder.top.0.weight"]))
    reward = build_reward(RewardTerm.model_validate({"name": "vlae", "from": str(tmp_path / "whole")}), setting())
    assert reward.score(noise(1, 3), Context(noise(2, 3), {})).shape == (3,)


def test_faces_in_four_ladders_end_with_their_tables(tmp_path: Path) -> None:
    for part in ("faces/faces128.zip", "weights/vgg16_features.safetensors"):
        if not (data_root() / part).is_file():
            pytest.skip(f"needs {data_root() / part}")
    fit_tiny("faces", {**TINY, "steps": 1, "pictures": 100, "measured": 40, "reader_steps": 1}, tmp_path)
    tables = read_results(tmp_path)
    assert [len(table.rows) for table in tables[:3]] == [3, 8, 5]
    assert [row[0] for row in tables[-1].rows] == ["light", "warm", "smile", "woman"]
    assert [row[1] for row in tables[-1].rows[:2]] == [1, 1], "what is measured of photos says what is wanted of them"
    assert tables[1].columns == ("ladder", "light", "warm", "smile", "woman")
    assert {path.name for path in tmp_path.glob("ladder-*.png")} == {f"ladder-{at}.png" for at in range(1, 5)}


def test_a_set_that_is_not_of_digits_is_refused(tmp_path: Path) -> None:
    for place in range(11):
        Image.new("L", (8, 8), place).save(tmp_path / f"{place}.png")
    _, kind = find_experiment("vlae", "digits")
    with pytest.raises(ConfigError, match="is not labelled from 0 to 9: name one of digits"):
        kind(parse_section(kind.Options, {**TINY, "data": f"folder:{tmp_path}"}), 0, CPU)


def test_a_fit_of_another_method_or_one_that_is_not_done_is_no_autoencoder(tmp_path: Path) -> None:
    begin(tmp_path / "other", Fit("lrmf", "digits", 0, {}))
    with pytest.raises(ConfigError, match="is a fit of lrmf, not of vlae"):
        read_autoencoder(tmp_path / "other")
    begin(tmp_path / "begun", Fit("vlae", "digits", 0, {}))
    with pytest.raises(ConfigError, match="fit to the end first"):
        read_autoencoder(tmp_path / "begun")


def test_vgg_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="photos are compared by VGG-16, whose weights are not in"):
        Vgg(tmp_path / "none.safetensors", CPU)
