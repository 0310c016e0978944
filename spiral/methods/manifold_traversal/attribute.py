"""Faces that get what they lack (figure 1): a smile, years, other hair or skin; beside two plainer ways to interpolate.

Both go half of the way to the average face of the target: in pixels, which makes ghosts, and along the principal
components of the pixels, which keeps what these do not explain.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spiral.methods.experiment import Row, Table
from spiral.methods.face_judges import AttributeReader, FaceMemory
from spiral.methods.manifold_traversal.kinds import ATTRIBUTES, AttributeName, extremes, inside
from spiral.methods.manifold_traversal.learning import inputs_of
from spiral.methods.manifold_traversal.model import principal
from spiral.methods.manifold_traversal.traversing import Journey, TraversalOptions, Traversals
from spiral.methods.pictures import save_rows
from spiral.section import ConfigError

BLEND = 0.5  # of the way to the average of the target
SHOWN = 10  # in a row of the picture
SAME = 0.8  # of a cosine: it is still the same face


class AttributeOptions(TraversalOptions):
    """Which attribute of the faces is changed."""

    attribute: AttributeName = "smile"


class AttributeTraversals(Traversals):
    """What all journeys to an attribute share: who judges.

    Attributes:
        reader, memory: learned from the same pictures, by other networks.
        destination: held-out pictures that have what the others lack, [N, 3, side, side].
    """

    Options = AttributeOptions
    options: AttributeOptions

    def set_out(self, count: int, penalties: tuple[float, ...]) -> None:
        """Get ready for so many held-out faces, each with every λ."""
        options = self.options
        attribute, known, held_out = ATTRIBUTES[options.attribute], self.read("train"), self.read("test")
        if count > len(held_out.images) // 2:
            raise ConfigError(
                f"of {len(held_out.images)} held-out pictures half may lack what the others have, and steps={count} is "
                f"more: give {len(held_out.images) // 2} or less"
            )
        source, target = extremes(attribute.of(known), options.set_size)
        lacking, having = extremes(attribute.of(held_out), count)
        region = inside(attribute.region, options.side)
        trips = [(i, penalty) for i in range(count) for penalty in penalties]
        self.travel(Journey(known.images, source, target, held_out.images[lacking], region, trips))
        pictures, both = inputs_of(known.images, self.device), np.concatenate((source, target))
        self.destination = inputs_of(held_out.images[having], self.device)
        kinds = torch.arange(2 * options.set_size) >= options.set_size
        self.reader = AttributeReader(options.judge_steps, self.seed, pictures[both], kinds)
        self.memory = FaceMemory(options.judge_steps, self.seed, pictures)
        self.parts = {
            "manifold": self.learning,
            "reader": self.reader,
            "memory": self.memory,
            "traversal": self.traversing,
        }

    def judged(self, made: Tensor, sources: Tensor) -> tuple[float, float, float, float, float]:
        """The shares read as the target and that are the same face, how alike these are, and LPIPS, of all and outside.

        Outside is where the region does not reach.
        """
        alike = self.memory.alike(made, sources)
        return (
            float(self.reader.has(made).float().mean()),
            float((alike >= SAME).float().mean()),
            float(alike.mean()),
            float(self.lpips(made, sources).mean()),
            float(self.outside(made, sources).mean()),
        )


class FacesToAttribute(AttributeTraversals):
    """Held-out faces, one λ."""

    def __init__(self, options: AttributeOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.set_out(options.steps, (options.penalty,))

    def measure(self) -> list[Table]:
        """Is the target read, who is it still, and what else changed."""
        sources, made = self.traversing.sources(), self.traversing.results()
        rows: list[Row] = [
            (name, *self.judged(pictures, sources))
            for name, pictures in {"as they are": sources, "traversed": made, **self._blends()}.items()
        ]
        others = float(self.reader.has(self.destination).float().mean())
        strangers = self.memory.alike(sources.roll(1, 0), sources)
        rows.append(("others, of the target", others, *[None] * 4))
        rows.append(
            (
                "others, of the source",
                None,
                float((strangers >= SAME).float().mean()),
                float(strangers.mean()),
                None,
                None,
            )
        )
        both = self.reader.has(made) & (self.memory.alike(made, sources) >= SAME)
        note = (
            f"{self.options.attribute}, λ {self.options.penalty:g}; {float(both.float().mean()):.0%} of the traversed "
            f"are read as the target and the same face; a picture of {self.options.side} pixels took "
            f"{float(np.median(self.traversing.seconds)):.1f} s; LPIPS outside is at most "
            f"{float(self.outside(made, sources).max()):.3f}"
        )
        columns = ("pictures", "read as target", f"cosine ≥ {SAME}", "cosine of faces", "LPIPS", "LPIPS outside")
        return [Table(f"{len(made)} held-out faces, traversed (figure 1)", columns, rows, note)]

    def draw(self, folder: Path) -> None:
        """Faces, what became of them, and what the plainer ways make of them."""
        rows = [self.traversing.sources(), self.traversing.results(), *self._blends().values()]
        save_rows([row[:SHOWN] for row in rows], folder / "attribute.png")

    def _blends(self) -> dict[str, Tensor]:
        sources, journey = self.traversing.sources(), self.traversing.journey
        known = inputs_of(journey.images, self.device)
        average = known[torch.from_numpy(journey.target.copy())].mean(0, keepdim=True)
        pixels, _ = principal([known.flatten(1)], self.options.components)
        way = (average - sources).flatten(1)
        along = pixels.shift(way @ pixels.basis.T).view_as(sources)
        return {
            "half of the way in pixels": sources + BLEND * (average - sources),
            "half of the way in PCA of pixels": (sources + BLEND * along).clamp(0, 1),
        }
