"""Small fits through the loop that `spiral fit` goes through, from the first step to the results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from spiral.methods import find_experiment
from spiral.methods.experiment import Experiment
from spiral.methods.fitting import Fit, Fitting, begin, load_parts, read_fit
from spiral.section import parse_section

SEED = 3
CPU = torch.device("cpu")


def fit_tiny(
    method: str, experiment: str, options: dict[str, Any], folder: Path, *stops: int, finish: bool = True
) -> Experiment:
    """The experiment when it is over, and measured and drawn unless `finish` is false.

    After so many steps of all parts as `stops` say it is interrupted, made anew, and resumed.
    """
    _, kind = find_experiment(method, experiment)
    begin(folder, Fit(method, experiment, SEED, parse_section(kind.Options, options).model_dump(mode="json")))
    for stop in (*stops, math.inf):
        fit, states = read_fit(folder)
        made = kind(parse_section(kind.Options, fit.options), SEED, CPU)
        load_parts(made, fit, states)
        fitting = Fitting(folder, fit, made, lambda *_: None)
        assert fitting.train(lambda: sum(fit.steps.values()) >= stop) == (stop is math.inf)  # noqa: B023 (called here)
    if finish:
        fitting.finish()
    return made
