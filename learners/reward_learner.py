"""The reward learner: renders from the replay against real pictures (thesis, section 6.3.4).

It drives all rewards of a run that learn, each at its own pace, and never waits for the actors: the replay lets it take
several steps in the time of one policy step. Conditional on a target, the real picture is the target itself (thesis
6.3.3), so that real, fake and condition come together from the replay.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from learners.learner import Learner
from spiral.config import RunConfig
from spiral.contracts import Arrays, SampledRenders, WeightStore
from spiral.data import load
from spiral.descent import DivergedError
from spiral.precision import Precision
from spiral.random_state import generator_array, load_generator
from spiral.rewards import build_reward, learned_terms, setting_of
from spiral.rewards.base import LearnedReward, Lesson
from spiral.state import under_prefix, with_prefix


class RewardLearner(Learner):
    """Trains the learned rewards and publishes each in `weights` under its own name.

    Args:
        config: the run's settings, whose rewards hold one that learns at least.
        spec: the heads of the environment's actions.
        canvas_shape: height, width and channels of a render.
        pictures: the real ones, uint8 [N, H, W, C].
        replay: of renders, with targets if the agent is conditional, with programs if a reward reads them.
        weights: where the weights go.
        state: what `state` gave, to go on from; None begins anew.
        version: of the first weights; a learner in place of one that died goes on above all versions that there were.

    Attributes:
        rewards: those that learn, by their names.
    """

    def __init__(
        self,
        config: RunConfig,
        spec: ActionSpec,
        canvas_shape: tuple[int, int, int],
        pictures: NDArray[np.uint8],
        replay: SampledRenders,
        weights: WeightStore,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        self.replay = replay
        self.weights = weights
        self.rewards: dict[str, LearnedReward] = {}
        self._pictures: dict[str, NDArray[np.uint8]] = {}
        self._rngs: dict[str, np.random.Generator] = {}
        for place, (key, term) in enumerate(learned_terms(config.rewards).items()):
            reward = build_reward(term, setting_of(config, canvas_shape, 1 + place, spec))
            assert isinstance(reward, LearnedReward), "learned_terms gives no others"
            reward.version = version
            self.rewards[key] = reward
            self._pictures[key] = pictures if term.data is None else _real(term.data, canvas_shape)
            self._rngs[key] = np.random.default_rng((config.seed, 2, place))
        self.begin(state)

    @property
    def precisions(self) -> list[Precision]:
        """What the rewards compute with, those that chose."""
        return [reward.precision for reward in self.rewards.values() if reward.precision is not None]

    def step(self, key: str) -> dict[str, float]:
        """Measurements of one step of the reward called `key`, as `reward/key/name`.

        Raises:
            EmptyReplayError: when the replay holds nothing yet.
            DivergedError: when a number is not finite any more.
        """
        try:
            measured = self.rewards[key].update(self._lesson(key))
        except DivergedError as error:
            raise DivergedError(f"the reward {key!r}: {error}") from error
        return {f"reward/{key}/{name}": value for name, value in measured.items()}

    def published(self) -> Iterator[tuple[str, int, Arrays]]:
        """The weights of every reward."""
        for key, reward in self.rewards.items():
            yield key, reward.version, reward.weights()

    def state(self) -> Arrays:
        """The states of all rewards, and what their lessons are drawn with."""
        arrays: Arrays = {}
        for key, reward in self.rewards.items():
            arrays |= with_prefix(key, reward.state() | {"rng": generator_array(self._rngs[key])})
        return arrays

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave, and publish it; versions never fall."""
        for key, reward in self.rewards.items():
            own, version = under_prefix(key, arrays), reward.version
            load_generator(self._rngs[key], own.pop("rng"))
            reward.load_state(own)
            reward.version = max(reward.version, version)
        self.publish()

    def _lesson(self, key: str) -> Lesson:
        rng, pictures = self._rngs[key], self._pictures[key]
        sample = self.replay.sample(self.rewards[key].batch_size, rng)
        if sample.targets is not None:
            return Lesson(sample.targets, sample.renders, sample.targets, sample.actions)
        real = pictures[rng.integers(len(pictures), size=len(sample))]
        return Lesson(real, sample.renders, None, sample.actions)


def _real(name: str, canvas_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The pictures of a data set that a reward has for itself."""
    height, _, channels = canvas_shape
    pictures: NDArray[np.uint8] = load(name, "train", height, channels == 3)
    return pictures
