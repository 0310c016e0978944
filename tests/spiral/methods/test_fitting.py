"""The loop around every experiment: what is interrupted goes on alike, and nothing of a person's is replaced."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from spiral.config import RewardTerm
from spiral.files import OutputError
from spiral.methods import METHODS, find_experiment, find_method
from spiral.methods.experiment import Experiment, ExperimentOptions, Part, Table
from spiral.methods.fitting import (
    CHECKPOINT,
    METRICS,
    Fit,
    Fitting,
    begin,
    load_parts,
    read_fit,
    read_results,
    unfinished,
)
from spiral.methods.judgement import FILE, Judgement, read_judgement
from spiral.rewards import build_reward, setting_of
from spiral.section import ConfigError
from tests.tiny import SHAPE, tiny_config


class Line(Part):
    """Learns y = 2 x by stochastic gradient descent."""

    def __init__(self, steps: int, seed: int) -> None:
        super().__init__(steps, seed)
        self.line = nn.Linear(1, 1)
        self.networks = {"line": self.line}
        self.optimizers = {"sgd": torch.optim.SGD(self.line.parameters(), 0.05, momentum=0.9)}

    def step(self, progress: float) -> dict[str, float]:
        x = torch.randn(16, 1, generator=self.generator)
        loss = (self.line(x) - 2 * x).square().mean() * (1 - progress / 2)
        self.optimizers["sgd"].zero_grad()
        loss.backward()
        self.optimizers["sgd"].step()
        return {"loss": float(loss.detach())}


class Lines(Experiment):
    """Two of them."""

    def __init__(self, options: ExperimentOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.parts = {"first": Line(options.steps, seed), "second": Line(options.steps, seed + 1)}

    def draw(self, folder: Path) -> None:
        (folder / "lines.png").write_bytes(b"")

    def measure(self) -> list[Table]:
        slopes = [float(part.networks["line"].get_parameter("weight").detach()) for part in self.parts.values()]
        return [
            Table("Slopes", ("part", "slope", "paper"), [(n, s, None) for n, s in zip(self.parts, slopes, strict=True)])
        ]

    def judgement(self) -> Judgement:
        return Judgement("lines", {"slope": np.array([2.0])}, {"width": 3})


def lines(steps: int = 50, seed: int = 0) -> Lines:
    return Lines(ExperimentOptions(steps=steps), seed, torch.device("cpu"))


def train(folder: Path, made: Lines, stop: Callable[[], bool] = lambda: False) -> bool:
    fit, states = read_fit(folder)
    load_parts(made, fit, states)
    return Fitting(folder, fit, made, lambda *_: None).train(stop)


def begun(folder: Path) -> Path:
    begin(folder, Fit("lines", "lines", 0, {"steps": 50}))
    return folder


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    return dict(read_fit(folder)[1])


@pytest.mark.parametrize("steps_before", [1, 25, 50, 51, 80])
def test_a_fit_that_was_interrupted_ends_as_one_that_was_not(tmp_path: Path, steps_before: int) -> None:
    assert train(begun(tmp_path / "whole"), lines())
    counter = iter(range(1000))
    assert not train(begun(tmp_path / "parts"), lines(), lambda: next(counter) + 1 >= steps_before)
    assert sum(read_fit(tmp_path / "parts")[0].steps.values()) == steps_before
    assert train(tmp_path / "parts", lines())
    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert sorted(whole) == sorted(parts)
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name], err_msg=name)


def test_a_fit_of_a_version_with_other_parts_is_refused_and_not_begun_anew(tmp_path: Path) -> None:
    train(begun(tmp_path), lines())
    fit, states = read_fit(tmp_path)
    renamed, smaller = lines(), lines()
    renamed.parts = {"first": renamed.parts["first"], "later": renamed.parts["second"]}
    with pytest.raises(ConfigError, match="has trained 'second', which .* has not .*: fit anew into another folder"):
        load_parts(renamed, fit, states)
    smaller.parts["second"].networks = {"line": torch.nn.Linear(2, 1)}
    with pytest.raises(ConfigError, match="the part 'second' of the fit is of another version"):
        load_parts(smaller, fit, states)


def test_parts_that_a_fit_has_not_trained_to_the_end_are_named(tmp_path: Path) -> None:
    train(begun(tmp_path), lines(), lambda: read_fit(tmp_path) is not None)
    assert unfinished(lines(), read_fit(tmp_path)[0]) == ["first", "second"]
    train(tmp_path, lines())
    assert unfinished(lines(), read_fit(tmp_path)[0]) == []
    assert unfinished(lines(51), read_fit(tmp_path)[0]) == ["first", "second"]


def test_rows_after_the_checkpoint_are_written_once(tmp_path: Path) -> None:
    train(begun(tmp_path), lines())
    rows = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert [(row["part"], row["step"]) for row in rows] == [(p, s) for p in ("first", "second") for s in (20, 40)]
    with (tmp_path / METRICS).open("a") as file:
        file.write(json.dumps({"part": "second", "step": 60, "loss": 0.0}) + "\n")
    train(tmp_path, lines())
    assert len((tmp_path / METRICS).read_text().splitlines()) == len(rows)


def test_tables_and_judgement_are_read_back_as_they_were(tmp_path: Path) -> None:
    made = lines()
    train(begun(tmp_path), made)
    tables = Fitting(tmp_path, read_fit(tmp_path)[0], made, lambda *_: None).finish()
    assert tables[0].rows[0][1] == pytest.approx(2.0, abs=0.2)
    assert [[*row] for row in read_results(tmp_path)[0].rows] == [[*row] for row in tables[0].rows]
    judgement = read_judgement(tmp_path, "lines")
    assert judgement.options == {"width": 3} and judgement.weights["slope"].tolist() == [2.0]
    with pytest.raises(ConfigError, match="is of lines, and the reward is called dann"):
        read_judgement(tmp_path, "dann")


def test_arrays_are_read_back_as_they_were_however_they_lie_in_memory(tmp_path: Path) -> None:
    columns = np.arange(6.0).reshape(2, 3).T
    arrays = {"columns": columns, "one": np.array(2.0), "every other": np.arange(9)[::2]}
    Judgement("lines", arrays).save(tmp_path)
    begin(tmp_path / "fit", Fit("lines", "lines", 0, {}))
    made = lines()
    made.parts["first"].state = lambda: arrays  # type: ignore[method-assign]
    Fitting(tmp_path / "fit", Fit("lines", "lines", 0, {}, {"first": 1}), made, lambda *_: None).save()
    states = {f"first/{name}": array for name, array in arrays.items()}
    for found, expected in (
        (read_judgement(tmp_path, "lines").weights, arrays),
        (read_fit(tmp_path / "fit")[1], states),
    ):
        assert sorted(found) == sorted(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty, and what is in it stays: give --resume"):
        begun(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b'{"__metadata__":{}}'])
def test_what_is_no_fit_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="holds no checkpoint.safetensors"):
        read_fit(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(ConfigError, match="is damaged"):
        read_fit(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"method": ["lines"]}, {"seed": -1}, {"seed": 10**30}, {"steps": {"first": -1}}, {"options": 3}],
)
def test_values_that_no_fit_has_are_named(tmp_path: Path, change: dict[str, object]) -> None:
    document = {"method": "lines", "experiment": "lines", "seed": 0, "options": {}, "steps": {}, "seconds": 0.0}
    save_file({}, tmp_path / CHECKPOINT, {"fit": json.dumps(document)})
    assert read_fit(tmp_path)[0].method == "lines"
    save_file({}, tmp_path / CHECKPOINT, {"fit": json.dumps(document | change)})
    with pytest.raises(ConfigError, match="is damaged"):
        read_fit(tmp_path)


@pytest.mark.parametrize("options", ["[]", "3", "null", "{"])
def test_a_judgement_whose_options_are_none_is_named(tmp_path: Path, options: str) -> None:
    save_file({}, tmp_path / FILE, {"method": "dtn", "options": options})
    with pytest.raises(ConfigError, match="is damaged"):
        read_judgement(tmp_path, "dtn")


def test_every_method_says_what_it_is_for_and_has_an_experiment_and_a_reward() -> None:
    for name, method in METHODS.items():
        assert method.purpose.endswith(".") and method.paper
        assert method.package == f"spiral.methods.{name}"
        assert all(issubclass(kind, Experiment) for kind in method.experiments.values()) and method.experiments
        assert find_experiment(name, None)[0] == next(iter(method.experiments))
        assert callable(method.reward.score)


def test_unknown_names_are_answered_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no method 'dan'; there are .*dual_distance"):
        find_method("dan")
    with pytest.raises(ConfigError, match="no experiment 'x' of dual_distance; there are alignment, digits"):
        find_experiment("dual_distance", "x")


@pytest.mark.parametrize("name", ["blank", "stroke_start", "discriminator", "dual_distance"])
def test_a_reward_that_needs_no_fit_takes_none(name: str, tmp_path: Path) -> None:
    """Whether the folder holds one or not, the way out is to leave it out."""
    where = setting_of(tiny_config(), SHAPE)
    term = RewardTerm.model_validate({"name": name, "from": str(tmp_path)})
    for _ in range(2):
        with pytest.raises(ConfigError, match=f"the reward '{name}' needs no fit: leave `from` out"):
            build_reward(term, where)
        Judgement(name, {"slope": np.zeros(1)}).save(tmp_path)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.reward.fit != "none"])
def test_a_reward_that_needs_a_fit_says_where_it_looked_for_one(name: str, tmp_path: Path) -> None:
    where = setting_of(tiny_config(), SHAPE)
    with pytest.raises(ConfigError, match="holds no judgement.safetensors"):
        build_reward(RewardTerm.model_validate({"name": name, "from": str(tmp_path / "no")}), where)


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spiral.methods.lrmf.reward", None)
    with pytest.raises(ConfigError, match=r"needs the package .*: pip install 'spiral-painter\[methods\]'"):
        print(METHODS["lrmf"].reward)
