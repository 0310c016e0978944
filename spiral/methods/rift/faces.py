"""Faces of women and of men: what both have is shared, and what only one of them varies in is its own.

The faces of people who do not exist have no labels of hair or beards, so that figures are of what is shared, and what
is each domain's own is to be seen in the pictures.
"""

from __future__ import annotations

import numpy as np
import torch

from spiral.data import load_pictures
from spiral.data.pictures import DatasetError, Pictures, Split
from spiral.methods.experiment import Row, Table
from spiral.methods.rift.measures import Task
from spiral.methods.rift.pictures import Domain, domain_of
from spiral.methods.rift.reading import REAL
from spiral.methods.rift.trial import Trial, TrialOptions, mean

PAPER = {"rift": 60.0, "munit-like": 53.0, "didd-like": 64.0, "random": 49.0}  # with hair colour and facial hair
LABELS = ("gender_female_prob", "happy", "age")
SURE = 0.2  # how near to 0 or 1 a label is that is clear
OLDEST = 80.0
CORNER = 0.15  # of the width: what is seen of the background
CLASSES = {"smile": 2, "age": REAL, "light behind": REAL}


class FacesOptions(TrialOptions):
    """`data` is a set with the labels of `faces`."""

    data: str = "faces"


class Faces(Trial):
    """RIFT and its rivals on women and men."""

    Options = FacesOptions
    options: FacesOptions

    def __init__(self, options: FacesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        train, held_out = (read_faces(options.data, split, options.side) for split in ("train", "test"))

        def domain(faces: Pictures, women: bool) -> Domain:
            return domain_of(_chosen(faces, women), options.pictures, device)

        domains = domain(train, True), domain(train, False), domain(held_out, True), domain(held_out, False)
        task = Task("faces", *domains, tuple(CLASSES), (), (), CLASSES)
        self.prepare([task], domain_of(train, options.pictures, device), self.rivals())

    def measure(self) -> list[Table]:
        """ACC of what is shared, beside the paper's of CelebA, and the bits of theorem 1."""
        found = self.found()
        rows: list[Row] = [(name, mean(values[0]), PAPER[name]) for name, values in found.items()]
        columns = ("method", "mean ACC", "paper: CelebA")
        note = "of smile, age and the light behind, which women and men share; the paper's are of other factors"
        first = Table("Table 1: manipulation accuracy on faces, %", columns, rows, note)
        return [first, *self.details(found)]


def read_faces(name: str, split: Split, side: int) -> Pictures:
    """The faces of a split whose sex is clear, and what is known of them.

    Raises:
        DatasetError: they are not there, or nothing is said of them.
    """
    found = load_pictures(name, split, side, color=True)
    if missing := [label for label in LABELS if label not in found.attributes]:
        raise DatasetError(f"the data set {name} does not say {', '.join(missing)} of its pictures: give data=faces")
    women = found.attributes["gender_female_prob"]
    clear = (women < SURE) | (women > 1 - SURE)
    edge = max(1, round(CORNER * side))
    behind = np.concatenate((found.images[:, :edge, :edge], found.images[:, :edge, -edge:]), 2).mean((1, 2, 3)) / 255
    known = {
        "women": women > 0.5,
        "smile": found.attributes["happy"] > 0.5,
        "age": found.attributes["age"] / OLDEST,
        "light behind": behind,
    }
    return Pictures(found.images[clear], None, {key: each[clear].astype(np.float32) for key, each in known.items()})


def _chosen(faces: Pictures, women: bool) -> Pictures:
    """The women, or the men.

    Raises:
        DatasetError: there are none.
    """
    chosen = (faces.attributes["women"] > 0.5) == women
    if not chosen.any():
        raise DatasetError(
            f"none of {len(chosen)} faces is of a {'woman' if women else 'man'}: give more, or data=faces"
        )
    return Pictures(faces.images[chosen], None, {name: each[chosen] for name, each in faces.attributes.items()})
