"""V-trace: returns of one policy from episodes that an older one made (Espeholt et al., 2018, section 4.1).

With importance ratios ρ_t = π(a_t|x_t) / μ(a_t|x_t), ρ̄_t = min(ρ̄, ρ_t) and c_t = min(c̄, ρ_t):

    v_s = V(x_s) + Σ_{t=s}^{T−1} γ^{t−s} (Π_{i=s}^{t−1} c_i) ρ̄_t (r_t + γ V(x_{t+1}) − V(x_t))

and the policy gradient's advantage is ρ̄_s (r_s + γ v_{s+1} − V(x_s)), with v_T = V(x_T): what is expected of the
rest of the episode, and 0 where the episode ends with the unroll.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class VTraceReturns:
    """Targets `vs` of the value and `advantages` of the policy gradient, each [T, B], without gradient."""

    vs: Tensor
    advantages: Tensor


@torch.no_grad()
def vtrace(
    log_rhos: Tensor, rewards: Tensor, values: Tensor, *, discount: float, clip_rho: float, clip_c: float
) -> VTraceReturns:
    """V-trace targets and advantages of unrolls.

    Args:
        log_rhos: log π(a_t|x_t) − log μ(a_t|x_t), [T, B].
        rewards: r_t, [T, B].
        values: V(x_t) for t ≤ T, [T+1, B]; the last is zero where the episode is over.
        discount: γ in (0, 1].
        clip_rho: ρ̄, which decides the policy whose value is learned.
        clip_c: c̄, which decides how fast.
    """
    rhos = log_rhos.exp()
    clipped_rhos = rhos.clamp(max=clip_rho)
    cs = rhos.clamp(max=clip_c)
    before, after = values[:-1], values[1:]
    deltas = clipped_rhos * (rewards + discount * after - before)
    correction = torch.zeros_like(values[0])
    corrections = []
    for delta, c in zip(deltas.flip(0), cs.flip(0), strict=True):
        correction = delta + discount * c * correction
        corrections.append(correction)
    vs = before + torch.stack(corrections).flip(0)
    next_vs = torch.cat((vs[1:], values[-1:]))
    return VTraceReturns(vs, clipped_rhos * (rewards + discount * next_vs - before))
