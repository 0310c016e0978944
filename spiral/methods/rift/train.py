"""What the method does by itself: `spiral fit rift --experiment NAME`."""

from __future__ import annotations

from spiral.methods.experiment import Experiment
from spiral.methods.rift.ablations import Ablations
from spiral.methods.rift.action import Action
from spiral.methods.rift.faces import Faces
from spiral.methods.rift.shapes import Shapes

EXPERIMENTS: dict[str, type[Experiment]] = {
    "shapes": Shapes,
    "action": Action,
    "faces": Faces,
    "ablations": Ablations,
}
