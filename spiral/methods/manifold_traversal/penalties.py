"""How far λ lets a face go (figure 6), the way as an animation, and as t-SNE shows it among others (figure 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from spiral.methods.experiment import Row, Table
from spiral.methods.manifold_traversal.attribute import AttributeOptions, AttributeTraversals
from spiral.methods.manifold_traversal.figures import save_embedding
from spiral.methods.pictures import save_animation, save_rows
from spiral.section import Size

NEIGHBOURS = 10
FRAME_MS, REST_MS = 150, 650


class PenaltiesOptions(AttributeOptions):
    """Of how few faces; and the λs in the place of one."""

    steps: Size = 4
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1.0, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02), min_length=1
    )


class Penalties(AttributeTraversals):
    """Some held-out faces, each with every λ, from that which allows least."""

    Options = PenaltiesOptions
    options: PenaltiesOptions

    def __init__(self, options: PenaltiesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.penalties = tuple(sorted(options.penalties, reverse=True))
        self.set_out(options.steps, self.penalties)

    def measure(self) -> list[Table]:
        """What the sweep of figure 6 shows, and whose neighbours the points of figure 7 are."""
        rows: list[Row] = []
        neighbours: list[Row] = []
        for step, penalty in enumerate((None, *self.penalties)):
            places, sources = self._places()[:, step], self.traversing.shown
            made = sources if penalty is None else self._of(self.traversing.results())[:, step - 1]
            moved = (places - self._places()[:, 0]).norm(dim=1).mean() / self.traversing.witness.width
            name = "∞" if penalty is None else f"{penalty:g}"
            read = float(self.reader.reads(made).mean())
            judged = (float(self.traversing.witness(places).mean()), read, *self.judged(made, sources)[2:])
            rows.append((name, float(moved), *judged))
            neighbours.append((name, self._near_target(places)))
        columns = (
            "λ",
            "moved, in σ",
            "witness",
            "probability of the target",
            "same face (cosine)",
            "LPIPS",
            "LPIPS outside",
        )
        return [
            Table(f"Figure 6: {self.options.attribute}, {len(self.traversing.shown)} faces", columns, rows),
            Table(f"Figure 7: the {NEIGHBOURS} nearest of source and target", ("λ", "share of the target"), neighbours),
        ]

    def draw(self, folder: Path) -> None:
        """Figure 6 with a row for each λ, figure 7, and the way there and back."""
        frames = [self.traversing.shown, *self._of(self.traversing.results()).unbind(1)]
        save_rows(frames, folder / "penalties.png")
        save_animation([[frame] for frame in frames], folder / "path.gif", FRAME_MS, REST_MS)
        witness = self.traversing.witness
        save_embedding(folder / "tsne.png", witness.source, witness.target, list(self._places()), self.seed)

    def _of(self, trips: Tensor) -> Tensor:
        """What belongs to trips, by faces and λs, [faces, λs, …]."""
        return trips.view(-1, len(self.penalties), *trips.shape[1:])

    def _places(self) -> Tensor:
        """Where each face is at first and then with each λ, [faces, 1 + λs, K]."""
        first = self.learning.place(self.traversing.shown)[:, None]
        return torch.cat((first, first + self._of(torch.stack(self.traversing.deltas))), dim=1)

    def _near_target(self, places: Tensor) -> float:
        witness = self.traversing.witness
        nearest = torch.cdist(places, torch.cat((witness.source, witness.target))).argsort(1)[:, :NEIGHBOURS]
        return float((nearest >= len(witness.source)).float().mean())
