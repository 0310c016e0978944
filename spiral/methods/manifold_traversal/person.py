"""Everybody becomes somebody (figure 4): from all faces towards other pictures of one.

There is one picture of each face here, so that the others of the target are made of it: moved a little, in other light.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from spiral.methods.dtn.recognizing import another_picture
from spiral.methods.experiment import Row, Table
from spiral.methods.face_judges import FaceMemory
from spiral.methods.manifold_traversal.kinds import HEAD, inside
from spiral.methods.manifold_traversal.learning import inputs_of
from spiral.methods.manifold_traversal.traversing import Journey, TraversalOptions, Traversals
from spiral.methods.pictures import as_pixels, save_rows
from spiral.section import ConfigError, Size

SHOWN = 10


class PersonOptions(TraversalOptions):
    """Towards which of the held-out faces, by its place among them."""

    steps: Size = 10
    set_size: Size = 100
    person: int = Field(default=0, ge=0)
    kept: float = Field(default=0.02, ge=0)
    variation: float = Field(default=0.001, ge=0)


class Person(Traversals):
    """Held-out faces, towards one of them."""

    Options = PersonOptions
    options: PersonOptions

    def __init__(self, options: PersonOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        known, held_out = self.read("train").images, self.read("test").images
        if max(options.person, options.steps) >= len(held_out) or options.set_size > len(known):
            raise ConfigError(
                f"person={options.person}, steps={options.steps} and set_size={options.set_size}, but there are "
                f"{len(held_out)} held-out faces and {len(known)} others: give less"
            )
        self.person = inputs_of(held_out[options.person][None], device)
        variants = another_picture(
            2 * self.person.repeat(options.set_size, 1, 1, 1) - 1, torch.Generator().manual_seed(seed)
        )
        images = np.concatenate((known, as_pixels(variants, black=-1)))
        chosen = np.random.default_rng(seed).permutation(len(known))[: options.set_size]
        others = np.delete(held_out, options.person, axis=0)[: options.steps]
        trips = [(i, options.penalty) for i in range(options.steps)]
        target, region = np.arange(len(known), len(images)), inside(HEAD, options.side)
        self.travel(Journey(images, chosen, target, others, region, trips))
        self.memory = FaceMemory(options.judge_steps, seed, inputs_of(known, device))
        self.parts = {"manifold": self.learning, "memory": self.memory, "traversal": self.traversing}

    def measure(self) -> list[Table]:
        """How much like the person, and like themselves, they are."""
        sources = self.traversing.sources()
        person = self.person.expand_as(sources)
        rows: list[Row] = [
            (
                name,
                float(self.memory.alike(pictures, person).mean()),
                float(self.memory.alike(pictures, sources).mean()),
                float(self.lpips(pictures, sources).mean()),
                float(self.outside(pictures, sources).mean()),
            )
            for name, pictures in (("as they are", sources), ("traversed", self.traversing.results()))
        ]
        columns = (
            "pictures",
            "like the person (cosine)",
            "like themselves (cosine)",
            "LPIPS",
            "LPIPS outside the head",
        )
        return [Table(f"Figure 4: {len(sources)} held-out faces towards one", columns, rows)]

    def draw(self, folder: Path) -> None:
        """Faces, what became of them, and the person."""
        rows = [self.traversing.sources(), self.traversing.results()]
        save_rows([row[:SHOWN] for row in (*rows, self.person.expand_as(rows[0]))], folder / "person.png")
