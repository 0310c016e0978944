"""`spiral sample`: an agent paints, onto a sheet to look at or into arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from actors.evaluation import Paintings
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.run.folder import RunError
from cluster.studio.agents import first_of, load_agent, of_data
from spiral.files import written_whole


def sample(
    out: Path, run: Path | None, goal: str, data: str | None, count: int, seed: int, temperature: float | None
) -> str:
    """Writes `count` pictures of an agent as arrays into an .npz or as a contact sheet into a .png, and says so.

    Raises:
        RunError: the file is of another kind, there are not so many held-out pictures to copy, or it copies none.
    """
    if out.suffix.lower() not in (".npz", ".png"):
        raise RunError(f"--out {out} must end in .npz, for arrays, or .png, for a sheet to look at")
    agent = of_data(load_agent(run, goal), data)
    targets = first_of(agent.held_out(), count) if agent.conditional else None
    paintings = agent.invent(count, seed, temperature) if targets is None else agent.copy(targets, seed, temperature)
    if out.suffix.lower() == ".png":
        save_picture(out, contact_sheet(paintings.renders, targets))
        said = f"{out}: {count} pictures{'' if targets is None else ', below those that they copy'}"
        return "\n".join((said, *_all_empty(paintings)))
    arrays = {"renders": paintings.renders} | ({} if targets is None else {"targets": targets})
    # Into an open file, since numpy appends .npz to other names.
    with written_whole(out) as unfinished, unfinished.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    said = f"{out}: {', '.join(f'{name} {array.dtype} {array.shape}' for name, array in arrays.items())}"
    return "\n".join((said, *_all_empty(paintings)))


def _all_empty(paintings: Paintings) -> list[str]:
    """A line where an agent paints nothing at all."""
    if (paintings.renders != paintings.empty).any():
        return []
    return ["note: the agent paints nothing: all its canvases stay empty; train it for longer, or name another run"]
