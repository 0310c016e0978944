"""RLlib's IMPALA (its new API stack) learns to copy digits, in processes of its own (Espeholt et al., 2018).

    python -m examples.rllib_impala --frames 200000 --out runs/impala.png

Processes that paint do not wait for the learner, which corrects for the lag by V-trace. The agent is in
`examples/rllib_painter.py`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from ray.rllib.algorithms.impala import IMPALA, IMPALAConfig
from ray.rllib.algorithms.impala.torch.impala_torch_learner import IMPALATorchLearner
from ray.rllib.core import ALL_MODULES
from ray.rllib.core.columns import Columns
from ray.rllib.utils.metrics import LEARNER_RESULTS

from examples.copying import SMALL, Task
from examples.rllib_painter import configured, show

LEARNED = "frames_learned_lifetime"


class CountingLearner(IMPALATorchLearner):
    """RLlib's own learner, which also counts the frames that its loss was made of.

    RLlib's counts are others: of frames that were painted, some of which are dropped where the learner is behind, and
    of frames in its batches, which hold one more for each episode, so that the value after the last can be looked up.
    """

    def compute_loss_for_module(self, *, batch: dict[str, Any], **keywords: Any) -> Any:
        """RLlib's loss."""
        learned = int(batch[Columns.LOSS_MASK].sum())
        self.metrics.log_value((ALL_MODULES, LEARNED), learned, reduce="lifetime_sum")
        return super().compute_loss_for_module(batch=batch, **keywords)


def build(frames: int, seed: int, task: Task = SMALL, env_runners: int | None = None) -> IMPALA:
    """IMPALA that is to learn from so many frames; the arguments are those of `configured`."""
    config = configured(IMPALAConfig(), task, frames, seed, env_runners)  # type: ignore[no-untyped-call]
    config = config.learners(num_learners=1, learner_class=CountingLearner)
    # It would ask the processes that paint without a pause whether they are done, on cores that these need.
    config = config.training(timeout_s_sampler_manager=0.1)
    algorithm: IMPALA = config.reporting(min_time_s_per_iteration=1).build_algo()
    return algorithm


def learned(algorithm: IMPALA) -> int:
    """How many frames it has learned from so far."""
    metrics: Any = algorithm.metrics
    return int(metrics.peek((LEARNER_RESULTS, ALL_MODULES, LEARNED), default=0))


def train(algorithm: IMPALA) -> int:
    """How many frames RLlib learned from in its next iteration."""
    before = learned(algorithm)
    algorithm.train()  # type: ignore[no-untyped-call]
    return learned(algorithm) - before


def main(
    frames: Annotated[int, typer.Option(min=1, help="Commands to learn from, in whole batches.")] = 200_000,
    out: Annotated[Path, typer.Option(help="A PNG of copies, each below its original.")] = Path("runs/impala.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
) -> None:
    """Train RLlib's IMPALA, and show how it copies held-out digits."""
    show("RLlib IMPALA", partial(build, frames, seed), train, frames, out)


if __name__ == "__main__":
    typer.run(main)
