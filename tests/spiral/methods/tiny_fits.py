"""Small fits through the loop that `spiral fit` goes through, from the first step to the results."""

from __future__ import annotations

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
    method: str, experiment: str, options: dict[str, Any], folder: Path, stop_after: int | None = None
) -> Experiment:
    """The experiment when it is over; with `stop_after`, it is interrupted after so many steps, made anew, resumed."""
    _, kind = find_experiment(method, experiment)
    fit = Fit(method, experiment, SEED, parse_section(kind.Options, options).model_dump(mode="json"))
    begin(folder, fit)
    made = kind(parse_section(kind.Options, fit.options), SEED, CPU)
    if stop_after is not None:
        left = iter(range(stop_after))
        assert not Fitting(folder, fit, made, lambda *_: None).train(lambda: next(left, None) is None)
        fit, states = read_fit(folder)
        made = kind(parse_section(kind.Options, fit.options), SEED, CPU)
        load_parts(made, states)
    fitting = Fitting(folder, fit, made, lambda *_: None)
    assert fitting.train()
    fitting.finish()
    return made
