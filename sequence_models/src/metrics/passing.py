"""How often one of k attempts passes (Chen et al. 2021, arXiv 2107.03374, eq. 1)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def pass_at_k(
    n: int, correct: Int[Tensor, " problems"], k: int
) -> Float[Tensor, " problems"]:
    """1 - C(n-c, k) / C(n, k): the chance that k of `n` attempts have a right one.

    c of them are right. The estimate is unbiased, which 1 - (1 - c/n)^k is not. As the
    paper computes it, without a binomial that overflows:

        C(n-c, k) / C(n, k) = prod_{i=n-c+1}^{n} (1 - k/i)

    ValueError if k or c does not fit n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} of {n} attempts: k must be 1..{n}")
    if len(correct) and not 0 <= int(correct.min()) <= int(correct.max()) <= n:
        raise ValueError(f"correct = {correct.tolist()}: must be 0..{n}")
    i = torch.arange(n, 0, -1, dtype=torch.float64, device=correct.device)
    # At i = k, with too few wrong ones to choose k of them, it is 0 and stays that.
    misses = (1 - k / i).cumprod(0)
    misses = torch.cat([misses.new_ones(1), misses])  # by c, from 0 to n
    return 1 - misses[correct.long()]
