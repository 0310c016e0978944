"""Faces in four ladders of ten numbers each: figures 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from spiral.data import data_root
from spiral.methods.vlae.arithmetic import Triples, some_triples
from spiral.methods.vlae.comparing import Comparing
from spiral.methods.vlae.eyes import Vgg
from spiral.methods.vlae.training import Sampled, VlaeOptions
from spiral.section import Size

LABELS = {"smile": "happy", "woman": "gender_female_prob"}  # what is asked, and what the data set calls it
CLEAR = 1 / 3  # of the pictures are clearly of little, and as many of much
SURE = 0.2  # how near to 0 or 1 a label is that is clear
PAIRS = (("light", "woman"), ("light", "smile"), ("woman", "smile"), ("light", "warm"))  # kept of a, taken from c


class FacesOptions(VlaeOptions):
    """The paper's ladders, in narrower layers: the defaults are sized for two cores of a processor."""

    steps: Size = 2000
    data: str = "faces"
    side: int = 64
    channels: Literal[1, 3] = 3
    ladders: int = 4
    latents: int = 10
    convolutions: int = 4
    width: Size = 16
    merge: Literal["gated-addition", "concatenation"] = "concatenation"
    measured: int = 1000


class Faces(Comparing):
    """Faces, such as those of `spiral/data/faces.py`; what their set does not say of them is not asked."""

    Options = FacesOptions

    def __init__(self, options: FacesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.vgg = Vgg(data_root() / "weights" / "vgg16_features.safetensors", device)
        self.labels = {name: label for name, label in LABELS.items() if label in self.test.known}
        self.middles = {name: measured(self.train.inputs(), name).median() for name in MEASURES}
        self._readers: dict[str, Any] = {}

    def seen(self, pictures: Tensor) -> Tensor:
        """As VGG-16 sees them."""
        return self.vgg(pictures)

    def attributes(self, pictures: Sampled) -> Mapping[str, Tensor]:
        """What is measured, and what the set says of the faces."""
        told = {name: (pictures.known[label] > 0.5).long() for name, label in self.labels.items()}
        return {name: measured(pictures.inputs(), name) for name in MEASURES} | told

    def arithmetic(self) -> list[tuple[str, Triples, Mapping[str, Tensor]]]:
        """A light man − a dark man + a dark woman is a light woman, and so on."""
        kinds = {name: self._kinds(name) for name in (*MEASURES, *self.labels)}
        found: list[tuple[str, Triples, Mapping[str, Tensor]]] = []
        for kept, changed in PAIRS:
            if kept in kinds and changed in kinds:
                triples = some_triples(kinds[kept], kinds[changed], self.options.triples, self.seed)
                wanted = {kept: kinds[kept][triples.a], changed: kinds[changed][triples.c]}
                found.append((f"{kept}-{changed}", triples, wanted))
        return found

    def read(self, pictures: Tensor, attribute: str) -> Tensor:
        """0 or 1: what is measured, or what a classifier reads that learned from the photos' features."""
        if attribute in MEASURES:
            return (measured(pictures, attribute) > self.middles[attribute]).long().cpu()
        return torch.from_numpy(self._reader(attribute).predict(self.seen(pictures).cpu().numpy()))

    def _kinds(self, name: str) -> Tensor:
        """0 or 1 for held-out faces that clearly are of that kind or are not, −1 for others."""
        if name in MEASURES:
            values = measured(self.test.inputs(), name).cpu()
            low, high = values.quantile(CLEAR), values.quantile(1 - CLEAR)
        else:
            values = self.test.known[self.labels[name]]
            low, high = torch.tensor(SURE), torch.tensor(1 - SURE)
        return torch.where(values >= high, 1, torch.where(values <= low, 0, -1))

    def _reader(self, attribute: str) -> Any:
        """A classifier of an attribute, which has seen photos sharp and blurred, and nothing that was drawn."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if not self._readers:
            known = self.train.first(self.options.measured)
            photos = known.inputs()
            blurred = functional.interpolate(functional.avg_pool2d(photos, 2), photos.shape[-2:], mode="bilinear")
            features = torch.cat((self.seen(photos), self.seen(blurred))).cpu().numpy()
            for name, label in self.labels.items():
                classes = (known.known[label] > 0.5).long().repeat(2).numpy()
                reader = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
                self._readers[name] = reader.fit(features, classes)
        return self._readers[attribute]


def _light(pictures: Tensor) -> Tensor:
    return pictures.mean((1, 2, 3))


def _warm(pictures: Tensor) -> Tensor:
    return (pictures[:, 0] - pictures[:, 2]).mean((1, 2))


MEASURES = {"light": _light, "warm": _warm}


def measured(pictures: Tensor, name: str) -> Tensor:
    """How light, or how much more red than blue, pictures [N, 3, H, W] in [0, 1] are on average, [N]."""
    return MEASURES[name](pictures)
