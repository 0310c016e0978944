"""The scores of a population's learned rewards made comparable: who paints best in the eyes of all of them.

The thesis takes each member's own discriminator scores as its fitness and assumes that they are compatible (A.3). They
need not be: each network has a scale and an offset of its own, and a weak one is easily pleased. Here all learned
rewards are judges of all members' renders, and each judge's scores are measured on its own scale: 0 is its mean
over everybody's renders, 1 its mean over real pictures. A judge to whom the real pictures look no better than the
renders has nothing to say. The fitness of a member is the median over the judges, so that no single one, its own or
one with a tiny scale, decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from learners.checkpoint import Checkpoint
from learners.replay import newest
from spiral.config import parse_config
from spiral.contracts import Renders
from spiral.rewards import build_reward, learned_terms, setting_of
from spiral.rewards.base import Context, LearnedReward
from spiral.state import under_prefix

COMPARED = 256  # of the newest renders of each member


def comparable(of_renders: NDArray[np.float64], of_real: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fitness of each member, [members]; NaN where no judge prefers real pictures.

    Args:
        of_renders: the mean score that each judge gives to each member's renders, [judges, members].
        of_real: the mean score that each judge gives to real pictures, [judges].
    """
    everybody = of_renders.mean(axis=1)
    able = of_real > everybody
    if not able.any():
        return np.full(of_renders.shape[1], np.nan)
    scaled = (of_renders - everybody[:, None])[able] / (of_real - everybody)[able, None]
    return np.asarray(np.median(scaled, axis=0), np.float64)


def compare(
    members: Sequence[Checkpoint], judges: Sequence[Checkpoint], held_out: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """The fitness of each member, [members], by the newest renders in its checkpoint.

    `judges` are those members whose learned rewards have a say: all, or the one that has the shared ones.

    NaN when there is nothing to compare: no renders yet, or no judge that prefers real pictures.

    Of a copying agent the real pictures are the targets of the renders, as in training; of an inventing one they are
    `held_out`, uint8 [N, H, W, C], on which no reward was trained.
    """
    renders = [newest(member.part("replay"), COMPARED) for member in members]
    if not all(map(len, renders)):
        return np.full(len(members), np.nan)  # while they clone, nobody is judged
    scores, real = zip(*(_judge(judge, renders, held_out[:COMPARED]) for judge in judges), strict=True)
    return comparable(np.array(scores), np.array(real))


def _judge(judge: Checkpoint, renders: Sequence[Renders], held_out: NDArray[np.uint8]) -> tuple[list[float], float]:
    """The mean score of each member's renders, and that of real pictures, in the eyes of its first learned reward."""
    height, width, channels = judge.document["canvas_shape"]
    config = parse_config(judge.document["config"])
    key, term = next(iter(learned_terms(config.rewards).items()))
    spec = ActionSpec.from_json(judge.document["action_spec"])
    reward = build_reward(term, setting_of(config, (height, width, channels), spec=spec))
    assert isinstance(reward, LearnedReward), "learned_terms gives no others"
    reward.load_state(under_prefix(key, judge.part("rewards")))

    def mean_score(batch: Renders) -> float:
        return float(reward.score(batch.renders, Context(batch.targets, {}, batch.actions)).mean())

    of_members = [mean_score(batch) for batch in renders]
    real = [replace(batch, renders=batch.targets) for batch in renders if batch.targets is not None]
    return of_members, float(np.mean([mean_score(batch) for batch in real or [Renders(held_out, None)]]))
