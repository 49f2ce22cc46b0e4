"""What the second pass is shown (Gao et al. 2022, section 3.3; Qian et al. 2021)."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def sample_glances(
    embeds: Float[Tensor, "batch tokens d_model"],
    target_embeds: Float[Tensor, "batch tokens d_model"],
    guess: Int[Tensor, "batch tokens"],
    tokens: Int[Tensor, "batch tokens"],
    token_mask: Bool[Tensor, "batch tokens"],
    ratio: float,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "batch tokens d_model"]:
    """Replace floor(ratio * wrong) embeddings of each row by those of the true tokens.

    `wrong` counts where the first pass erred; the places are drawn uniformly from all
    valid ones, not from the wrong ones alone. Padding keeps its acoustic embedding.
    """
    wrong = ((guess != tokens) & token_mask).sum(1)
    shown = (ratio * wrong.double()).floor()
    scores = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    rank = scores.masked_fill(~token_mask, 2.0).argsort(1).argsort(1)
    here = (rank < shown[:, None]) & token_mask
    return torch.where(here[..., None], target_embeds.to(embeds.dtype), embeds)
