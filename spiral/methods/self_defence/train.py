"""The experiments: the defences on scenes and on maps, and the rivals of the tables on either."""

from __future__ import annotations

from spiral.methods.experiment import Experiment
from spiral.methods.self_defence.comparing import Comparison
from spiral.methods.self_defence.translating import TranslationOptions


class Scenes(Comparison):
    """Pictures of scenes and what each pixel shows: CycleGAN, with noise, with the guess loss, with both."""

    rows = ("cyclegan", "noise", "guess", "guess-noise")


class MapsOptions(TranslationOptions):
    """Views from the air and their maps."""

    data: str = "aerials"


class Maps(Scenes):
    """Views from the air and their maps, likewise."""

    Options = MapsOptions


class Rivals(Comparison):
    """UNIT and MUNIT with the cycle loss; `data` says on which pictures."""

    rows = ("unit", "munit")


EXPERIMENTS: dict[str, type[Experiment]] = {"scenes": Scenes, "maps": Maps, "rivals": Rivals}
