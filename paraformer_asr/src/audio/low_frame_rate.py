"""Low frame rate: m neighbouring frames side by side, every n-th time (Pundak & Sainath
2016, "Lower frame rate neural network acoustic models")."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


@contract
def stack_frames(
    features: Float[Tensor, "frames mels"], m: int = 7, n: int = 6
) -> Float[Tensor, "stacked m_mels"]:
    """Row i is frames i n - (m - 1) // 2 and the m - 1 after it, ceil(frames / n) rows.

    Before the first frame stands the first, behind the last the last.
    """
    frames, mels = features.shape
    if m == n == 1 or frames == 0:
        return features if m == 1 else features.new_zeros(0, m * mels)
    start = torch.arange(0, frames, n)[:, None] - (m - 1) // 2
    rows = (start + torch.arange(m)).clamp_(0, frames - 1)
    return features[rows].flatten(1)
