"""Acoustic embeddings from the CTC head (An et al. 2024, arXiv 2409.17746, 3.1).

A token has the frames in which the best CTC path says it: their posteriors are averaged
and projected. Blank frames fall out.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .cif import CifOutput
from .ctc_align import ctc_align


class CtcPredictor(nn.Module):
    """The alternative to integrate-and-fire, with the same output.

    In training the path is the best of those that read as the true tokens, so that
    their number is right from the start; at inference it is the best of all. Where the
    frames are too few for the true tokens, these are spread evenly over them.
    """

    def __init__(self, d_model: int, vocab: int, blank: int = 0):
        super().__init__()
        self.d_model, self.vocab, self.blank = d_model, vocab, blank
        self.project = nn.Linear(vocab, d_model)

    @contract
    def forward(
        self,
        hidden: Float[Tensor, "batch time {self.d_model}"],
        ctc_logits: Float[Tensor, "batch time {self.vocab}"],
        time_lengths: Int[Tensor, " batch"],
        tokens: Int[Tensor, "batch tokens"] | None = None,
        token_lengths: Int[Tensor, " batch"] | None = None,
    ) -> CifOutput:
        """An embedding for each token of the path; the counts are of the best of all.

        The alphas of a token are equal in its frames and sum to 1. Of `hidden` only the
        type is used: all that is known of a token has gone through the CTC head.
        """
        wide = torch.promote_types(ctc_logits.dtype, torch.float32)
        log_probs = ctc_logits.log_softmax(-1, dtype=wide)
        owner = _greedy_owner(log_probs.detach(), time_lengths, self.blank)
        lengths = counts = owner.amax(1) + 1 if owner.shape[1] else 0 * time_lengths
        if tokens is not None:
            lengths = token_lengths.long()
            said = (tokens, token_lengths, self.blank)
            owner = ctc_align(log_probs.detach(), time_lengths, *said)
            owner = _spread_lost(owner, time_lengths, lengths)
            size = tokens.shape[1]
        else:
            size = int(lengths.max()) if len(lengths) else 0
        u = torch.arange(size, device=owner.device)
        owns = owner[:, None] == u[:, None]  # (B, U, T)
        w = owns.to(wide) / owns.sum(2, keepdim=True).clamp(min=1)
        posteriors = (w @ log_probs.exp()).to(self.project.weight.dtype)
        behind = u >= lengths[:, None]
        embeds = self.project(posteriors).masked_fill(behind[..., None], 0)
        t = torch.arange(1, owner.shape[1] + 1, device=owner.device)
        ends = F.pad(owns * t, (1, 0)).amax(2).cummax(1).values.masked_fill(behind, 0)
        return CifOutput(
            embeds.to(hidden.dtype), lengths, counts.to(wide), w.sum(1), ends.to(wide)
        )


def _greedy_owner(log_probs: Tensor, time_lengths: Tensor, blank: int) -> Tensor:
    """Which token each frame says on the best path of all, -1: none."""
    best = log_probs.argmax(2)
    real = length_mask(time_lengths, best.shape[1])
    says = (best != blank) & real
    begins = says & (best != F.pad(best, (1, 0), value=blank)[:, :-1])
    return torch.where(says, begins.cumsum(1) - 1, -1)


def _spread_lost(owner: Tensor, time_lengths: Tensor, token_lengths: Tensor) -> Tensor:
    """A row without a path: frame t of T says token floor(t U / T)."""
    T = owner.shape[1]
    t = torch.arange(T, device=owner.device)
    even = t * token_lengths[:, None] // time_lengths[:, None].clamp(min=1)
    lost = (owner < 0).all(1) & (token_lengths > 0)
    here = lost[:, None] & length_mask(time_lengths, T)
    return torch.where(here, even, owner)
