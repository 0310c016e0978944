"""What a run says of its machine before it begins: in which precision it computes, how fast, and how far that leads.

How well an agent paints in the end goes by the frames that it has learned from, not by the minutes (`docs/results.md`).
So the speed is estimated from the gradient that the policy learner has just timed, and what runs of so many frames came
to is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cluster.run.plan import Length
from spiral.config import RunConfig
from spiral.precision import Precision
from spiral.rewards import REWARDS

# Of the policy learner's time the gradients take so much; the rest scores, waits, and shares the machine.
SHARE_OF_GRADIENTS = 0.75

# Where runs of 20 minutes stood on the way: thousands of frames, and the error as a share of an empty canvas's.
REACHED: dict[str, Sequence[tuple[int, float]]] = {
    "mnist-small-conditional": ((750, 0.33), (1000, 0.28), (1500, 0.24), (2000, 0.22), (2400, 0.20)),
}


def precision_in_words(precisions: Mapping[str, Sequence[Precision]]) -> str:
    """In which precision the processes of each part compute, and why, in one line."""
    every = [precision for each in precisions.values() for precision in each]
    if len({precision.name for precision in every}) == 1:
        return f"Computing in {every[0]}."
    parts = (f"{part} in {' and '.join(dict.fromkeys(map(str, each)))}" for part, each in precisions.items() if each)
    return f"Computing: {', '.join(parts)}."


def frames_per_s(config: RunConfig, seconds_per_picture: float) -> tuple[float, float]:
    """About how many frames a second a run clones and learns from, where a gradient for one picture takes so long."""
    gradients = SHARE_OF_GRADIENTS / seconds_per_picture
    return gradients, gradients / config.policy.passes


def forecast(config: RunConfig, length: Length, done: int, seconds_per_picture: float) -> str:
    """How fast the run will be here and how far it will come, in one line.

    Args:
        config: of the run.
        length: of the run, over all its resumptions.
        done: frames so far.
        seconds_per_picture: what the policy learner's gradient takes for one picture.
    """
    cloning, learning = frames_per_s(config, seconds_per_picture)
    share = config.cloning.share
    mean = share * cloning + (1.0 - share) * learning
    speed = f"This machine learns from about {_rounded(learning)} frames a second"
    if done:
        return f"{speed}{_uncounted(config)}."
    if length.minutes is None:
        assert length.frames is not None, "a run has a length"
        frames, span = length.frames, f"{length.frames:,} frames take about {_minutes(length.frames / mean / 60)}"
    else:
        frames = min(int(60 * length.minutes * mean), length.frames or 2**62)
        span = f"{_minutes(length.minutes)} {'is' if length.minutes == 1 else 'are'} about {_rounded(frames)} of them"
    return f"{speed}: {span}{_uncounted(config)}{_reached(config, frames)}."


def _uncounted(config: RunConfig) -> str:
    """What makes a run slower than its gradients let one expect, by as much as nobody knows before."""
    slow = [term.name for term in config.rewards if term.name not in REWARDS]
    slow += ["the search of expert.share"] * (config.expert.share > 0)
    return f" (without what {' and '.join(slow)} may take)" if slow else ""


def _reached(config: RunConfig, frames: int) -> str:
    """What runs of this preset came to after so many frames, where that is known."""
    known = REACHED.get(config.preset)
    if known is None:
        return ""
    thousands, errors = zip(*known, strict=True)
    error = float(np.interp(np.log(max(frames, 1)), np.log(1000 * np.array(thousands)), errors))
    measure = "of an empty canvas's error"
    if frames < 1000 * thousands[0]:
        return f"; runs as short as that stay above {error:.2f} {measure}, give them more --minutes"
    return f", after which runs of this preset had {error:.2f} {measure}"


def _rounded(number: float) -> str:
    """The number in two digits that count."""
    digits = max(0, int(np.log10(max(number, 1.0))) - 1)
    return f"{round(number, -digits):,.0f}"


def _minutes(minutes: float) -> str:
    return "1 minute" if minutes == 1 else f"{minutes:.3g} minutes"
