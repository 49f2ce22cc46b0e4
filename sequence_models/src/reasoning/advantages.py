"""How much better a response was than what was to be expected: A, from rewards r.

    REINFORCE  A_i = r_i - mean of all r                Williams 1992, section 4
    RLOO       A_i = r_i - mean of the others' r        Kool et al. 2019; Ahmadian 2024
    GRPO       A_i = (r_i - mean r) / std r             Shao et al. 2024, section 4.1.2
    Dr. GRPO   A_i = r_i - mean r                       Liu et al. 2025, section 3.2
    GAE        A_t = sum_l (gamma lambda)^l delta_t+l   Schulman et al. 2016, eq. 16

A group are the responses to one prompt. Equal rewards give exactly 0, whatever they are
and however they round: such a group teaches nothing, and need not be taken out.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..utils.contracts import contract


@contract
def reinforce_advantages(
    rewards: Float[Tensor, "prompts group"],
) -> Float[Tensor, "prompts group"]:
    """A_i = r_i - b with the mean reward of the whole batch as baseline b.

    As b holds r_i itself, the expected gradient is (N-1)/N of the true one, N = all.
    """
    return _deviation(rewards.reshape(1, -1)).view_as(rewards)


@contract
def rloo_advantages(
    rewards: Float[Tensor, "prompts group"],
) -> Float[Tensor, "prompts group"]:
    """A_i = r_i - 1/(G-1) sum_{j != i} r_j, which is G/(G-1) (r_i - mean r): unbiased.

    A baseline that does not depend on response i does not change the expected gradient.
    """
    group = rewards.shape[1]
    return _deviation(rewards) * group / (group - 1)


@contract
def grpo_advantages(
    rewards: Float[Tensor, "prompts group"],
) -> Float[Tensor, "prompts group"]:
    """A_i = (r_i - mean r) / std r.

    The paper does not say which std. The code that people train with (TRL, verl) has
    that of a sample, over G - 1; that of a population makes every A larger by the same
    sqrt(G/(G-1)), which the learning rate takes up, and Adam not even notices. They add
    1e-4 or 1e-6 to the std for equal rewards, which here are 0 without it.
    """
    deviation = _deviation(rewards)
    std = deviation.std(1, keepdim=True)
    return deviation / torch.where(std > 0, std, 1)


@contract
def dr_grpo_advantages(
    rewards: Float[Tensor, "prompts group"],
) -> Float[Tensor, "prompts group"]:
    """A_i = r_i - mean r: RLOO's times (G-1)/G."""
    return _deviation(rewards)


@contract
def zero_variance(rewards: Float[Tensor, "prompts group"]) -> Float[Tensor, ""]:
    """The share of groups whose rewards are all equal: these teach nothing."""
    return (rewards == rewards[:, :1]).all(1).to(rewards.dtype).mean()


@contract
def reward_at_end(
    rewards: Float[Tensor, " rollouts"], mask: Bool[Tensor, "rollouts time"]
) -> Float[Tensor, "rollouts time"]:
    """The reward of a response at its last scored token, 0 at all others: for `gae`."""
    scored_from_here = mask.flip(1).cumsum(1).flip(1)
    return torch.where(mask & (scored_from_here == 1), rewards[:, None], 0)


@contract
def gae(
    rewards: Float[Tensor, "rollouts time"],
    values: Float[Tensor, "rollouts time"],
    mask: Bool[Tensor, "rollouts time"],
    gamma: float,
    lam: float,
) -> Float[Tensor, "rollouts time"]:
    """Generalised advantage estimation, backwards over the scored tokens.

        delta_t = r_t + gamma V(s_t+1) - V(s_t),    A_t = delta_t + gamma lam A_t+1

    `values[:, t]` is V(s_t) of the state in which token t was drawn, the text before
    it; nothing comes after the last scored token. 0 where not scored. lam 0: the TD
    error; 1: the return less the value. A + V is what the critic should have said.
    """
    values = values.detach()
    advantages = torch.zeros_like(values)
    next_value = next_advantage = values.new_zeros(len(values))
    for t in reversed(range(mask.shape[1])):
        scored = mask[:, t]
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantage = delta + gamma * lam * next_advantage
        advantages[:, t] = torch.where(scored, advantage, 0)
        next_value = torch.where(scored, values[:, t], next_value)
        next_advantage = torch.where(scored, advantage, next_advantage)
    return advantages


def _deviation(rewards: Tensor) -> Tensor:
    """r_i - mean r of each row; ValueError for rows of one, which have no deviation."""
    if rewards.shape[1] < 2:
        raise ValueError(
            f"a group of {rewards.shape[1]}: it needs at least 2 responses"
        )
    # The mean of equal numbers need not be that number; that of zeros is zero.
    rewards = rewards - rewards[:, :1]
    return rewards - rewards.mean(1, keepdim=True)
