"""Faces in four ladders of ten numbers each: figures 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from spiral.data import data_root
from spiral.methods.experiment import Row, Table
from spiral.methods.face_judges import AttributeReader
from spiral.methods.vlae.arithmetic import Trait, Triples, some_triples
from spiral.methods.vlae.comparing import FORMS, Comparing
from spiral.methods.vlae.eyes import Vgg
from spiral.methods.vlae.training import Sampled, VlaeOptions
from spiral.section import Size

LABELS = {"smile": "happy", "woman": "gender_female_prob"}  # what is asked, and what the data set calls it
CLEAR = {"smile": (0.1, 0.9999), "woman": (0.05, 0.95)}  # up to where they have it not, and from where on they have it
PAIRS = (("light", "woman"), ("light", "smile"), ("woman", "smile"), ("light", "warm"))  # kept of a, taken from c


class FacesOptions(VlaeOptions):
    """The paper's ladders, in narrower layers: the defaults are sized for two cores of a processor.

    Who reads smiles and sexes learns for `reader_steps`.
    """

    steps: Size = 4000
    batch_size: int = Field(default=50, ge=2, le=2**20)
    mirrored: bool = True
    data: str = "faces"
    side: int = 64
    channels: Literal[1, 3] = 3
    ladders: int = 4
    latents: int = 10
    convolutions: int = 4
    width: Size = 16
    merge: Literal["gated-addition", "concatenation"] = "concatenation"
    measured: int = 1000
    reader_steps: Size = 600


class Faces(Comparing):
    """Faces, such as those of `spiral/data/faces.py`; what their set does not say of them is not asked."""

    Options = FacesOptions

    def __init__(self, options: FacesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.vgg = Vgg(data_root() / "weights" / "vgg16_features.safetensors", device)
        self.middles = {name: measured(self.train.inputs(), name).median() for name in MEASURES}
        kinds = {
            name: self._trait(self.train, name).kinds for name, label in LABELS.items() if label in self.train.known
        }
        self.readers = {
            name: _reader(options.reader_steps, seed, self.train, of)
            for name, of in kinds.items()
            if {0, 1} <= set(of.tolist())
        }
        self.labels = {name: LABELS[name] for name in self.readers}
        self.parts = {**self.forms, **{f"reader of {name}": reader for name, reader in self.readers.items()}}

    def measure(self) -> list[Table]:
        """As of digits, and how far those who read can be believed."""
        return [*super().measure(), self._readable()]

    def seen(self, pictures: Tensor) -> Tensor:
        """As VGG-16 sees them."""
        return self.vgg(pictures)

    def attributes(self, pictures: Sampled) -> Mapping[str, Tensor]:
        """What is measured, and what the set says of the faces."""
        told = {name: (pictures.known[label] > 0.5).long() for name, label in self.labels.items()}
        return {name: measured(pictures.inputs(), name) for name in MEASURES} | told

    def arithmetic(self) -> list[tuple[str, Triples, Mapping[str, Tensor]]]:
        """A light man − a dark man + a dark woman is a light woman, and so on."""
        traits = self._traits()
        found: list[tuple[str, Triples, Mapping[str, Tensor]]] = []
        for kept, changed in PAIRS:
            if kept in traits and changed in traits:
                triples = some_triples(traits[kept], traits[changed], self.options.triples, self.seed)
                wanted = {kept: traits[kept].kinds[triples.a], changed: traits[changed].kinds[triples.c]}
                found.append((f"{kept}-{changed}", triples, wanted))
        return found

    def read(self, pictures: Tensor, attribute: str) -> Tensor:
        """0 or 1: what is measured, or what a network reads that learned from photos, sharp and blurred."""
        if attribute in MEASURES:
            return (measured(pictures, attribute) > self.middles[attribute]).long().cpu()
        return self.readers[attribute].has(colored(pictures)).long().cpu()

    def _readable(self) -> Table:
        """What is read right of held-out photos, which bounds what can be of those that are drawn."""
        pictures = {"photos": self.test.inputs()} | {form: self._redrawn(form, self.test) for form in FORMS}
        rows: list[Row] = []
        for name, trait in self._traits().items():
            clear = trait.kinds >= 0
            right = [float((self.read(some, name) == trait.kinds)[clear].float().mean()) for some in pictures.values()]
            rows.append((name, *right))
        note = "of held-out faces that clearly have it or have it not: themselves, and as both forms redraw them"
        return Table("Who reads, read right", ("attribute", *pictures), rows, note)

    def _traits(self) -> dict[str, Trait]:
        """What held-out faces have, by name."""
        return {name: self._trait(self.test, name) for name in (*MEASURES, *self.labels)}

    @staticmethod
    def _trait(faces: Sampled, name: str) -> Trait:
        if name in MEASURES:
            return Trait.of_thirds(measured(faces.inputs(), name))
        return Trait.between(faces.known[LABELS[name]], *CLEAR[name])


def _reader(steps: int, seed: int, known: Sampled, kinds: Tensor) -> AttributeReader:
    """Who learns from photos that are clear, as they are and blurred, and sees nothing that was drawn."""
    photos = colored(known.inputs(kinds >= 0))
    blurred = functional.interpolate(functional.avg_pool2d(photos, 2), photos.shape[-2:], mode="bilinear")
    return AttributeReader(steps, seed, torch.cat((photos, blurred)), kinds[kinds >= 0].repeat(2))


def colored(pictures: Tensor) -> Tensor:
    """Pictures [N, 1 or 3, H, W] with three channels."""
    return pictures.expand(-1, 3, -1, -1)


def _light(pictures: Tensor) -> Tensor:
    return pictures.mean((1, 2, 3))


def _warm(pictures: Tensor) -> Tensor:
    return (pictures[:, 0] - pictures[:, 2]).mean((1, 2))


MEASURES = {"light": _light, "warm": _warm}


def measured(pictures: Tensor, name: str) -> Tensor:
    """How light, or how much more red than blue, pictures [N, 3, H, W] in [0, 1] are on average, [N]."""
    return MEASURES[name](pictures)
