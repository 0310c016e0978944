"""The rival of the agent: blocked Metropolis–Hastings over scene programs (thesis 6.4.6, figure 6.10).

A state is up to twenty primitives, each there or not. A step draws all attributes of one of them anew, uniformly, and
whether it is there; the scene is drawn, and accepted with probability

    min(1, p(target | proposed) / p(target | present)),   p = N(render, 0.25 · 1),

with pixels in [0, 1]. One evaluation is one render.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.scene_objects import ADD, SKIP
from envs.scenes import ScenesVector

PRIMITIVES = 20
VARIANCE = 0.25


@dataclass(frozen=True)
class Search:
    """What the search found.

    Attributes:
        actions: the last state of each chain as a program, int64 [N, primitives, heads].
        renders: of these, uint8 [N, H, W, 3].
        errors: mean squared error of the present states after each evaluation, [evaluations + 1, N].
    """

    actions: NDArray[np.int64]
    renders: NDArray[np.uint8]
    errors: NDArray[np.float64]


def search(
    targets: NDArray[np.uint8],
    evaluations: int,
    rng: np.random.Generator,
    settings: dict[str, Any] | None = None,
    num_threads: int = 1,
) -> Search:
    """One chain for each target, from bare platforms.

    Args:
        targets: uint8 [N, H, W, 3].
        evaluations: renders for each target.
        rng: decides everything.
        settings: of `spiral/Scenes-v0`, with what another version has else; the episode is as long as there are
            primitives.
        num_threads: on how many threads the scenes are drawn.
    """
    keywords = {**(settings or {}), "episode_length": PRIMITIVES}
    environments = ScenesVector(len(targets), num_threads=num_threads, **keywords)
    spec = environments.action_spec
    kind = spec.index("kind")
    present = np.zeros((len(targets), PRIMITIVES, len(spec.heads)), np.int64)
    present[..., kind] = SKIP
    log_likelihood = _log_likelihood(environments.draw(present), targets)
    errors = [_error(log_likelihood, targets)]
    for _ in range(evaluations):
        proposed = present.copy()
        block = (np.arange(len(targets)), rng.integers(PRIMITIVES, size=len(targets)))
        proposed[block] = rng.integers(0, spec.nvec, (len(targets), len(spec.heads)))
        proposed[(*block, kind)] = np.where(rng.random(len(targets)) < 0.5, ADD, SKIP)
        new = _log_likelihood(environments.draw(proposed), targets)
        accepted = np.log(rng.random(len(targets))) < new - log_likelihood
        present[accepted] = proposed[accepted]
        log_likelihood = np.where(accepted, new, log_likelihood)
        errors.append(_error(log_likelihood, targets))
    renders = environments.draw(present)
    environments.close()
    return Search(present, renders, np.stack(errors))


def _log_likelihood(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> NDArray[np.float64]:
    """log p(target | render) up to a constant, [N]: −‖target − render‖² / (2 · variance)."""
    difference = (renders.astype(np.float32) - targets.astype(np.float32)) / 255.0
    squares: NDArray[np.float64] = np.square(difference, dtype=np.float64).sum(axis=(1, 2, 3))
    return -squares / (2 * VARIANCE)


def _error(log_likelihood: NDArray[np.float64], targets: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean squared error of pixels that a log-likelihood stands for, [N]."""
    errors: NDArray[np.float64] = -2 * VARIANCE * log_likelihood / targets[0].size
    return errors
