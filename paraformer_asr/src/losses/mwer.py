"""Minimum word error rate, for a decoder that names all tokens at once.

Gao et al. 2022 (arXiv 2206.08317), section 3.4. Where an autoregressive model takes
its hypotheses from a beam, these are the greedy one and copies of it in which some
positions say their second-best token.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.lengths import length_mask


@contract
def mwer_loss(
    logits: Float[Tensor, "batch tokens vocab"],
    tokens: Int[Tensor, "batch tokens"],
    token_lengths: Int[Tensor, " batch"],
    n: int = 4,
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""]:
    """Mean over the batch of sum_i P(y_i) (W(y_i) - mean W), i = 1..n.

    W is the edit distance to `tokens`, P the probability renormalised over the n; the
    gradient to log P(y_i) is P(y_i) (W(y_i) - sum_j P(y_j) W(y_j)) / batch.
    """
    wide = torch.promote_types(logits.dtype, torch.float32)
    log_probs = logits.log_softmax(-1, dtype=wide)
    mask = length_mask(token_lengths, tokens.shape[1])
    y = sample_hypotheses(log_probs.detach(), mask, n, generator)
    said = log_probs[:, None].expand(-1, n, -1, -1).gather(3, y[..., None])[..., 0]
    P = (said * mask[:, None]).sum(2).softmax(1)
    W = edit_distances(y, tokens, token_lengths).to(wide)
    return (P * (W - W.mean(1, keepdim=True))).sum() / max(1, len(tokens))


@contract
def sample_hypotheses(
    log_probs: Float[Tensor, "batch tokens vocab"],
    mask: Bool[Tensor, "batch tokens"],
    n: int,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch {n} tokens"]:
    """The best token everywhere, then n - 1 rows with the second best at some places.

    How many is uniform from one to half of the positions, rounded up; which, too.
    """
    best, second = log_probs.topk(2).indices[:, None].unbind(-1)
    shape, device = (len(mask), n, mask.shape[1]), mask.device
    scores = torch.rand(shape, generator=generator, device=device)
    rank = scores.masked_fill(~mask[:, None], 2).argsort(2).argsort(2)
    half = (mask.sum(1, keepdim=True) + 1) // 2
    share = torch.rand(shape[:2], generator=generator, device=device)
    swaps = 1 + (share * half).long()
    swaps[:, 0] = 0
    return torch.where((rank < swaps[..., None]) & mask[:, None], second, best)


@contract
def edit_distances(
    y: Int[Tensor, "batch n tokens"],
    tokens: Int[Tensor, "batch tokens"],
    token_lengths: Int[Tensor, " batch"],
) -> Int[Tensor, "batch n"]:
    """Levenshtein's distance of each hypothesis to its row, both of the row's length.

    A row of the table at once: its insertions are the smallest so far, plus the steps.
    """
    j = torch.arange(y.shape[2] + 1, device=y.device)
    D = j.expand(*y.shape[:2], -1)
    distances = y.new_zeros(y.shape[:2])
    for i in range(1, y.shape[2] + 1):
        replaced = D[..., :-1] + (y[..., i - 1 : i] != tokens[:, None])
        D = torch.cat([D[..., :1] + 1, replaced.minimum(D[..., 1:] + 1)], 2)
        D = (D - j).cummin(2).values + j
        at_end = D.gather(2, token_lengths[:, None, None].expand(*y.shape[:2], 1))
        distances = torch.where(token_lengths[:, None] == i, at_end[..., 0], distances)
    return distances
