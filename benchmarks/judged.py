"""Agents that other rewards trained, side by side, by measures that none of them saw: `docs/results.md`.

`python -m benchmarks.judged PICTURE RUN RUN ...` paints a thousand pictures with each agent, or as many as are held
out, prints what others make of them as Markdown, and writes some of them, one row for each run, to the file
PICTURE. A reader or a judge of digits says what came of digits, and moments of the ink how much more they lean than
those that were shown. A grey copy of any other picture is compared with the edges that Canny's detector finds in it; a
copy in colour must be found by its pixels among others, and one of a face has hair that is lighter or darker. Of a room
what the domains share must be found so, and what never varies in the other domain be as it is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.feature import canny

from actors.evaluation import judge_inventions
from benchmarks.sketches import FINE
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.studio.agents import first_of, load_agent
from cluster.studio.sketching.lines import STRONG, WEAK
from spiral.agent import as_pictures
from spiral.data.catalogue import load_pictures
from spiral.data.pictures import Pictures
from spiral.data.shapes_3d import NAMES as ROOM_SETS
from spiral.judge import frechet_distance, read_as
from spiral.methods.manifold_traversal.kinds import HAIR, lightness
from spiral.methods.n4_fields.measures import drawn_alike
from spiral.moments import slant_of

ROOMS = {name for name, part in ROOM_SETS.items() if part.endswith("a")}  # that are painted as B
COUNT = 1000
AMONG = 10  # of which one is the copy's own target
SHOWN = 16
SEED = 0


def measured(run: Path, count: int = COUNT) -> tuple[dict[str, str], NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The figures of an agent by name, what it painted, and what it was shown, both uint8 [N, H, W, C]."""
    agent = load_agent(run)
    held_out = agent.held_out()
    if not agent.conditional:
        renders = agent.invent(count, SEED).renders
        report = judge_inventions(renders)
        distance = frechet_distance(renders, held_out.images[:count])
        return {"accepted as digits": f"{report.accepted:.1%}", "Fréchet distance": f"{distance:.0f}"}, renders, None
    targets = first_of(held_out, min(count, len(held_out.images)))
    renders = agent.copy(targets, SEED).renders
    if held_out.labels is None or held_out.labels.max() > 9:  # no digits
        if renders.shape[-1] == 1:
            return {"outlined (F)": f"{outlined(renders, targets):.3f}"}, renders, targets
        name = agent.config.data.name
        if name in ROOMS:
            others = load_pictures(name[:-1] + "b", "test", targets.shape[1], True)
            return of_rooms(renders, targets, others.images, int(name[-2])), renders, targets
        hair = (lightness(HAIR)(Pictures(images)) for images in (targets, renders))
        darker = float(np.subtract(*hair).mean())
        found = f"{found_among(renders, targets):.1%}"
        return {f"found among {AMONG}": found, "hair darker by, of 255": f"{darker:+.1f}"}, renders, targets
    right = read_as(renders, held_out.labels[: len(targets)])
    leans = f"{leaning(renders, targets):+.2f}"
    return {"read as the digit shown": f"{right:.1%}", "leans more by": leans}, renders, targets


def leaning(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> float:
    """How much further to the right digits lean than those that were shown, both uint8 [N, H, W, C], in the mean.

    It is the tangent of the angle from upright, by moments of the ink; a blank page leans nowhere.
    """
    painted, shown = (slant_of(1 - as_pictures(torch.from_numpy(each)).mean(1)) for each in (renders, targets))
    return float((painted - shown).mean())


def outlined(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> float:
    """How alike ink is to the edges of what was shown, both uint8 [N, H, W, C], in the mean.

    It is the F-measure of what lies within a pixel of the other; no method of ours is asked what an edge is.
    """
    ink, grey = (torch.from_numpy(each.mean(-1) / 255).float() for each in (255 - renders, targets))
    edges = np.stack([canny(each.numpy(), FINE, WEAK, STRONG, mode="nearest") for each in grey])
    return float(drawn_alike(ink, torch.from_numpy(edges).float(), 1).mean())


def found_among(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> float:
    """The share of copies that are nearer to their own target than to any of the next ones, by squared error.

    Both are uint8 [N, ...], of which N is more than `AMONG`; so many are compared, and chance finds one of them.
    """
    drawn, shown = (each.astype(np.float32).reshape(len(each), -1) for each in (renders, targets))
    apart = np.stack([np.square(drawn - np.roll(shown, -step, axis=0)).sum(1) for step in range(AMONG)])
    return float((apart.argmin(0) == 0).mean())


def of_rooms(
    renders: NDArray[np.uint8], targets: NDArray[np.uint8], others: NDArray[np.uint8], split: int
) -> dict[str, str]:
    """What a copy of a room has of the room that was shown, and of `others`, rooms of the other domain.

    What the domains share is looked for in a part of the picture that has nothing else; where the other domain always
    looks alike, the distance is the mean over pixels from the mean of the others. All are uint8 [N, H, W, C].
    """
    shared, alike = SEEN_IN[split]
    side = targets.shape[1]
    y, x = np.mgrid[:side, :side] * 8 // side
    of_shared, of_alike = (PLACES[name](y, x) for name in (shared, alike))
    found = found_among(renders[:, of_shared], targets[:, of_shared])
    off = np.abs(renders.astype(np.float32) - others.mean(0))[:, of_alike].mean()
    return {
        f"{shared} found among {AMONG}": f"{found:.1%}",
        f"{alike} off the other domain's by, of 255": f"{off:.1f}",
    }


# Where what is seen, at the heights y and widths x of pixels, in eighths of the side, int [side, side].
PLACES: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]] = {
    "object": lambda y, x: (y >= 3) & (y < 5) & (x >= 3) & (x < 5),
    "walls and floor": lambda y, x: (y < 1) | (y >= 7) | (x < 1) | (x >= 7),
    "walls": lambda y, x: y < 1,
    "floor": lambda y, x: y >= 7,
}
# Of each split, what A and B share, and what never varies in B.
SEEN_IN = {1: ("object", "walls and floor"), 2: ("walls", "object"), 3: ("floor", "walls")}


def main(picture: Path, runs: list[Path]) -> None:
    """Prints the table and writes the picture."""
    rows: list[NDArray[np.uint8]] = []
    for run in runs:
        figures, renders, targets = measured(run)
        if not rows:
            print("| run | " + " | ".join(figures) + " |", "|---" * (1 + len(figures)) + "|", sep="\n")
        print(f"| {run.name} | " + " | ".join(figures.values()) + " |", flush=True)
        if targets is not None and not rows:
            rows.append(_some(targets))
        rows.append(_some(renders))
    save_picture(picture, contact_sheet(np.concatenate(rows), columns=SHOWN))


def _some(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    some = pictures[np.linspace(0, len(pictures) - 1, SHOWN).astype(int)]  # some sets are in the order of their labels
    return np.repeat(some, 3, axis=-1) if some.shape[-1] == 1 else some


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(run) for run in sys.argv[2:]])
