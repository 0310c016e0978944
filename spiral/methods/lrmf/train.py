"""The experiments of LRMF: its digits, its moons, its limit, and its three special cases."""

from __future__ import annotations

from spiral.methods.experiment import Experiment
from spiral.methods.lrmf.digits import AligningDigits
from spiral.methods.lrmf.gaussian import MatchingMoments
from spiral.methods.lrmf.moons import Moons
from spiral.methods.lrmf.special_cases import SpecialCases
from spiral.methods.lrmf.vanishing import Vanishing

EXPERIMENTS: dict[str, type[Experiment]] = {
    "digits": AligningDigits,
    "moons": Moons,
    "gaussian": MatchingMoments,
    "vanishing": Vanishing,
    "special-cases": SpecialCases,
}
