"""Office-31 (Saenko et al., 2010): things in an office, of 31 kinds, in three domains, each a data set of its own.

`amazon` has pictures of a shop, `dslr` photographs by a good camera, `webcam` by a bad one. A picture is
`DOMAIN/images/KIND/NAME.jpg`; a domain is a folder, or a zip archive of its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from spiral.data.archive import Archive, install, lacking
from spiral.data.decode import decode_all
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, part_of

KINDS = (
    *("back_pack", "bike", "bike_helmet", "bookcase", "bottle", "calculator", "desk_chair", "desk_lamp"),
    *("desktop_computer", "file_cabinet", "headphones", "keyboard", "laptop_computer", "letter_tray", "mobile_phone"),
    *("monitor", "mouse", "mug", "paper_notebook", "pen", "phone", "printer", "projector", "punchers", "ring_binder"),
    *("ruler", "scissors", "speaker", "stapler", "tape_dispenser", "trash_can"),
)
SIZES = {"amazon": "2,535 + 282", "dslr": "448 + 50", "webcam": "715 + 80"}


@dataclass(frozen=True)
class Office31:
    """A domain, in its colours: the middle square of each picture; the first and then every tenth one is held out."""

    folder: Path
    domain: str

    @property
    def size(self) -> str:
        """As many as were published."""
        return SIZES[self.domain]

    @property
    def what(self) -> str:
        """What the pictures show."""
        return f"things in an office of 31 kinds, domain {self.domain}"

    @property
    def where(self) -> str:
        """The folder of the three domains."""
        return str(self.folder)

    def missing(self) -> str:
        """How to put the domain there."""
        return self._how() if lacking(self.folder, [self.domain], []) else ""

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, labelled 0 to 30 in the order of the kinds' names."""
        if lacking(self.folder, [self.domain], []):
            raise DatasetMissing(f"{self.folder} lacks the folder {self.domain} of Office-31: {self._how()}")
        with Archive(self.folder, self.domain) as archive:
            names = [name for name in archive.pictures() if _kind(name) in KINDS]
            labels = [KINDS.index(_kind(name)) for name in names]
            absent = [kind for number, kind in enumerate(KINDS) if number not in labels]
            if absent:
                raise DatasetCorrupt(
                    f"{archive.path} has no pictures images/KIND/*.jpg of {', '.join(absent)}: put a whole copy there"
                )
            chosen = part_of(range(len(names)), split)
            images = np.empty((len(chosen), canvas_size, canvas_size, 3 if color else 1), np.uint8)
            decode_all([names[i] for i in chosen], archive.read, images)
        return Pictures(images, np.array(labels, np.int64)[chosen])

    def prepare(self, source: Path | None) -> Path:
        """The folder, once every picture of the domain was read."""
        checked = Office31(source or self.folder, self.domain)
        for split in ("train", "test"):
            checked.read(split, 8, color=False)
        return install(checked.folder, self.folder, [self.domain], [], md5={})

    def _how(self) -> str:
        return (
            f"run `spiral data prepare office-{self.domain} --from FOLDER` with a folder that has "
            f"{self.domain}/images/KIND/*.jpg"
        )


def _kind(name: str) -> str:
    """The kind of thing in a picture, by the folder that it lies in."""
    return PurePosixPath(name).parent.name
