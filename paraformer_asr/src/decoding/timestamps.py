"""When each token was said, in seconds, from the boundaries of integrate-and-fire."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


class TokenTime(NamedTuple):
    token: str
    start_s: float
    end_s: float
    confidence: float


@contract
def token_times(
    tokens: Sequence[str],
    boundaries: Float[Tensor, " tokens"],
    alphas: Float[Tensor, " time"],
    frame_seconds: float,
    confidence: Sequence[float] | None = None,
) -> list[TokenTime]:
    """Token u lies between the boundaries of u - 1 and u."""
    ends = [b * frame_seconds for b in boundaries.tolist()]
    starts = [0.0, *ends[:-1]]
    sure = confidence or [1.0] * len(tokens)
    return [TokenTime(*row) for row in zip(tokens, starts, ends, sure, strict=True)]
