"""How far to trust a mean over few images (Efron 1979, percentile bootstrap)."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


@contract
def bootstrap_interval(
    values: Float[Tensor, " images"],
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval that holds `level` of the means of images drawn again with replacement.

    NaN values are left out; (NaN, NaN) if there are no others. It knows of the images
    alone, not of how much another seed of the training would move them.
    """
    valid = values[~values.isnan()].cpu().double()
    if not len(valid):
        return float("nan"), float("nan")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(valid), (resamples, len(valid)), generator=generator)
    means = valid[drawn].mean(1)
    tail = (1 - level) / 2
    low = torch.quantile(means, tail, interpolation="lower")
    high = torch.quantile(means, 1 - tail, interpolation="higher")
    return low.item(), high.item()
