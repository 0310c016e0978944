"""Photos of faces become drawn faces (section 5.2): table 4, and figures 2 (b) and 4.

The photos are of people who do not exist, and the drawn faces of `drawn_faces.py` stand for the emoji. Retrieval is
among as many photos as there are: who is it that was drawn?
"""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from spiral.methods.dtn.drawn_faces import draw_faces
from spiral.methods.dtn.measures import ranks
from spiral.methods.dtn.model import SIDE
from spiral.methods.dtn.pixels import Pixels, read_pixels
from spiral.methods.dtn.reading import TransferOptions
from spiral.methods.dtn.recognizing import Recognizing, another_picture
from spiral.methods.dtn.reward import judgement_of
from spiral.methods.dtn.transfer import Transfer
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.pictures import save_rows
from spiral.section import Size

SHOWN = 20  # pictures in a row of a figure
PAPER = (16, 535.47, 0.2288, 0.3475)  # among 100,001


class FacesOptions(TransferOptions):
    """The weights are between the paper's for digits and for faces; `drawings` is how many are drawn for t.

    With the paper's for faces (100, 1 and 0.05) G paints what f wants to see, and no drawn face.
    """

    steps: Size = 750
    perception_steps: Size = 800
    batch_size: int = Field(default=64, ge=2, le=2**20)
    perception_rate: float = Field(default=1e-3, gt=0)
    noise: float = Field(default=0.1, ge=0)
    alpha: float = Field(default=20.0, ge=0)
    gamma: float = Field(default=0.02, ge=0)
    source: str = "faces"
    drawings: Size = 3000


class Faces(Experiment):
    """The transfer of photos into drawn faces, and how well those who were drawn are found again."""

    Options = FacesOptions
    options: FacesOptions

    def __init__(self, options: FacesOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        source, self.shown = (
            read_pixels(options.source, split, True, options.pictures, device) for split in ("train", "test")
        )
        drawn = torch.from_numpy(draw_faces(options.drawings, SIDE, seed)).to(device)
        self.target = Pixels(drawn, torch.zeros(len(drawn), dtype=torch.int64, device=device))
        self.source = source
        self.f = Recognizing(options, source, seed)
        self.descriptor = Recognizing(options, source, seed + 1)
        self.dtn = Transfer(options, self.f.perception, source, self.target, seed)
        self.parts = {"f": self.f, "descriptor": self.descriptor, "dtn": self.dtn}

    def measure(self) -> list[Table]:
        """Table 4: at which place somebody is found, of a drawing, and of another photo."""
        gallery = torch.cat((self.shown.inputs(), self.source.inputs()))
        described = self.descriptor.seen(another_picture(gallery, torch.Generator().manual_seed(self.seed)))
        places = torch.arange(len(self.shown), device=described.device)
        found = [
            _summary(ranks(self.descriptor.seen(probes), described, places))
            for probes in (self.dtn.transferred(self.shown), self.shown.inputs())
        ]
        count = len(gallery)
        chance = ((count + 1) / 2, (count + 1) / 2, 1 / count, 5 / count)
        names = ("median rank", "mean rank", "rank-1 accuracy", "rank-5 accuracy")
        rows: list[Row] = list(zip(names, *found, chance, PAPER, strict=True))
        columns = ("measure", "drawn by DTN", "the photo itself", "chance", "paper, among 100,001")
        note = "by a descriptor that is not f; sought is another picture of the same photo"
        return [Table(f"Table 4: who was drawn, among {count:,} photos", columns, rows, note)]

    def draw(self, folder: Path) -> None:
        """Some held-out photos, and the drawings of them; below, drawn faces as they are."""
        some = self.shown.first(SHOWN)
        rows = [some.inputs(), self.dtn.transferred(some), self.target.first(len(some)).inputs()]
        save_rows(rows, folder / "faces.png", black=-1)

    def judgement(self) -> Judgement:
        """f, g and D."""
        return judgement_of(self.dtn)


def _summary(found: Tensor) -> tuple[float, float, float, float]:
    """Median and mean rank, and the shares of ranks of 1, and of up to 5."""
    places = found.double()
    return (
        float(places.median()),
        float(places.mean()),
        float((places <= 1).double().mean()),
        float((places <= 5).double().mean()),
    )
