"""Expert iteration: the agent imitates what a search makes of its own programs (Anthony, Tian & Barber, 2017).

Search at use makes a program better for one picture (`actors/program_search.py`) and teaches the agent nothing. Here it
does so during the training, for pictures that the agent has just painted. What it finds is better than what the agent
does by itself, so it is a teacher that is always one step ahead:

    paint a program for each of a batch of targets; search from there with the newest weights;
    imitate the programs that came nearer to their targets than what was painted first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from actors.play import Play
from actors.program_search import Programs, ProgramSearch
from actors.rollout import Rollout
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.picture_error import mean_squared_errors
from spiral.section import ConfigError
from spiral.state import under_prefix, with_prefix

# Of what the search tries. Who imitates what was tried at a higher one, as it is at use, becomes as undecided as that.
TEMPERATURE = 1.0


def check_expert(config: RunConfig, episode_length: int) -> None:
    """Refuses a search in the training of an agent whose unrolls are shorter than its episodes.

    Raises:
        ConfigError: they are.
    """
    if config.expert.share and config.policy.unrolled(episode_length) < episode_length:
        raise ConfigError(
            f"expert.share={config.expert.share} with policy.unroll_length={config.policy.unroll_length}: a search "
            f"changes whole programs, and an episode has {episode_length} commands; set policy.unroll_length=null, or "
            "expert.share=0"
        )


class Expert:
    """Searches from what the agent of a rollout paints of the rollout's targets.

    Args:
        rollout: that paints, and records what was found.
        seed: of the search.
        num_threads: on how many threads the canvases are painted.

    Raises:
        ConfigError: episodes come in unrolls.
    """

    def __init__(self, rollout: Rollout, seed: int, num_threads: int = 1) -> None:
        config = rollout.config
        check_expert(config, rollout.length)
        self._rollout = rollout
        self._simulations = config.expert.simulations
        own = int(np.random.SeedSequence((seed, 5)).generate_state(1)[0])  # not the rollout's: they draw differently
        self._search = ProgramSearch(config, rollout.weights, rollout.batch_size, own, TEMPERATURE, num_threads)

    def collect(self) -> Play:
        """A batch of programs that a search began with what the agent has just painted."""
        rollout = self._rollout
        assert rollout.targets is not None, "an agent that is shown a target"
        targets = rollout.draw(rollout.targets)
        (painted,) = rollout.paint(targets, TEMPERATURE)
        before = mean_squared_errors(painted.canvases[-1], targets)
        assert painted.programs is not None, "episodes are whole"
        programs = Programs(targets, painted.programs.copy(), painted.canvases[-1].copy(), before.copy())
        self._search.improve(programs, self._simulations)
        rollout.begin_programs(programs.actions, targets)
        better = programs.errors < before
        found = replace(rollout.unroll(), better=better)
        metrics = {
            "expert/improved": float(better.mean()),
            "expert/gain": float(1.0 - programs.errors.sum() / max(before.sum(), 1e-12)),
        }
        return Play("expert", found, painted.frames * (1 + self._simulations), metrics)

    def state(self) -> Arrays:
        """What a checkpoint needs beside the rollout's own state."""
        return with_prefix("expert", self._search.state())

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        self._search.load_state(under_prefix("expert", arrays))

    def close(self) -> None:
        """Give back the canvases of the search."""
        self._search.close()
