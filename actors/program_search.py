"""Search at use: the policy of an agent that copies is improved for the picture at hand (Ganin et al. 2018, 6.5).

A program is redrawn a few commands at a time, as a blocked Metropolis-Hastings search does it (`scene_search.py`). But
new commands are proposed by the agent, which sees what is painted before them, and not uniformly; and a program is
taken only if its picture is nearer to the target. One sweep goes over all places of the program:

    for each place: go on from the canvas before it, several times at once, on copies of that canvas;
        of each, 1 to 4 commands are the agent's, and all later ones are the program's own;
        if the nearest of these pictures is nearer than the program's, its program takes the place of this one.

Why not a tree with the agent's value at its leaves? The environment is known and paints for less than the agent thinks,
and the rest of a good program is there already: so every try ends in a whole picture and is judged by its true error,
with no estimate that a search would learn to exploit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from actors.evaluation import BATCH, Paintings
from actors.rollout import Rollout, make_environments
from spiral.agent import Observation
from spiral.config import RunConfig
from spiral.contracts import Arrays, WeightStore
from spiral.layers import State
from spiral.picture_error import mean_squared_errors

TRIES = 4  # at once, for each place of a program
MOST_REDRAWN = 4  # commands in a row
TEMPERATURE = 2.0  # of tries at use: there is a good program already, and what is tried is to differ from it


def nearest(paintings: Paintings, targets: NDArray[np.uint8]) -> Paintings:
    """Of paintings of each target, one target after the other, those with the least squared error.

    Args:
        paintings: as many of each target.
        targets: uint8 [N, H, W, C].
    """
    count = len(paintings.renders) // len(targets)
    errors = mean_squared_errors(paintings.renders, np.repeat(targets, count, axis=0)).reshape(-1, count)
    best = np.arange(len(targets)) * count + errors.argmin(axis=1)
    return replace(paintings, renders=paintings.renders[best], actions=paintings.actions[best])


def improved(
    config: RunConfig,
    weights: WeightStore,
    targets: NDArray[np.uint8],
    paintings: Paintings,
    simulations: int,
    seed: int,
    num_threads: int = 1,
) -> Paintings:
    """The paintings, one of each target, after a search that takes as many commands as so many more paintings would.

    None of them is farther from its target than before.

    Args:
        config: of the agent that is asked.
        weights: where its weights are.
        targets: uint8 [N, H, W, C].
        paintings: where the search begins.
        simulations: for each target, in episodes.
        seed: decides everything.
        num_threads: on how many threads the canvases are painted.
    """
    size = min(BATCH // TRIES, len(targets))
    search = ProgramSearch(config, weights, size, seed, TEMPERATURE, num_threads)
    renders, actions = paintings.renders.copy(), paintings.actions.copy()
    for start in range(0, len(targets), size):
        # The last batch is filled up with the first targets, as all canvases advance together; these are left out.
        batch = np.arange(start, start + size) % len(targets)
        errors = mean_squared_errors(renders[batch], targets[batch])
        programs = Programs(targets[batch], actions[batch], renders[batch], errors)
        search.improve(programs, simulations)
        own = batch[: len(targets) - start]
        renders[own], actions[own] = programs.renders[: len(own)], programs.actions[: len(own)]
    search.close()
    return replace(paintings, renders=renders, actions=actions)


@dataclass
class Programs:
    """Programs on their way to be better.

    Attributes:
        targets: uint8 [N, H, W, C].
        actions: one program for each, int64 [N, T, heads].
        renders: what they paint, uint8 [N, H, W, C].
        errors: the mean squared error of each, [N].
    """

    targets: NDArray[np.uint8]
    actions: NDArray[np.int64]
    renders: NDArray[np.uint8]
    errors: NDArray[np.float64]


class ProgramSearch:
    """Improves `count` programs at once with tries of this temperature; other arguments as of `Rollout`."""

    def __init__(
        self,
        config: RunConfig,
        weights: WeightStore,
        count: int,
        seed: int,
        temperature: float,
        num_threads: int = 1,
    ) -> None:
        self._temperature = temperature
        self._owner = np.repeat(np.arange(count), TRIES)  # of each try, which program it is of
        self._rollout = Rollout(config, weights, None, seed, len(self._owner), num_threads)
        self._tried = self._rollout.environments.unwrapped
        self._painted = make_environments(config, count, num_threads).unwrapped
        self._length = self._rollout.length

    def improve(self, programs: Programs, simulations: int) -> None:
        """Sweeps over the programs, in place, with the commands of so many episodes for each and the newest weights."""
        self._rollout.fetch_agent()
        budget = simulations * self._length  # commands
        while budget >= self._length:
            budget = self._sweep(programs, budget)

    def state(self) -> Arrays:
        """The random states, for a checkpoint."""
        return self._rollout.state()

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        self._rollout.load_state(arrays)

    def close(self) -> None:
        """Give back the canvases."""
        self._rollout.close()
        self._painted.close()

    def _sweep(self, programs: Programs, budget: int) -> int:
        """How many commands are left of the budget after other ones were tried at each place."""
        rollout = self._rollout
        told = rollout.tensor(programs.targets[self._owner]), rollout.tensor(rollout.draw_noise())
        memory = rollout.agent.lstm.initial_state(len(self._owner))
        self._painted.reset()
        for place in range(self._length):
            way, rest = min(place, 1), self._length - place
            tries = min(TRIES, (budget - way) // rest)
            if tries < 1:
                return 0
            if way:
                self._painted.step(programs.actions[:, place - 1])
            memory = self._redraw(programs, place, tries, told, memory)
            budget -= way + tries * rest
        return budget

    def _redraw(
        self,
        programs: Programs,
        place: int,
        tries: int,
        told: tuple[Tensor, Tensor],
        memory: State,
    ) -> State:
        """Lets the agent choose anew from a place on, takes what is better, and gives the agent's memory after it.

        Args:
            programs: which are changed.
            place: of the first command that is chosen anew.
            tries: how many count, of each.
            told: targets and noise of every try.
            memory: of the agent before the place.
        """
        seen, _ = self._tried.take(self._owner, self._painted)
        actions = programs.actions[self._owner]
        stop = place + int(self._rollout.rng.integers(1, MOST_REDRAWN, endpoint=True))
        memories = [memory]
        for step in range(place, self._length):
            if step < stop:
                before = actions[:, step - 1] if step else np.zeros_like(actions[:, 0])
                observed = self._observation(seen, before, told)
                decision = self._rollout.decide(observed, memories[-1], self._temperature)
                memories.append(decision.state)
                actions[:, step] = decision.actions.cpu().numpy()
            seen = self._tried.step(actions[:, step])[0]
        self._take_better(programs, actions, seen["canvas"], tries)
        return memories[1]  # which chose, and knows nothing of what it chose

    def _observation(
        self, seen: dict[str, NDArray[Any]], before: NDArray[np.int64], told: tuple[Tensor, Tensor]
    ) -> Observation:
        canvas, action, mask = map(self._rollout.tensor, (seen["canvas"], before, seen["action_mask"]))
        return Observation(canvas, told[0], action, mask, told[1])

    def _take_better(
        self, programs: Programs, actions: NDArray[np.int64], renders: NDArray[np.uint8], tries: int
    ) -> None:
        """Puts the nearest of the tries in the place of each program that is less near."""
        errors = mean_squared_errors(renders, programs.targets[self._owner])
        errors.reshape(-1, TRIES)[:, tries:] = np.inf
        best = np.arange(0, len(errors), TRIES) + errors.reshape(-1, TRIES).argmin(axis=1)
        better = np.flatnonzero(errors[best] < programs.errors)
        best = best[better]
        programs.actions[better], programs.renders[better] = actions[best], renders[best]
        programs.errors[better] = errors[best]
