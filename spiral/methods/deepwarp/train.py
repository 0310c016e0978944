"""What the method does by itself (section 4.4): `spiral fit deepwarp --experiment NAME`."""

from __future__ import annotations

from spiral.methods.deepwarp.compared import Models
from spiral.methods.deepwarp.photos import Photos
from spiral.methods.deepwarp.redirect import Both, Horizontal, Vertical
from spiral.methods.deepwarp.registration import Registration
from spiral.methods.experiment import Experiment

EXPERIMENTS: dict[str, type[Experiment]] = {
    "vertical": Vertical,
    "models": Models,
    "registration": Registration,
    "horizontal": Horizontal,
    "both": Both,
    "photos": Photos,
}
