"""Traversals: pictures on their way from source to target, a picture at a step; and what all experiments share."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from spiral.contracts import Arrays
from spiral.data import load_pictures
from spiral.data.pictures import Pictures, Split
from spiral.methods.experiment import Experiment, ExperimentOptions, Part
from spiral.methods.judgement import Judgement
from spiral.methods.lpips import Lpips
from spiral.methods.manifold_traversal.features import DEEP, SHALLOW, Features
from spiral.methods.manifold_traversal.inverting import Inversion, invert
from spiral.methods.manifold_traversal.learning import Learning, inputs_of
from spiral.methods.manifold_traversal.model import Witness, traverse, witness_between
from spiral.methods.manifold_traversal.reward import judgement_of
from spiral.methods.vgg import read_vgg, vgg_file
from spiral.section import Size


class TraversalOptions(ExperimentOptions):
    """What every traversal can be told.

    `steps` is how many held-out pictures are traversed. The manifold has `pictures` of a side of `side`, and as many
    `components` at most; source and target are `set_size` of them each. `penalty` is λ in units of the kernel:
    the less, the further. `kept`, `kept_outside` the region, `variation` and `iterations` are of the inversion, and
    whether pixels outside the region are `held` as they are. `vgg` names a file of other weights, such as VGG-19's,
    instead of the VGG-16 at hand. `judge_steps` is how long those who judge learn. The reward sees `judged_side` and
    `judged_components`.
    """

    steps: Size = 50
    data: str = "faces"
    side: int = Field(default=64, ge=16, le=512)
    pictures: Size = Field(default=1500, ge=4)
    set_size: Size = 300
    components: Size = 256
    penalty: float = Field(default=0.02, gt=0)
    kept: float = Field(default=0.0, ge=0)
    kept_outside: float = Field(default=1.5, ge=0)
    variation: float = Field(default=0.0002, ge=0)
    iterations: Size = 70
    held: bool = False
    vgg: str = ""
    judge_steps: Size = 400
    judged_side: int = Field(default=32, ge=16, le=512)
    judged_components: Size = 128


@dataclass(frozen=True)
class Journey:
    """Who goes where.

    Attributes:
        images: of the manifold, uint8 [N, side, side, 3].
        source, target: which of these.
        shown: held-out pictures of the source, uint8 [M, side, side, 3].
        region: where they may change, [side, side] in [0, 1].
        trips: which of those shown, and λ.
    """

    images: NDArray[np.uint8]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    shown: NDArray[np.uint8]
    region: NDArray[np.float32]
    trips: Sequence[tuple[int, float]]


class Traversing(Part):
    """One trip of a journey at a step.

    Attributes:
        made: the pictures so far, each [3, side, side] in [0, 1].
        deltas: how each moved in the manifold, [K].
        seconds: that each took.
    """

    def __init__(self, learning: Learning, journey: Journey, how: Inversion) -> None:
        super().__init__(len(journey.trips), 0)
        self.learning, self.journey, self.how = learning, journey, how
        self.networks, self.optimizers = {}, {}
        device = learning.features.scales.device
        self.shown, self.region = inputs_of(journey.shown, device), torch.from_numpy(journey.region).to(device)
        self.made: list[Tensor] = []
        self.deltas: list[Tensor] = []
        self.seconds: list[float] = []

    @cached_property
    def witness(self) -> Witness:
        """Of source and target."""
        source, target = (torch.from_numpy(kind.copy()) for kind in (self.journey.source, self.journey.target))
        return witness_between(self.learning.places[source], self.learning.places[target])

    def step(self, progress: float) -> dict[str, float]:
        """The next trip: x̄^s → z̄^s → z̄^t → x̄^t.

        What the manifold does not hold of the picture's features is kept, as if the picture were one of the manifold.
        """
        del progress
        begun = time.monotonic()
        which, penalty = self.journey.trips[len(self.made)]
        source, manifold, features = self.shown[which], self.learning.manifold, self.learning.features
        deep = features.deep(source[None])
        place = manifold.coordinates(deep)[0]
        delta = traverse(self.witness, place, penalty)
        made = invert(features, (deep + manifold.shift(delta[None]))[0], source, self.region, self.how)
        self.made.append(made)
        self.deltas.append(delta)
        self.seconds.append(time.monotonic() - begun)
        before, after = (float(self.witness(at[None])) for at in (place, place + delta))
        return {"witness before": before, "witness after": after, "moved": float(delta.norm() / self.witness.width)}

    def sources(self) -> Tensor:
        """Where each trip began, [trips, 3, side, side]."""
        return self.shown[[which for which, _ in self.journey.trips]]

    def results(self) -> Tensor:
        """Where each trip ended, [trips, 3, side, side]."""
        return torch.stack(self.made)

    def state(self) -> Arrays:
        """The trips so far."""
        trips = {"seconds": np.array(self.seconds)}
        for name, found in (("made", self.made), ("deltas", self.deltas)):
            trips[name] = torch.stack(found).cpu().numpy() if found else np.zeros(0, np.float32)
        return super().state() | trips

    def load_state(self, arrays: Any) -> None:
        """Take over what `state` gave."""
        super().load_state(arrays)
        self.seconds = [float(value) for value in arrays["seconds"]]
        made, deltas = (torch.from_numpy(arrays[name]).to(self.shown) for name in ("made", "deltas"))
        self.made, self.deltas = list(made), list(deltas)


class Traversals(Experiment):
    """What the experiments share: their pictures, the manifold, and the reward.

    Attributes:
        learning, traversing: the first and the last part, which `travel` makes.
        lpips: how different pictures look.
    """

    Options = TraversalOptions
    options: TraversalOptions
    learning: Learning
    traversing: Traversing
    lpips: Lpips

    def travel(self, journey: Journey) -> None:
        """Get ready for a journey."""
        network = read_vgg(Path(self.options.vgg) if self.options.vgg else vgg_file(), SHALLOW + DEEP)
        self.features, self.lpips = Features(network).to(self.device), Lpips(self.device)
        self.learning = Learning(self.features, journey.images, self.options.components)
        options = self.options
        how = Inversion(options.kept, options.kept_outside, options.variation, options.iterations, options.held)
        self.traversing = Traversing(self.learning, journey, how)
        self.parts = {"manifold": self.learning, "traversal": self.traversing}

    def outside(self, ones: Tensor, others: Tensor) -> Tensor:
        """LPIPS [N] where nothing should change: what lies within the region is taken from the others."""
        region = self.traversing.region
        return self.lpips(ones * (1 - region) + others * region, others)

    def read(self, split: Split) -> Pictures:
        """The pictures of a split with what is known of them; to learn from, at most so many, from all of the set."""
        found = load_pictures(self.options.data, split, self.options.side, color=True)
        count = len(found.images)
        most = self.options.pictures if split == "train" else count
        chosen = np.linspace(0, count - 1, min(most, count)).astype(np.int64)
        labels = None if found.labels is None else found.labels[chosen]
        attributes = {name: values[chosen] for name, values in found.attributes.items()}
        return Pictures(found.images[chosen], labels, attributes)

    def judgement(self) -> Judgement:
        """The witness of the same pictures at the size at which the reward sees them."""
        journey, options = self.traversing.journey, self.options
        return judgement_of(
            self.features.vgg,
            journey.images,
            (journey.source, journey.target),
            options.judged_side,
            options.judged_components,
            options.penalty,
        )
