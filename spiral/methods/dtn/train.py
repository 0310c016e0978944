"""What the method does by itself (sections 5.1 to 5.3): `spiral fit dtn --experiment NAME`."""

from __future__ import annotations

from spiral.methods.dtn.digits import Ablations, Digits, LeftOut, Reverse
from spiral.methods.dtn.faces import Faces
from spiral.methods.dtn.style import Style
from spiral.methods.experiment import Experiment

EXPERIMENTS: dict[str, type[Experiment]] = {
    "digits": Digits,
    "ablations": Ablations,
    "left-out": LeftOut,
    "reverse": Reverse,
    "faces": Faces,
    "style": Style,
}
