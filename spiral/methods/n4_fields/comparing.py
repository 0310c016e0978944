"""What every experiment of N4-Fields has: annotated pictures, a committee for each method, and what these find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field as Bounded
from torch import Tensor

from spiral.config import PrecisionSetting
from spiral.data import DatasetError, DatasetMissing
from spiral.data.annotated import Annotated
from spiral.data.annotated_sets import find_annotated
from spiral.methods.experiment import Experiment
from spiral.methods.n4_fields import sift
from spiral.methods.n4_fields.benchmark import Scores, evaluated, evaluated_by_pixel
from spiral.methods.n4_fields.encoding import Codes
from spiral.methods.n4_fields.field import (
    SCALES,
    Dictionary,
    DirectField,
    Field,
    NearestField,
    codes_of,
    drawn_dictionary,
    found_edges,
)
from spiral.methods.n4_fields.model import PatchNetwork, Stride
from spiral.methods.n4_fields.sampling import CROP, Patches
from spiral.methods.n4_fields.training import Learning, LearningOptions, Target
from spiral.precision import Precision, choose_precision
from spiral.section import Size

N4, AE, PATCH, CENTRAL, SIFT = "N4-Fields", "N4-Fields, AE", "CNN-patch", "CNN-central", "SIFT + NN"
NETWORKS = {N4: "n4", AE: "ae", PATCH: "patch", CENTRAL: "central"}  # the names of their trainings
CODED = 12  # crops whose patches the components are found on
VALIDATED = 6  # pictures that a training is watched on
LOOKED_UP = 8  # crops of these, whose patches are looked up in other ways
TIMED = 8  # crops that a precision is timed with
COARSE = 24  # thresholds where the benchmark is asked often


class ComparisonOptions(LearningOptions):
    """The annotated pictures, how many at most, and the sizes of a committee and of a dictionary.

    Where patches overlap they are `stride` pixels apart. `precision` is what networks look at whole pictures with; they
    learn in float32.
    """

    data: str = "regions"
    pictures: Size = 100
    held_out: Size = 12
    members: int = Bounded(default=3, ge=1, le=16)
    entries: int = Bounded(default=16_384, ge=16, le=2**20)
    sift: bool = True
    stride: Stride = 8
    precision: PrecisionSetting = "auto"


class Comparison(Experiment):
    """The methods on the same pictures."""

    Options: ClassVar[type[ComparisonOptions]] = ComparisonOptions
    options: ComparisonOptions

    def __init__(self, options: ComparisonOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.data = find_annotated(options.data)
        known = self.data.read("train", options.pictures + VALIDATED)
        if len(known) <= VALIDATED:
            raise DatasetMissing(
                f"{options.data} has {len(known)} pictures to train on, and {VALIDATED} are to validate: give more"
            )
        self.validation, self.test = known[:VALIDATED], self.data.read("test", options.held_out)
        self.patches = Patches(known[VALIDATED:], self.data.thin, device)
        self.others = Patches(self.validation, self.data.thin, device).draw(LOOKED_UP, self._generator(1))
        self.codes = self._found_codes()
        self.learning = self._committees()
        self.parts = {f"{name}-{n}": part for name, parts in self.learning.items() for n, part in enumerate(parts, 1)}
        self._dictionaries: dict[tuple[str, int], Dictionary] = {}
        self._found: dict[str, list[NDArray[np.float32]]] = {}

    def methods(self) -> list[str]:
        """What is compared, the method first."""
        return [*NETWORKS, *([SIFT] if self.options.sift else [])]

    def found(self, method: str) -> list[NDArray[np.float32]]:
        """What a method finds in the held-out pictures, once all is trained."""
        if method not in self._found:
            self._found[method] = self.found_by(self.fields(method), self.test, 1 if method == CENTRAL else None)
        return self._found[method]

    def found_by(
        self, fields: Sequence[Field], pictures: Sequence[Annotated], stride: int | None = None
    ) -> list[NDArray[np.float32]]:
        """What a committee finds in pictures, whose patches are as far apart as the options say, or `stride` pixels."""
        return [self.edges(each.image, fields, SCALES, stride or self.options.stride) for each in pictures]

    def edges(
        self, image: NDArray[np.uint8], fields: Sequence[Field], scales: Sequence[float], stride: int
    ) -> NDArray[np.float32]:
        """What a committee finds in a picture."""
        return found_edges(fields, image, torch.from_numpy(self.patches.mean).to(self.device), scales, stride)

    def fields(self, method: str) -> list[Field]:
        """The committee of a method."""
        if method == SIFT:
            made = drawn_dictionary(sift.describe_crops, self.patches, self.options.entries, self._generator(2))
            return [NearestField(sift.describe, made)]
        name = NETWORKS[method]
        networks = [part.network for part in self.learning[name]]
        if name not in self.codes:
            return [DirectField(network, self.precision.name) for network in networks]
        return [
            NearestField(codes_of(network, self.precision.name), self.dictionary(name, place))
            for place, network in enumerate(networks)
        ]

    @cached_property
    def precision(self) -> Precision:
        """What networks look at whole pictures with."""
        network = self.learning["n4"][0].network
        return choose_precision(self.options.precision, self.device, network, _loss_of)

    def dictionary(self, name: str, place: int) -> Dictionary:
        """That of a network of a committee, once it is trained."""
        if (name, place) not in self._dictionaries:
            network = self.learning[name][place].network
            made = drawn_dictionary(network, self.patches, self.options.entries, self._generator(10 + place))
            self._dictionaries[name, place] = made
        return self._dictionaries[name, place]

    def scores(
        self, pictures: Sequence[Annotated], found: Sequence[NDArray[np.float32]], thresholds: int = 99
    ) -> Scores:
        """What the benchmark says of what was found."""
        if self.data.thin:
            masks, inside = [each.segments > 0 for each in pictures], [each.inside for each in pictures]
            return evaluated_by_pixel(found, masks, inside)
        return evaluated(found, [each.boundaries for each in pictures], thresholds=thresholds)

    @torch.no_grad()
    def neural(self, network: PatchNetwork) -> Tensor:
        """The neural codes of the patches of the validation, [P, 16]."""
        codes: Tensor = network(self.others.crops).permute(0, 2, 3, 1).flatten(0, 2).cpu()
        return codes

    def _watch(self, network: PatchNetwork) -> tuple[float, float]:
        """The loss on patches of the validation, and the average precision of a field of this network there."""
        off = self.neural(network) - self.codes["n4"](self.others.marks, self.others.segments)
        made = drawn_dictionary(network, self.patches, self.options.entries, self._generator(3))
        found = self.found_by([NearestField(codes_of(network), made)], self.validation)
        return float(off.square().mean()), self.scores(self.validation, found, COARSE).ap

    def _found_codes(self) -> dict[str, Codes]:
        sample = self.patches.draw(CODED, self._generator(0))
        if not sample.marks.any():
            raise DatasetError(f"in {self.options.data} next to nothing is marked: give pictures with edges or vessels")
        known = sample.marks, sample.segments, self.seed
        return {"n4": Codes("annotation", *known), "ae": Codes("pairs", *known)}

    def _committees(self) -> dict[str, list[Learning]]:
        targets: dict[str, Target] = {**self.codes, "patch": "patch", "central": "central"}
        watches: dict[tuple[str, int], Callable[[PatchNetwork], tuple[float, float]]] = {("n4", 0): self._watch}
        return {
            name: [
                Learning(self.options, self.patches, target, self._seed(first + place), watches.get((name, place)))
                for place in range(self.options.members)
            ]
            for first, (name, target) in zip(range(100, 500, 100), targets.items(), strict=True)
        }

    def _seed(self, number: int) -> int:
        return (1000 * self.seed + number) % 2**63

    def _generator(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed(number))


def _loss_of(network: PatchNetwork, device: torch.device) -> tuple[Callable[[], Tensor], int]:
    """A loss of a network on a few blank crops, and their number."""
    crops = torch.zeros(TIMED, network.first.in_channels, CROP, CROP, device=device)
    return lambda: network(crops).float().mean(), TIMED
