"""Some of the episodes of a rollout, shown while they are painted.

Whatever the number of rollouts, as many episodes a second are shown: each rollout gets its share, saves it up between
two batches, and spends it on the first episodes of the next one, which are as good a sample as any. Commands that are
done soon after each other go out together, so that a fast environment costs one message an episode, and a slow one
still shows every command in time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actors.recorder import Recorder
from spiral.contracts import Glimpse, LiveFeed

MOST_AT_ONCE = 8  # episodes of one batch
MOST_COMMANDS = 32  # in one glimpse
WAIT_S = 0.25  # for more commands to go out with
LARGEST = 128  # pixels; wider canvases are shown smaller
GOLDEN_RATIO = 0.618  # its multiples spread evenly over [0, 1)


class Broadcast:
    """Shows the share of one rollout.

    Args:
        feed: where to.
        worker: which of the rollouts it is.
        episodes_per_s: the rollout's share.
        member: which member of a population the rollout belongs to.
        clock: seconds, of any beginning.
    """

    def __init__(
        self,
        feed: LiveFeed,
        worker: int,
        episodes_per_s: float,
        member: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.feed = feed
        self.worker = worker
        self.episodes_per_s = episodes_per_s
        self.member = member
        self._clock = clock
        self._saved = worker * GOLDEN_RATIO % 1.0  # so that many rollouts do not begin at the same moment
        self._saved_at = clock()
        self._episodes: list[int] = []
        self._shown = 0
        self._sent_at = 0.0

    def begin(self, batch_size: int) -> None:
        """Choose the episodes of a new batch that are shown."""
        now = self._clock()
        self._saved = min(MOST_AT_ONCE, self._saved + (now - self._saved_at) * self.episodes_per_s)
        count = min(int(self._saved), batch_size)
        self._saved -= count
        self._saved_at = self._sent_at = now
        self._episodes = [secrets.randbits(64) for _ in range(count)]
        self._shown = 0

    def follow(self, recorder: Recorder, targets: NDArray[np.uint8] | None, version: int) -> None:
        """Show what was painted since the last time, if it is time to; at the end of an unroll it is.

        Args:
            recorder: the unroll as it is now; of each unroll of the batch in turn.
            targets: uint8 [B, H, W, C], or None when the agent is unconditional.
            version: of the weights that decide.
        """
        if not self._episodes:
            return
        now = self._clock()
        over = recorder.time == len(recorder.actions)
        done = recorder.first + recorder.time
        if over or done - self._shown >= MOST_COMMANDS or now - self._sent_at >= WAIT_S:
            self._sent_at = now
            while self._shown < done:
                self._send(recorder, targets, version)

    def _send(self, recorder: Recorder, targets: NDArray[np.uint8] | None, version: int) -> None:
        start = self._shown - recorder.first
        end = min(recorder.time, start + MOST_COMMANDS)
        for index, episode in enumerate(self._episodes):
            glimpse = Glimpse(
                episode=episode,
                worker=self.worker,
                member=self.member,
                version=version,
                length=recorder.episode_length,
                first=self._shown,
                actions=recorder.actions[start:end, index],
                canvases=reduced(recorder.canvases[start : end + 1, index]),
                target=None if targets is None else reduced(targets[index][None])[0],
                painted=time.time(),
            )
            self.feed.show(glimpse)
        self._shown = recorder.first + end


def shown_shape(canvas_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape (H, W, C) in which canvases of `canvas_shape` are shown."""
    height, width, channels = canvas_shape
    factor = _factor(height, width)
    return -(-height // factor), -(-width // factor), channels


def reduced(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures uint8 [N, H, W, C] by area mean in the shape that `shown_shape` gives; unchanged if that is theirs."""
    count, height, width, channels = pictures.shape
    factor = _factor(height, width)
    if factor == 1:
        return pictures
    small = [Image.fromarray(p[..., 0] if channels == 1 else p).reduce(factor) for p in pictures]
    return np.stack([np.asarray(picture) for picture in small]).reshape(count, *shown_shape(pictures.shape[1:]))


def _factor(height: int, width: int) -> int:
    return -(-max(height, width) // LARGEST)
