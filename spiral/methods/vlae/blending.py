"""The autoencoder of a fit that is done, for whoever wants to blend pictures."""

from __future__ import annotations

from pathlib import Path

from spiral.methods import find_experiment
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.vlae.model import LadderAutoencoder, Layout
from spiral.section import ConfigError, parse_section
from spiral.state import load_network, under_prefix

FORM = "mmd"


def read_autoencoder(folder: Path) -> LadderAutoencoder:
    """The autoencoder of the form with MMD in the folder of a fit.

    Raises:
        ConfigError: the folder holds no fit, one of another method, or one that is not done.
        WeightsError: it is damaged.
    """
    fit, states = read_fit(folder)
    if fit.method != "vlae":
        raise ConfigError(
            f"{folder} is a fit of {fit.method}, not of vlae: name a folder that `spiral fit vlae` filled"
        )
    read_results(folder)
    _, kind = find_experiment(fit.method, fit.experiment)
    layout = parse_section(kind.Options, fit.options, ("experiment",))
    assert isinstance(layout, Layout), "every experiment of vlae has one"
    network = LadderAutoencoder(layout).eval().requires_grad_(False)
    load_network(network, under_prefix(f"{FORM}/networks/autoencoder", states))
    return network
