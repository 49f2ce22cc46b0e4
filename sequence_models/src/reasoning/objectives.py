"""What is minimised: policies from advantages, the distance to a reference, the critic.

o_it is token t of response i, |o_i| its tokens, N the number of responses. What the
mask leaves out, prompts and padding, changes nothing, even where it is NaN. Old and
reference log-probabilities, advantages and targets are data: no gradient goes there.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..utils.contracts import contract


Normaliser = Literal["sequence", "token", "constant", "sum"]


@contract
def policy_loss(
    logp: Float[Tensor, "rollouts time"],
    old_logp: Float[Tensor, "rollouts time"],
    advantages: Float[Tensor, "rollouts time"] | Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts time"],
    *,
    clip: float,
    normaliser: Normaliser,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Minus PPO's clipped objective (Schulman et al. 2017, eq. 7), and what it clips.

        loss = - sum_i w_i sum_t min(rho_it A_it, clip(rho_it, 1 - eps, 1 + eps) A_it)
        rho_it = pi(o_it | q, o_i<t) / pi_old(o_it | q, o_i<t)

    w_i          normaliser
    1 / N |o_i|  sequence: a mean over each response   GRPO, Shao et al. 2024, eq. 3
    1 / sum |o|  token: all tokens weigh alike         DAPO, Yu et al. 2025, section 3.3
    1 / N time   constant: no length of a response     Dr. GRPO, Liu et al. 2025, 3.2
    1 / N        sum: log pi of the whole response     REINFORCE, RLOO

    Right after the rollout rho = 1, and the gradient is that of REINFORCE, -w A grad
    log pi, with any `clip`. Second: the share of the tokens whose gradient is cut off.
    ValueError for a `clip` that is not above 0; infinity does not clip.
    """
    if not clip > 0:
        raise ValueError(f"clip = {clip}: must be above 0")
    if advantages.ndim == 1:
        advantages = advantages[:, None].expand_as(mask)
    advantages = torch.where(mask, advantages.detach(), 0).to(logp.dtype)
    ratio = torch.where(mask, logp - old_logp.detach(), 0).exp()
    free, clipped = ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages
    loss = -(torch.minimum(free, clipped) / _divisor(mask, normaliser)).sum()
    return loss, _mean((clipped < free).to(logp.dtype), mask)


@contract
def kl_k3(
    logp: Float[Tensor, "rollouts time"],
    reference_logp: Float[Tensor, "rollouts time"],
    mask: Bool[Tensor, "rollouts time"],
) -> Float[Tensor, ""]:
    """k3 = r - 1 - log r, r = reference/policy, its mean over the scored tokens.

    For tokens drawn from the policy its expectation is KL(policy || reference), and it
    is never negative (Schulman 2020, "Approximating KL divergence"). As a loss, which
    is how GRPO uses it, its gradient (1 - r) grad log pi is in expectation that of the
    other one, KL(reference || policy); both pull the policy to the reference.
    """
    log_r = torch.where(mask, reference_logp.detach() - logp, 0)
    return _mean(log_r.expm1() - log_r, mask)


@contract
def value_loss(
    values: Float[Tensor, "rollouts time"],
    old_values: Float[Tensor, "rollouts time"],
    targets: Float[Tensor, "rollouts time"],
    mask: Bool[Tensor, "rollouts time"],
    clip: float,
) -> Float[Tensor, ""]:
    """Mean of max((V - V_targ)^2, (V_clip - V_targ)^2) / 2 over the scored tokens.

    V_clip = V_old + clip(V - V_old, -eps, eps) as in the code of PPO's authors; their
    paper (eq. 9) has the plain square, which is `clip` infinity.
    """
    if not clip > 0:
        raise ValueError(f"clip = {clip}: must be above 0")
    old_values = old_values.detach()
    near = old_values + (values - old_values).clamp(-clip, clip)
    errors = [torch.where(mask, v - targets.detach(), 0) for v in (values, near)]
    return _mean(torch.maximum(errors[0] ** 2, errors[1] ** 2) / 2, mask)


def _divisor(mask: Tensor, normaliser: Normaliser) -> Tensor | int:
    """1 / w_i, (rollouts, 1) or one for all; 1 where there is nothing to divide."""
    count, time = mask.shape
    return {
        "sequence": max(1, count) * mask.sum(1, keepdim=True).clamp(min=1),
        "token": mask.sum().clamp(min=1),
        "constant": max(1, count * time),
        "sum": max(1, count),
    }[normaliser]


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Over the scored tokens, where alone `x` is not 0; none: 0."""
    return x.sum() / mask.sum().clamp(min=1)
