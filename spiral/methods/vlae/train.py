"""The experiments on MMD-VLAE."""

from __future__ import annotations

from spiral.methods.experiment import Experiment
from spiral.methods.vlae.digits import Digits
from spiral.methods.vlae.faces import Faces

EXPERIMENTS: dict[str, type[Experiment]] = {"digits": Digits, "faces": Faces}
