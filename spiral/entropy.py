"""The entropy of the next command, with its whole gradient.

A command is decided head after head, and which heads count is decided by one of them, its kind. By the chain rule its
entropy is an expectation over commands a ~ π,

    H = E_a[ Σ_i c_i(a) H_i(a_{<i}) ],    H_i = −Σ_v π(v|a_{<i}) log π(v|a_{<i}),

with c_i(a) = 1 where head i counts, and since π itself decides what is averaged, its gradient has two parts:

    ∇H = E_a[ Σ_i c_i ∇H_i + Σ_j c_j ∇log π(a_j|a_{<j}) (R_j − b_j) ],    R_j = Σ_{i after j} c_i H_i.

Without the second part nothing tells the kind that one which has more to choose has more entropy, and nothing keeps an
agent painting. b_j is the mean of R_j over the commands at hand, once the kind is decided over those of the same kind:
it changes the variance alone (Williams, 1992).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from envs.actions import ActionSpec


@dataclass(frozen=True)
class SubActions:
    """N commands head by head, in the order of the action space; all but `actions` are float [N, heads].

    Attributes:
        actions: the choices a_i, int64 [N, heads].
        log_probs: log π(a_i|a_{<i}).
        entropies: H_i(a_{<i}).
        counted: c_i.
    """

    actions: Tensor
    log_probs: Tensor
    entropies: Tensor
    counted: Tensor


def command_entropy(spec: ActionSpec, commands: SubActions, total: Callable[[Tensor], Tensor]) -> Tensor:
    """Estimates of H [N], one from each command, whose gradients estimate ∇H.

    Args:
        spec: the heads, the order in which they are decided, and which of them is the kind.
        commands: drawn from π.
        total: sums what each of several learners has of the commands; the identity where there is one.
    """
    order = torch.tensor([spec.index(name) for name in spec.decoding_order], device=commands.actions.device)
    counted, log_probs = commands.counted[:, order], commands.log_probs[:, order]
    parts = counted * commands.entropies[:, order]
    later = (parts.sum(dim=1, keepdim=True) - parts.cumsum(dim=1)).detach()
    of_kind = F.one_hot(commands.actions[:, spec.index(spec.kind)], len(spec.relevant)).to(parts.dtype)
    sums, counts = total(torch.stack((of_kind.T @ (counted * later), of_kind.T @ counted)))
    baseline = of_kind @ (sums / counts.clamp(min=1.0))
    undecided = spec.decoding_order.index(spec.kind) + 1  # heads before which nobody knows the kind
    baseline[:, :undecided] = (sums.sum(dim=0) / counts.sum(dim=0).clamp(min=1.0))[:undecided]
    score: Tensor = (counted * log_probs * (later - baseline)).sum(dim=1)
    return parts.sum(dim=1) + score - score.detach()
