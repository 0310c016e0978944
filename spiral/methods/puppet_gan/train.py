"""What the method does by itself: `spiral fit puppet_gan --experiment NAME`."""

from __future__ import annotations

from spiral.methods.experiment import Experiment
from spiral.methods.puppet_gan.digits import Rotation, RotationTable, Size, SizeTable
from spiral.methods.puppet_gan.mouths import Mouth

EXPERIMENTS: dict[str, type[Experiment]] = {
    "size": Size,
    "rotation": Rotation,
    "mouth": Mouth,
    "size-table": SizeTable,
    "rotation-table": RotationTable,
}
