"""One pass of an agent beside Metropolis–Hastings on the same scenes (thesis 6.4.6, figure 6.10).

The agent paints each held-out scene once. The search proposes one change after the other to a scene of up to twenty
objects, each of which costs a render, and is shown on the way.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from actors.scene_evaluation import SceneReport, judge_scenes, objects_of
from actors.scene_search import PRIMITIVES, search
from cluster.run.cores import processors
from cluster.run.folder import RunError
from cluster.studio.agents import first_of, load_agent
from envs.program import SETTINGS
from envs.scene_settings import SceneSettings
from spiral.data import find, scenes

MARKS = (0, 100, 300, 1000, 3000, 10000, 30000)  # evaluations after which the search is looked at


@dataclass(frozen=True)
class Result:
    """What both reached.

    Attributes:
        scenes: how many.
        agent, search: reports at the end.
        agent_seconds, search_seconds: of all scenes together, with all cores.
        curve: evaluations, and the search's error then as a share of the bare platform's.
    """

    scenes: int
    agent: SceneReport
    search: SceneReport
    agent_seconds: float
    search_seconds: float
    curve: list[tuple[int, float]]


def run(folder: Path | None = None, count: int = 100, evaluations: int = 5000, seed: int = 0) -> Result:
    """What an agent reaches in one pass, that of the run in `folder` or the shipped one, and the search.

    Raises:
        RunError: the agent does not copy scenes.
    """
    one_pass = load_agent(folder, "scenes")
    config = one_pass.config
    dataset = find(config.data.name)
    if not one_pass.conditional or not isinstance(dataset, scenes.Scenes):
        raise RunError(f"the agent of {folder} does not copy scenes: name a run of a preset such as scenes-conditional")
    settings = SETTINGS[config.environment.id].from_keywords(config.environment.settings)
    assert isinstance(settings, SceneSettings), "the agent copies scenes"
    start = time.perf_counter()
    targets = first_of(one_pass.held_out(), count)
    paintings = one_pass.copy(targets, seed)
    agent_seconds = time.perf_counter() - start
    start = time.perf_counter()
    found = search(targets, evaluations, np.random.default_rng(seed), settings.to_json(), processors())
    search_seconds = time.perf_counter() - start
    originals = [objects_of(settings, actions) for actions in scenes.read(dataset.folder, "test").actions[:count]]
    agent, searched = (
        judge_scenes(renders, targets, [objects_of(settings, a) for a in actions], originals, paintings.empty)
        for renders, actions in ((paintings.renders, paintings.actions), (found.renders, found.actions))
    )
    marks = sorted({mark for mark in MARKS if mark < evaluations} | {evaluations})
    curve = [(mark, float(found.errors[mark].mean()) / agent.bare_error) for mark in marks]
    return Result(count, agent, searched, agent_seconds, search_seconds, curve)


def print_table(result: Result) -> None:
    """Print what `run` returned."""
    table = Table(title=f"{result.scenes} held-out scenes (error 1: the bare platform's)")
    for title in ("", "error", "right number", "position, cells", "missed", "invented", "attributes", "s"):
        table.add_column(title, justify="right" if title else "left")
    rows = (
        ("agent, one pass", result.agent, result.agent_seconds),
        (f"search over {PRIMITIVES} objects", result.search, result.search_seconds),
    )
    for name, report, seconds in rows:
        table.add_row(
            name,
            f"{report.relative_error:.3f}",
            f"{report.right_count:.0%}",
            f"{report.position_error:.2f}",
            f"{report.missed:.2f}",
            f"{report.invented:.2f}",
            f"{report.right_attributes:.0%}",
            f"{seconds:.1f}",
        )
    console = Console()
    console.print(table)
    steps = ", ".join(f"{error:.3f} after {evaluations:,}" for evaluations, error in result.curve)
    console.print(f"error of the search: {steps} evaluations of each scene", highlight=False)
