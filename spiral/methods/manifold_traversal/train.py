"""The experiments of the paper, on faces of people who do not exist."""

from __future__ import annotations

from spiral.methods.experiment import Experiment
from spiral.methods.manifold_traversal.attribute import FacesToAttribute
from spiral.methods.manifold_traversal.color import Color
from spiral.methods.manifold_traversal.penalties import Penalties
from spiral.methods.manifold_traversal.person import Person

EXPERIMENTS: dict[str, type[Experiment]] = {
    "attribute": FacesToAttribute,
    "penalties": Penalties,
    "color": Color,
    "person": Person,
}
