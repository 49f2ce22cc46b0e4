"""Low frame rate: m neighbouring frames side by side, every n-th time (Pundak & Sainath
2016, "Lower frame rate neural network acoustic models")."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


@contract
def stack_frames(
    features: Float[Tensor, "frames mels"], m: int = 7, n: int = 6
) -> Float[Tensor, "-(-frames//{n}) {m}*mels"]:
    """Row i is frames i n - (m - 1) // 2 and the m - 1 after it, ceil(frames / n) rows.

    Before the first frame stands the first, behind the last the last.
    """
    if m == n == 1:
        return features
    return stack_rows(features, m, n, 0, -(-len(features) // n))


@contract
def stack_rows(
    features: Float[Tensor, "frames mels"],
    m: int,
    n: int,
    row: int,
    end: int,
    first: int = 0,
) -> Float[Tensor, "rows {m}*mels"]:
    """Rows `row` to before `end`, where `features` begin with frame `first`."""
    if row >= end:
        return features.new_zeros(0, m * features.shape[1])
    start = torch.arange(row, end)[:, None] * n - (m - 1) // 2
    places = (start + torch.arange(m)).clamp_(0, first + len(features) - 1)
    return features[places - first].flatten(1)
