"""The policy learner: trajectories in, better weights out (thesis, section 6.3.4).

It scores a trajectory's renders with the newest rewards, corrects for the lag of the actors with V-trace and takes a
step, or with a clipped ratio several. Then it publishes the agent's weights.

The clip is around the policy as it was when the batch arrived, and not around the actors', which may be many versions
older: what lies between those two is V-trace's to correct, once (IMPACT: Luo et al., 2020). Around the actors' policy
the clip eats the gain of every version that they lag behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.actions import ActionSpec
from learners.anchor import Anchor
from learners.cloning import cloning_loss
from learners.learner import Learner
from learners.team import Team
from spiral.agent import Agent, TensorEpisodes, writable_tensor
from spiral.config import RunConfig
from spiral.contracts import Arrays, WeightStore
from spiral.descent import descend
from spiral.devices import autocast, resolve_device
from spiral.entropy import command_entropy
from spiral.losses import policy_loss
from spiral.precision import Precision, precision_of_agent
from spiral.random_state import generator_array, load_generator
from spiral.rewards import RewardSum, setting_of
from spiral.state import (
    load_network,
    load_optimizer,
    network_arrays,
    optimizer_arrays,
    under_prefix,
    with_prefix,
)
from spiral.trajectory import Trajectory
from spiral.vtrace import vtrace


@dataclass(frozen=True)
class Batch:
    """The unrolls of one update.

    Attributes:
        trajectory: as the actors played them.
        rewards: [T, B].
        proximal_log_prob: log π₀(a_t|x_t) of the policy before the first update on them, [T, B]; None for the first
            update: the policy that it judges is π₀ itself.
    """

    trajectory: Trajectory
    rewards: Tensor
    proximal_log_prob: Tensor | None

    def select(self, episodes: NDArray[np.int64]) -> Batch:
        """The same with only the given episodes (indices into B)."""
        columns = torch.from_numpy(episodes)
        proximal = None if self.proximal_log_prob is None else self.proximal_log_prob[:, columns]
        return Batch(self.trajectory.select(episodes), self.rewards[:, columns], proximal)


class PolicyLearner(Learner):
    """Trains the agent and publishes it as `agent` in `weights`.

    Args:
        state: what `state` gave, to go on from; None begins anew.
        version: of the first weights; a learner in place of one that died goes on above all versions that there were.

    Attributes:
        version: how many steps were taken, and more where some were lost with a learner that died.
    """

    def __init__(
        self,
        config: RunConfig,
        spec: ActionSpec,
        canvas_shape: tuple[int, int, int],
        weights: WeightStore,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.weights = weights
        self.device = resolve_device(config.device)
        self.agent = Agent(spec, canvas_shape, config.agent).to(self.device)
        self.precision = precision_of_agent(config.precision, self.device, self.agent)
        self.reward = RewardSum(config.rewards, setting_of(config, canvas_shape, spec=spec))
        self.optimizer = torch.optim.Adam(self.agent.parameters(), lr=config.policy.learning_rate, fused=True)
        self.anchor = Anchor(self.agent, config.policy.anchor_decay) if config.policy.anchor else None
        self.team = Team(self.agent)
        self.rng = np.random.default_rng((config.seed, 1))
        self.version = version
        self.begin(state)

    def step(self, trajectory: Trajectory, progress: float) -> dict[str, float]:
        """Measurements of one learning step on a trajectory, or of this learner's part in it.

        Args:
            trajectory: a batch of unrolls, the same for each learner of a team.
            progress: how much of the run is over, in [0, 1]; learning rate and entropy cost follow it.

        Raises:
            DivergedError: when a number is not finite any more.
        """
        policy = self.config.policy
        trajectory = self.team.share(trajectory)
        self.reward.follow(self.weights)
        rewards, measured = self.reward.of(trajectory)
        mean_return = float(rewards.sum(dim=0).mean())
        if self.anchor is not None:
            rewards, measured["policy/anchor_distance"] = self._charge(self.anchor, trajectory, rewards)
        rate = on_the_way(policy.learning_rate, policy.final_learning_rate, progress)
        entropy_cost = on_the_way(policy.entropy, policy.final_entropy, progress)
        self._set_learning_rate(rate)
        updates = self._passes(trajectory, rewards, entropy_cost)
        self._advance()
        if self.anchor is not None:
            self.anchor.follow(self.agent, self.version)
        measured |= {name: float(np.mean([u[name] for u in updates])) for name in updates[0]}
        return measured | {
            "policy/return": mean_return,
            "policy/lag": float((self.version - 1 - trajectory.versions).mean()),
            "policy/learning_rate": rate,
            **{f"episode/{name}": float(count.mean()) for name, count in trajectory.final_counts.items() if len(count)},
        }

    def clone_step(self, demonstrations: Trajectory) -> dict[str, float]:
        """Measurements of the imitation of the given programs, in as many updates as there are minibatches, each pass.

        Raises:
            DivergedError: when a number is not finite any more.
        """
        cloning = self.config.cloning
        self._set_learning_rate(cloning.learning_rate)
        return {"cloning/loss": self._imitate(demonstrations, cloning.minibatches, cloning.passes)}

    def expert_step(self, found: Trajectory, progress: float) -> dict[str, float]:
        """Measurements of the imitation of what a search found, in as many updates as a batch of one's own gets.

        Args:
            found: the programs, and which of them the search made better.
            progress: as of `step`; the learning rate is that of the policy.

        Raises:
            DivergedError: when a number is not finite any more.
        """
        policy = self.config.policy
        self._set_learning_rate(on_the_way(policy.learning_rate, policy.final_learning_rate, progress))
        loss = self._imitate(found, policy.minibatches, policy.passes)
        if self.anchor is not None:
            self.anchor.follow(self.agent, self.version)
        return {"expert/loss": loss}

    def state(self) -> Arrays:
        """Everything that a checkpoint needs to go on bit for bit."""
        return (
            with_prefix("network", network_arrays(self.agent))
            | with_prefix("optimizer", optimizer_arrays(self.optimizer))
            | ({} if self.anchor is None else with_prefix("anchor", self.anchor.state()))
            | {"rng": generator_array(self.rng), "version": np.array(self.version)}
        )

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave, and publish it; the version never falls."""
        load_network(self.agent, under_prefix("network", arrays))
        load_optimizer(self.optimizer, under_prefix("optimizer", arrays))
        if self.anchor is not None:
            self.anchor.load_state(under_prefix("anchor", arrays))
        load_generator(self.rng, arrays["rng"])
        self.version = max(self.version, int(arrays["version"]))
        self.publish()

    @property
    def precisions(self) -> list[Precision]:
        """What the agent computes with."""
        return [self.precision]

    def published(self) -> Iterator[tuple[str, int, Arrays]]:
        """The agent's weights."""
        yield "agent", self.version, network_arrays(self.agent)

    def _imitate(self, demonstrations: Trajectory, minibatches: int, passes: int) -> float:
        """The mean loss of all updates on the programs, after which the agent is published."""
        demonstrations = self.team.share(demonstrations)
        losses = []
        parts = np.array_split(np.arange(demonstrations.batch_size), minibatches)
        for episodes in parts * passes:
            part = demonstrations.select(episodes)
            batch = TensorEpisodes.of(part, self.device)
            better = None if part.better is None else writable_tensor(part.better).to(self.device)
            with autocast(self.device, self.precision.name):
                loss = self.team.differentiate(partial(cloning_loss, self.agent, batch, better))
            self._descend(loss)
            losses.append(float(loss.detach()))
        self._advance()
        return float(np.mean(losses))

    def _charge(self, anchor: Anchor, trajectory: Trajectory, rewards: Tensor) -> tuple[Tensor, float]:
        """The rewards less what leaving the average policy costs, and the mean distance from it in nats a step."""
        log_probs = writable_tensor(trajectory.log_probs).to(self.device)
        distance = anchor.distance(TensorEpisodes.of(trajectory, self.device), log_probs, self.precision.name)
        return rewards - self.config.policy.anchor * distance.to(rewards.device), float(distance.mean())

    @torch.no_grad()
    def _proximal_log_prob(self, trajectory: Trajectory) -> Tensor:
        """log π₀(a_t|x_t) of the policy before its updates on this batch, [T, B]."""
        if (trajectory.versions == self.version).all():
            return writable_tensor(trajectory.log_probs).to(self.device)  # it is the one that acted
        with autocast(self.device, self.precision.name):
            return self.agent.unroll(TensorEpisodes.of(trajectory, self.device)).log_prob

    def _passes(self, trajectory: Trajectory, rewards: Tensor, entropy_cost: float) -> list[dict[str, float]]:
        """Measurements of each update, on every minibatch in every pass.

        The first update judges π₀ itself and leaves what it found to later ones, so only the rest is judged before.
        """
        policy, count = self.config.policy, trajectory.batch_size
        order = self.rng.permutation if policy.minibatches > 1 else np.arange
        parts = [part for _ in range(policy.passes) for part in np.array_split(order(count), policy.minibatches)]
        rest = np.setdiff1d(np.arange(count), parts[0])
        proximal = torch.empty(rewards.shape, device=self.device)
        if len(rest):
            proximal[:, torch.from_numpy(rest)] = self._proximal_log_prob(trajectory.select(rest))
        updates = []
        for number, episodes in enumerate(parts):
            whole = Batch(trajectory, rewards, proximal if number else None)
            measured, log_prob = self._update(whole.select(episodes) if len(rest) else whole, entropy_cost)
            if number == 0:
                proximal[:, torch.from_numpy(episodes)] = log_prob
            updates.append(measured)
        return updates

    def _update(self, batch: Batch, entropy_cost: float) -> tuple[dict[str, float], Tensor]:
        loss, measured, log_prob = self.team.differentiate(partial(self._loss, batch, entropy_cost))
        return measured | {"policy/gradient_norm": self._descend(loss)}, log_prob

    def _loss(self, batch: Batch, entropy_cost: float) -> tuple[Tensor, dict[str, float], Tensor]:
        policy = self.config.policy
        rewards = batch.rewards.to(self.device)
        episodes = TensorEpisodes.of(batch.trajectory, self.device)
        with autocast(self.device, self.precision.name):
            judged = self.agent.unroll(episodes)
            outlook = self.agent.outlook(episodes, judged.state)
        proximal = judged.log_prob.detach() if batch.proximal_log_prob is None else batch.proximal_log_prob
        log_rhos = proximal - writable_tensor(batch.trajectory.log_probs).to(self.device)
        returns = vtrace(
            log_rhos,
            rewards,
            torch.cat((judged.value.detach(), outlook[None])),
            discount=policy.discount,
            clip_rho=policy.clip_rho,
            clip_c=policy.clip_c,
        )
        advantages = returns.advantages
        if policy.normalize_advantages:
            advantages = self.team.normalized(advantages)
        actor_loss = policy_loss(judged.log_prob, proximal, advantages, policy.clip_ratio)
        errors = returns.vs - judged.value
        entropy = command_entropy(self.agent.spec, judged.commands, self.team.total).mean()
        loss = actor_loss + policy.value * 0.5 * errors.square().mean() - entropy_cost * entropy
        measured = {
            "policy/loss": float(actor_loss.detach()),
            "policy/entropy": float(entropy.detach()),
            "policy/rho": float(log_rhos.exp().mean()),
            "policy/explained_variance": float(1.0 - errors.detach().var() / (returns.vs.var() + 1e-8)),
        }
        return loss, measured, judged.log_prob.detach()

    def _descend(self, loss: Tensor) -> float:
        limit = self.config.policy.max_gradient_norm
        return descend(loss, self.agent, self.optimizer, limit, f"the policy at step {self.version}")

    def _set_learning_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _advance(self) -> None:
        self.version += 1
        self.publish()


def on_the_way(start: float, end: float | None, progress: float) -> float:
    """The value on the straight line from `start` to `end`; without an end it stays at the start."""
    return start if end is None else start + progress * (end - start)
