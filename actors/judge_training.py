"""Makes the two classifiers that come with the package, `python -m actors.judge_training --seed 0`.

They are fitted to the training digits of full MNIST, the judge also to counter-examples: blank canvases, torn digits,
and renders of random programs in several brushes. A random program that looks like a digit by chance stays a
counter-example. Every figure is of held-out digits and unseen counter-examples; it is printed and stored in the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from envs.paint import PaintVector
from envs.random_programs import random_programs, smooth_programs
from spiral import data, judge, not_digits

SIZE = 32
READER_EPOCHS, JUDGE_EPOCHS = 6, 4
COUNTER_EXAMPLES = 30_000
# Of smooth random programs, so that at most 2 per cent of unseen ones are accepted, with room for chance.
SMOOTH_ACCEPTED = 0.014
PEN: dict[str, Any] = {
    "canvas_size": SIZE,
    "render_size": 2 * SIZE,
    "grid_size": 32,
    "brush": "classic/pen",
    "color": False,
    "episode_length": 8,
}
PAINTS: tuple[dict[str, Any], ...] = (
    {**PEN, "brush_sizes": (0.4, 0.6, 0.8, 1, 1.3, 1.7)},
    {**PEN, "brush_sizes": (1, 1.5, 2, 3)},
    {**PEN, "brush": "classic/dry_brush", "brush_sizes": (0.5, 1, 2, 4, 6), "episode_length": 20},
)
Programs = Callable[[ActionSpec, int, int, np.random.Generator], NDArray[np.int64]]


def counter_examples(digits: NDArray[np.uint8], count: int, rng: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    """Pictures that are no digits, by kind, each uint8 [N, 32, 32, 1].

    There are `count` torn digits, half as many again smooth random programs (the hardest), a quarter as many uniform
    ones and a tenth as many blank canvases.
    """
    share = count // len(PAINTS)
    chosen = rng.choice(len(digits), count, replace=count > len(digits))
    return {
        "torn digits": not_digits.torn(digits[chosen], rng),
        "smooth programs": np.concatenate([_renders(paint, smooth_programs, share * 3 // 2, rng) for paint in PAINTS]),
        "uniform programs": np.concatenate([_renders(paint, random_programs, share // 4, rng) for paint in PAINTS]),
        "blank canvases": not_digits.blank(count // 10, SIZE, rng),
    }


def figures(reader: judge.DigitNet, referee: judge.DigitNet, digits: data.Pictures, seed: int) -> dict[str, float]:
    """What the two reach on held-out digits and counter-examples torn and painted for the occasion: shares of 1."""
    found = {
        "reader: digits read right": float(np.mean(judge.classify(reader, digits.images)[0] == digits.labels)),
        "judge: digits accepted": _accepted(referee, digits.images),
        "judge: digits read right": float(np.mean(judge.classify(referee, digits.images)[0] == digits.labels)),
    }
    for kind, pictures in counter_examples(digits.images, len(digits.images), np.random.default_rng(seed)).items():
        found[f"judge: {kind} accepted"] = _accepted(referee, pictures)
    return found


def main() -> None:
    """Fits both classifiers, prints their figures and writes `reader.safetensors` and `judge.safetensors`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("spiral/weights"))
    options = parser.parse_args()

    train, test = (data.load_pictures("mnist", split, SIZE) for split in ("train", "test"))
    assert train.labels is not None, "MNIST has labels"
    reader = judge.fit(train.images, train.labels, 10, options.seed, READER_EPOCHS)
    rng = np.random.default_rng(options.seed)
    others = np.concatenate(list(counter_examples(train.images, COUNTER_EXAMPLES, rng).values()))
    labels = np.concatenate([train.labels, np.full(len(others), judge.NOT_A_DIGIT)])
    referee = judge.fit(np.concatenate([train.images, others]), labels, 11, options.seed, JUDGE_EPOCHS)
    fresh = counter_examples(train.images, COUNTER_EXAMPLES // 3, rng)["smooth programs"]
    judge.tighten(referee, fresh, SMOOTH_ACCEPTED)

    found = {name: f"{share:.4f}" for name, share in figures(reader, referee, test, options.seed + 1).items()}
    for name, share in found.items():
        print(f"{share}  {name}")
    options.out.mkdir(parents=True, exist_ok=True)
    made = {"made by": f"python -m actors.judge_training --seed {options.seed}", "digits": "MNIST, 60,000 training"}
    for name, net in (("reader", reader), ("judge", referee)):
        own = {figure: share for figure, share in found.items() if figure.startswith(name)}
        judge.save(net, options.out / f"{name}.safetensors", {**made, **own})


def _renders(settings: dict[str, Any], programs: Programs, count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The canvases, uint8 [count, 32, 32, 1], that random programs leave behind."""
    env = PaintVector(count, **settings)
    canvases = env.reset()[0]["canvas"]
    for actions in programs(env.action_spec, count, settings["episode_length"], rng).swapaxes(0, 1):
        canvases = env.step(actions)[0]["canvas"]
    return np.asarray(canvases)


def _accepted(net: judge.DigitNet, pictures: NDArray[np.uint8]) -> float:
    return float(np.mean(judge.classify(net, pictures)[0] != judge.NOT_A_DIGIT))


if __name__ == "__main__":
    main()
