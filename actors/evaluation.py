"""What a finished agent can do, on pictures that it never saw.

Copies are measured by their squared error beside that of an empty canvas, and by whether a reader of digits reads in
the copy what it reads in the original, or what that is known to show. Inventions are measured by how many of them a
judge accepts, which also knows what is not a digit, and by how they spread over the ten digits. Reader and judge take
no part in training (`spiral/judge.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.rollout import Rollout
from envs.program import Program
from spiral.config import EnvironmentConfig, RunConfig
from spiral.contracts import WeightStore
from spiral.judge import NOT_A_DIGIT, classify, read_as, shipped
from spiral.picture_error import mean_squared_error

BATCH = 256
LEAST_ERROR = 1e-9  # of empty canvases, where all targets are blank


@dataclass(frozen=True)
class Paintings:
    """What an agent painted.

    Attributes:
        renders: uint8 [N, H, W, C].
        actions: that made them, int64 [N, T, heads].
        empty: the canvas before the first of them, uint8 [H, W, C].
        environment: in which they were painted.
        brush_fingerprint: of the brush that painted them; None where there is no brush.
    """

    renders: NDArray[np.uint8]
    actions: NDArray[np.int64]
    empty: NDArray[np.uint8]
    environment: EnvironmentConfig
    brush_fingerprint: str | None

    def program(self, index: int) -> Program:
        """The program of one of the paintings."""
        return Program(self.environment.id, self.environment.settings, self.actions[index], self.brush_fingerprint)


def paint(
    config: RunConfig,
    weights: WeightStore,
    targets: NDArray[np.uint8] | None,
    count: int,
    seed: int,
    temperature: float,
    num_threads: int = 1,
) -> Paintings:
    """`count` paintings of the newest agent in `weights`; of a conditional one, copies of the first targets in order.

    Raises:
        ValueError: when `count` is below 1, or there are fewer targets.
        WeightsError: there are no weights that fit the agent.
    """
    if count < 1:
        raise ValueError(f"count={count}; ask for 1 painting or more")
    if targets is not None and count > len(targets):
        raise ValueError(f"count={count}, but there are only {len(targets)} targets; ask for {len(targets)} at most")
    size = min(BATCH, count)
    rollout = Rollout(config, weights, None, seed, size, num_threads)
    renders, actions = [], []
    for start in range(0, count, size):
        # The last batch is filled up with the first targets, since all canvases of a rollout advance together.
        batch = None if targets is None else np.take(targets, np.arange(start, start + size), axis=0, mode="wrap")
        done: list[NDArray[np.int64]] = []
        for unroll in rollout.paint(batch, temperature):
            done.append(unroll.actions)
        renders.append(unroll.canvases[-1])
        actions.append(np.concatenate(done).swapaxes(0, 1))
    observation, _ = rollout.environments.reset()
    rollout.close()
    return Paintings(
        np.concatenate(renders)[:count],
        np.concatenate(actions)[:count],
        observation["canvas"][0],
        config.environment,
        rollout.brush_fingerprint,
    )


@dataclass(frozen=True)
class CopyReport:
    """How near copies come to their targets.

    Attributes:
        error: mean squared error of the copies.
        empty_error: mean squared error of empty canvases.
    """

    error: float
    empty_error: float

    @property
    def relative_error(self) -> float:
        """The copies' error divided by the empty canvases'."""
        return self.error / max(self.empty_error, LEAST_ERROR)


def judge_copies(renders: NDArray[np.uint8], targets: NDArray[np.uint8], empty: NDArray[np.uint8]) -> CopyReport:
    """The report on copies.

    Args:
        renders: the copies, uint8 [N, H, W, C].
        targets: the originals, of the same shape.
        empty: the canvas before anything is painted, uint8 [H, W, C].
    """
    empties = np.broadcast_to(empty, targets.shape)
    return CopyReport(mean_squared_error(renders, targets), mean_squared_error(empties, targets))


def read_alike(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> float:
    """The share of copies that the reader of digits reads as it reads their originals; both uint8 [N, H, W, C]."""
    return read_as(renders, classify(shipped("reader"), targets)[0])


@dataclass(frozen=True)
class InventionReport:
    """How digit-like inventions are.

    Attributes:
        accepted: share of the renders that the judge takes for some digit.
        shares: of all renders, how many are taken for each of the ten digits.
    """

    accepted: float
    shares: tuple[float, ...]

    @property
    def digits_present(self) -> int:
        """How many of the ten digits make up 2 % of the renders or more."""
        return sum(share >= 0.02 for share in self.shares)


def judge_inventions(renders: NDArray[np.uint8]) -> InventionReport:
    """The report on invented digits, dark on white, uint8 [N, H, W, C]."""
    labels, _ = classify(shipped("judge"), renders)
    shares = tuple(float(np.mean(labels == digit)) for digit in range(NOT_A_DIGIT))
    return InventionReport(sum(shares), shares)
