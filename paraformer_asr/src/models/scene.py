"""Which frames are real, and which of them a frame may see."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..utils.contracts import contract
from .attention import AttentionMask


class Scene(NamedTuple):
    """What all layers of an encoder are told about its frames."""

    mask: AttentionMask | None = None
    """Of the attention; None: all see all."""
    time_mask: Bool[Tensor, "batch time"] | None = None
    """Of the convolutions; None: all are real."""
    distances: Float[Tensor, "distances d_model"] | None = None
    """Sinusoids of total - 1, ..., 1 - time, for attention by distance."""


@contract
def chunk_mask(
    time: int, total: int, chunk: int, left_chunks: int, past: int = 0
) -> Bool[Tensor, "{time} {total}"]:
    """Frame q sees frame k in its own chunk and in `left_chunks` before (-1: all).

    The queries are the frames past ... past + time - 1, the keys the last `total` of
    those up to there; chunks are counted from frame 0.
    """
    end = past + time
    q = torch.arange(past, end)[:, None] // chunk
    k = torch.arange(end - total, end) // chunk
    return (k <= q) if left_chunks < 0 else (k <= q) & (k >= q - left_chunks)
