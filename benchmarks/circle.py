"""What a discriminator sees that ℓ2 does not: one solid circle, in all places (thesis, section A.1, figure A.1).

A picture shows a circle; another one is the target. ℓ2 between the two is the same wherever the circles do not overlap:
it says how far away the target is only to those who are nearly there. The conditional discriminator of a run, with
each of its losses, learns to tell pairs of the same circle from pairs of two. All are drawn as surfaces over the places
of the circle, and from every place one goes downhill, to the lowest of the eight places around, until none is lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from cluster.run.engine import inspect_environment
from learners.replay import MemoryReplay
from learners.reward_learner import RewardLearner
from learners.weights import MemoryWeights
from spiral.contracts import Renders
from spiral.files import written_whole
from spiral.presets import preset
from spiral.rewards.base import Context, LearnedReward

PRESET = "mnist-small-conditional"
LOSSES = ("wgan-gp", "logistic")
SIZE = 32  # pixels
RADIUS = 4  # pixels
SIDE = SIZE - 2 * RADIUS  # places along a side
SHOWN = 9 * SIDE + 10  # the place of the target in the figure
MEASURED = 32  # targets that the shares are the mean of

Surface = NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """Where one kind of surface leads.

    Attributes:
        name: of the surface.
        shown: the surface [SIDE, SIDE] around the target of the figure, lower where a picture is more like the target.
        reached: share of all places from which the way leads to the target; in the figure, and mean over many targets.
        without_slope: share of the places beside the target from which no place around is lower; likewise.
    """

    name: str
    shown: Surface
    reached: tuple[float, float]
    without_slope: tuple[float, float]


def run(out: Path, steps: int = 1000, seed: int = 0) -> list[Result]:
    """What ℓ2 and a discriminator of each loss after so many steps give; `circle.png` in `out` shows it."""
    circles = all_circles()
    rewards = {loss: train(circles, loss, steps, seed) for loss in LOSSES}
    others = np.random.default_rng((seed, 1)).choice(len(circles), MEASURED, replace=False)
    surfaces: dict[str, Callable[[int], Surface]] = {"ℓ2": partial(distances, circles)}
    surfaces |= {f"D, {loss}": partial(negative_scores, reward, circles) for loss, reward in rewards.items()}
    results = [judge(name, surface_of, others) for name, surface_of in surfaces.items()]
    save_figure(out / "circle.png", circles, results)
    return results


def all_circles() -> NDArray[np.uint8]:
    """A black circle on white in each place, row by row, uint8 [SIDE², SIZE, SIZE, 1]."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    centres = np.arange(SIDE) + RADIUS
    down, right = np.meshgrid(centres, centres, indexing="ij")
    squared = (rows - down.reshape(-1, 1, 1)) ** 2 + (columns - right.reshape(-1, 1, 1)) ** 2
    return np.where(squared <= (RADIUS + 0.5) ** 2, 0, 255).astype(np.uint8)[..., None]


def train(circles: NDArray[np.uint8], loss: str, steps: int, seed: int) -> LearnedReward:
    """A discriminator that has learned to tell pairs of the same circle from pairs of two, both in all places."""
    config = preset(PRESET).with_changes({"seed": seed, "rewards.discriminator.options.loss": loss})
    rng = np.random.default_rng(seed)
    replay = MemoryReplay(config.replay.pictures, (SIZE, SIZE, 1), with_targets=True)
    spec, _ = inspect_environment(config)
    learner = RewardLearner(config, spec, (SIZE, SIZE, 1), circles, replay, MemoryWeights())
    reward = learner.rewards["discriminator"]
    for _ in range(steps):
        targets = rng.integers(len(circles), size=reward.batch_size)
        elsewhere = (targets + rng.integers(1, len(circles), size=len(targets))) % len(circles)
        replay.add(Renders(circles[elsewhere], circles[targets]))
        learner.step("discriminator")
    return reward


def distances(circles: NDArray[np.uint8], target: int) -> Surface:
    """The ℓ2 distance of each picture from the target, pixels in [0, 1]."""
    pixels = circles.reshape(len(circles), -1) / 255
    distance: Surface = np.linalg.norm(pixels - pixels[target], axis=1)
    return distance.reshape(SIDE, SIDE)


def negative_scores(reward: LearnedReward, circles: NDArray[np.uint8], target: int) -> Surface:
    """−D(picture | target) of each picture."""
    targets = np.broadcast_to(circles[target], circles.shape)
    scores: Surface = reward.score(circles, Context(targets, {})).double().numpy()
    return -scores.reshape(SIDE, SIDE)


def judge(name: str, surface_of: Callable[[int], Surface], others: NDArray[np.int64]) -> Result:
    """What the surfaces around the target of the figure, and around others, give."""
    shown = surface_of(SHOWN)
    around = {int(target): surface_of(int(target)) for target in others}

    def of_both(share: Callable[[Surface, int], float]) -> tuple[float, float]:
        return share(shown, SHOWN), float(np.mean([share(surface, target) for target, surface in around.items()]))

    return Result(name, shown, of_both(reached), of_both(without_slope))


def downhill(surface: Surface) -> NDArray[np.int64]:
    """For every place of a surface, row by row, the lowest of the eight around it, or itself if none is lower."""
    rows, columns = surface.shape
    walled = np.pad(surface, 1, constant_values=np.inf)
    steps = [(0, 0)] + [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
    around = [walled[1 + down : 1 + down + rows, 1 + right : 1 + right + columns] for down, right in steps]
    lowest: NDArray[np.int64] = np.argmin(around, axis=0)
    offsets = np.array([down * columns + right for down, right in steps])
    places: NDArray[np.int64] = np.arange(rows * columns) + offsets[lowest].reshape(-1)
    return places


def reached(surface: Surface, target: int) -> float:
    """The share of all places from which the way downhill ends at `target`."""
    ends = downhill(surface)
    while not np.array_equal(further := ends[ends], ends):
        ends = further
    return float(np.mean(ends == target))


def without_slope(surface: Surface, target: int) -> float:
    """The share of the places beside `target` from which there is no way downhill."""
    rests = downhill(surface) == np.arange(surface.size)
    return float(np.delete(rests, target).mean())


def save_figure(path: Path, circles: NDArray[np.uint8], results: list[Result]) -> None:
    """Draw some pictures, the target and the surfaces into a PNG, which is there whole or not at all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3), dpi=90, layout="constrained")
    parts: Any = figure.subfigures(1, 1 + len(results), width_ratios=[1.2] + [2] * len(results))
    left, *rest = parts
    examples = circles.reshape(SIDE, SIDE, SIZE, SIZE)[:: SIDE // 2 - 1, :: SIDE // 2 - 1].reshape(-1, SIZE, SIZE)
    grid = left.add_gridspec(4, 3)
    for index, picture in enumerate([*examples, circles[SHOWN, ..., 0]]):
        axes = left.add_subplot(grid[index // 3, index % 3] if index < 9 else grid[3, 1])
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
    axes.set_xlabel("target")
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for part, result in zip(rest, results, strict=True):
        relief = part.add_subplot(projection="3d")
        relief.plot_surface(columns, rows, result.shown, cmap="viridis", rcount=SIDE, ccount=SIDE)
        relief.set(title=result.name, xticks=[], yticks=[])
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")


def print_table(results: list[Result]) -> None:
    """Print what `run` returned."""
    table = Table(title=f"A circle in {SIDE * SIDE} places; in brackets, mean of {MEASURED} targets")
    table.add_column("surface", no_wrap=True)
    for title in ("downhill leads to the target", "there is no way downhill"):
        table.add_column(title, justify="right")
    for result in results:
        shares = (result.reached, result.without_slope)
        table.add_row(result.name, *(f"{shown:.1%} ({mean:.1%})" for shown, mean in shares))
    Console().print(table)


if __name__ == "__main__":
    print_table(run(Path("runs/circle")))
