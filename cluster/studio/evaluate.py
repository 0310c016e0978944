"""`spiral eval`: the figures of a finished agent, in words.

Every copy has an error beside that of an empty canvas. Copies of digits are read, beside the digits that a set of other
pictures is labelled with; inventions of digits are judged, and of scenes the objects are compared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actors.evaluation import Paintings, judge_copies, judge_inventions, read_alike
from actors.scene_evaluation import judge_scenes, objects_of
from cluster.run.folder import RunError
from cluster.studio.agents import FinishedAgent, first_of, load_agent, of_data
from envs.scene_settings import SceneSettings
from spiral.config import RunConfig
from spiral.data import DIGITS, DatasetMissing, find, resolve, scenes
from spiral.judge import frechet_distance, read_as

INVENTIONS = 1000


def evaluate(
    run: Path | None,
    goal: str,
    data: str | None,
    count: int | None,
    seed: int,
    temperature: float | None,
    samples: int = 1,
    search: int = 0,
) -> str:
    """The figures of an agent, in words; samples and search as of `FinishedAgent.copy`.

    Raises:
        RunError: it invents other things than digits, for which there is no judge, or `data` has nothing for it.
    """
    agent = of_data(load_agent(run, goal), data)
    config = agent.config
    if not agent.conditional:
        if not _of_digits(config):
            raise RunError(
                f"{agent.name} invents pictures like those of {config.data.name}, "
                "and only digits have a judge: look at what it paints with `spiral sample`"
            )
        renders = agent.invent(count or INVENTIONS, seed, temperature).renders
        return _inventions(renders, _as_many_real(agent, len(renders)))
    pictures = agent.held_out()
    targets = first_of(pictures, count)
    paintings = agent.copy(targets, seed, temperature, samples, search)
    lines = [_copies(paintings, targets, samples, search)]
    if _of_digits(config):
        lines.append(f"read as the same digit    {read_alike(paintings.renders, targets):.1%}")
    elif pictures.labels is not None and pictures.show_digits:  # on a ground that the reader of plain ones cannot read
        lines.append(f"read as the digit shown   {read_as(paintings.renders, pictures.labels[: len(targets)]):.1%}")
    if isinstance(find(config.data.name), scenes.Scenes):
        lines.append(_objects(config, paintings, targets))
    return "\n".join(lines)


def _of_digits(config: RunConfig) -> bool:
    return resolve(config.data.name)[0] in DIGITS


def _copies(paintings: Paintings, targets: NDArray[np.uint8], samples: int, search: int) -> str:
    report = judge_copies(paintings.renders, targets, paintings.empty)
    blank = "" if report.empty_error else "\nnote: nothing is drawn in these pictures: empty canvases are right copies"
    copies = "one copy each" if samples == 1 else f"the best of {samples:,} copies each"
    searched = f", and a search of {search:,} more" if search else ""
    return (
        f"{len(targets):,} held-out pictures, {copies}{searched}:\n"
        f"mean squared error        {report.error:.4f}\n"
        f"  of an empty canvas      {report.empty_error:.4f} (ratio {report.relative_error:.3f}){blank}"
    )


def _as_many_real(agent: FinishedAgent, count: int) -> NDArray[np.uint8] | None:
    """Held-out pictures of the agent's data set, as many as there are inventions at most; None where it is not here."""
    try:
        return agent.held_out().images[:count]
    except DatasetMissing:
        return None


def _inventions(renders: NDArray[np.uint8], real: NDArray[np.uint8] | None) -> str:
    report = judge_inventions(renders)
    if real is None:
        distance = "not measured: the pictures are not here (`spiral data`)"
    elif min(len(renders), len(real)) < 2:
        distance = "not measured: it takes two pictures or more (--count)"
    else:
        distance = (
            f"{frechet_distance(renders, real):.1f} from {len(real):,} held-out pictures, in the reader's features"
        )
    shares = "  ".join(f"{digit}: {share:.1%}" for digit, share in enumerate(report.shares))
    return (
        f"{len(renders):,} inventions:\n"
        f"accepted as digits        {report.accepted:.1%}\n"
        f"digits with 2% or more    {report.digits_present} of 10\n"
        f"Fréchet distance          {distance}\n"
        f"{shares}"
    )


def _objects(config: RunConfig, paintings: Paintings, targets: NDArray[np.uint8]) -> str:
    dataset = find(config.data.name)
    assert isinstance(dataset, scenes.Scenes), "others have no objects"
    settings = SceneSettings(**config.environment.settings)
    programs = scenes.read(dataset.folder, "test").actions[: len(targets)]
    copies, originals = ([objects_of(settings, actions) for actions in all_] for all_ in (paintings.actions, programs))
    report = judge_scenes(paintings.renders, targets, copies, originals, paintings.empty)
    return (
        f"right number of objects   {report.right_count:.1%}\n"
        f"position error            {report.position_error:.2f} cells of the grid, of objects that are matched\n"
        f"missed, invented          {report.missed:.2f}, {report.invented:.2f} objects a scene\n"
        f"shape, size, colour right {report.right_attributes:.1%} of the matched objects"
    )
