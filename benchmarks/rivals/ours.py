"""Our own learner: the engine of `spiral train` on Ray, with as many workers and threads as it takes by itself."""

from __future__ import annotations

from actors.evaluation import paint
from cluster.on_ray.engine import RayEngine
from cluster.run.engine import inspect_environment
from cluster.run.plan import Phase
from examples.copying import MEASURED, Copies, Task, digits
from spiral.agent import Agent, count_parameters


class Ours:
    """The engine of `spiral train` on Ray."""

    def __init__(self, task: Task, frames: int, seed: int) -> None:
        del frames  # the schedules follow the progress
        self.task = task
        self.config = task.config.with_changes({"seed": seed})
        self.parameters = count_parameters(Agent(*inspect_environment(self.config), self.config.agent))
        self.engine = RayEngine(self.config, digits("train", task))

    def step(self, progress: float) -> int:
        """How many frames the policy learner learned from in its next step; 0 if none was finished within a second."""
        report = self.engine.step(Phase("learning", progress))
        return 0 if report is None else report.frames

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""
        targets = digits("test", self.task)[:MEASURED]
        paintings = paint(self.config, self.engine.weights, targets, len(targets), self.config.seed, temperature=1.0)
        return Copies(paintings.renders, targets)

    def close(self) -> None:
        """End its processes."""
        self.engine.close()
